# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""rosbag2 bags (MCAP) written and read without ROS.

A bag logs an image at its stamp and a block of sound at the time of its last sample, so a replay
in bag order never shows a listener the future.
"""

from av_tracker_nodes.recordings.bag.bag_file import RawMessage, stamp_of_cdr
from av_tracker_nodes.recordings.bag.channels import (
    ARRAY_FRAME,
    CAMERA_FRAME,
    REPLAY_PATIENCE,
    WORLD_FRAME,
)
from av_tracker_nodes.recordings.bag.reader import BagReader, Record
from av_tracker_nodes.recordings.bag.sources import TF_TIMEOUT, Sources
from av_tracker_nodes.recordings.bag.topics import TopicNames, Topics
from av_tracker_nodes.recordings.bag.writer import JPEG_QUALITY, BagFrames, BagWriter

__all__ = [
    'ARRAY_FRAME',
    'CAMERA_FRAME',
    'JPEG_QUALITY',
    'REPLAY_PATIENCE',
    'TF_TIMEOUT',
    'WORLD_FRAME',
    'BagFrames',
    'BagReader',
    'BagWriter',
    'RawMessage',
    'Record',
    'Sources',
    'TopicNames',
    'Topics',
    'stamp_of_cdr',
]
