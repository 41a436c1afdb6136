#!/usr/bin/env python3
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

"""Print who speaks, and where, whenever it is somebody else."""

from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException

from av_tracker_msgs.msg import SpeakerTrackStamped

last = None


def tell(message: SpeakerTrackStamped) -> None:
    """Print a line when another person speaks than in the message before."""
    global last
    track, mouth = message.track, message.track.pose.pose.position
    if track.id != last:
        last = track.id
        where = f'at ({mouth.x:.2f}, {mouth.y:.2f}, {mouth.z:.2f}) m in {message.header.frame_id}'
        print(f'speaker {track.id} {where}' if track.id else 'nobody speaks', flush=True)


rclpy.init()
node = rclpy.create_node('who_speaks')
node.create_subscription(SpeakerTrackStamped, 'active_speaker', tell, 10)
with suppress(KeyboardInterrupt, ExternalShutdownException):
    rclpy.spin(node)
