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

"""What is agreed about bags: patience in a replay, frames, topics and types of messages."""

from __future__ import annotations

REPLAY_PATIENCE = 1.0
"""Stream time (s) that a replay waits for input that is late in transport; see
:class:`~av_tracker_nodes.synchronisation.CycleTrigger`."""

WORLD_FRAME = 'world'
CAMERA_FRAME = 'camera_optical'
ARRAY_FRAME = 'mic_array'

AUDIO = '/audio', 'av_tracker_msgs/msg/AudioBlock'
ARRAY_INFO = '/audio/array_info', 'av_tracker_msgs/msg/MicrophoneArrayInfo'
IMAGE = '/image_raw', 'sensor_msgs/msg/Image'
COMPRESSED = '/image_raw/compressed', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = '/camera_info', 'sensor_msgs/msg/CameraInfo'
TF = '/tf', 'tf2_msgs/msg/TFMessage'
TF_STATIC = '/tf_static', 'tf2_msgs/msg/TFMessage'
DEPTH = '/depth/image', 'sensor_msgs/msg/Image'
GROUND_TRUTH = '/ground_truth', 'av_tracker_msgs/msg/SpeakerTrackArray'
ROBOT_SPEAKING = '/robot_speaking', 'std_msgs/msg/Bool'
