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

"""ROS messages without ROS: what bags hold, to and from the types of this package.

Functions ``to_*`` and ``make_*`` build messages of the `rosbags` library, or of rclpy where they
are given what makes those; functions ``from_*`` only read attributes and so take either. Those of
images are in :mod:`.images` alone, as nobody else needs OpenCV.
"""

from av_tracker_nodes.recordings.messages.audio import from_audio, make_audio, to_audio
from av_tracker_nodes.recordings.messages.audio_common import AudioCommonSound
from av_tracker_nodes.recordings.messages.cameras import from_camera_info, to_camera_info
from av_tracker_nodes.recordings.messages.definitions import (
    message_directory,
    require_rosbags,
    serialize,
    typestore,
)
from av_tracker_nodes.recordings.messages.microphones import (
    from_array_info,
    room_of,
    to_array_info,
)
from av_tracker_nodes.recordings.messages.standard import (
    make_box,
    make_header,
    make_point,
    make_quaternion,
    make_time,
    make_vector,
    stamp_of,
    to_bool,
)
from av_tracker_nodes.recordings.messages.tracks import (
    from_tracks,
    to_tracks,
)
from av_tracker_nodes.recordings.messages.transforms import (
    from_transforms,
    stamped_transforms,
    to_transform,
    to_transforms,
)

__all__ = [
    'AudioCommonSound',
    'from_array_info',
    'from_audio',
    'from_camera_info',
    'from_tracks',
    'from_transforms',
    'make_audio',
    'make_box',
    'make_header',
    'make_point',
    'make_quaternion',
    'make_time',
    'make_vector',
    'message_directory',
    'require_rosbags',
    'room_of',
    'serialize',
    'stamp_of',
    'stamped_transforms',
    'to_array_info',
    'to_audio',
    'to_bool',
    'to_camera_info',
    'to_tracks',
    'to_transform',
    'to_transforms',
    'typestore',
]
