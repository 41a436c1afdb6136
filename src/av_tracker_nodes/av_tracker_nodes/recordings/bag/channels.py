# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Names in a bag: its frames, and the topic and the type of each kind of message."""

from __future__ import annotations

WORLD_FRAME = 'world'
CAMERA_FRAME = 'camera_optical'
ARRAY_FRAME = 'mic_array'

AUDIO = '/audio', 'av_tracker_msgs/msg/AudioBlock'
ARRAY_INFO = '/audio/array_info', 'av_tracker_msgs/msg/MicrophoneArrayInfo'
IMAGE = '/image_raw', 'sensor_msgs/msg/Image'
COMPRESSED = '/image_raw/compressed', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = '/camera_info', 'sensor_msgs/msg/CameraInfo'
TF_STATIC = '/tf_static', 'tf2_msgs/msg/TFMessage'
GROUND_TRUTH = '/ground_truth', 'av_tracker_msgs/msg/SpeakerTrackArray'
ROBOT_SPEAKING = '/robot_speaking', 'std_msgs/msg/Bool'
