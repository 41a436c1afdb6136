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

"""Frames from ``/tf`` and ``/tf_static``.

It does without tf2_ros, which ROS from wheels does not have.
"""

from __future__ import annotations

from collections.abc import Callable

from tf2_msgs.msg import TFMessage

from av_tracker_nodes.geometry.frame_tree import FrameTree, Transforms
from av_tracker_nodes.nodes.quality_of_service import STATIC_TRANSFORMS, TRANSFORMS
from av_tracker_nodes.recordings.messages import stamped_transforms


def listen_to_frames(subscribe: Callable[..., object], take: Callable[[Transforms], None]) -> None:
    """Hand on what ``/tf`` and ``/tf_static`` tell.

    Parameters
    ----------
    subscribe : callable
        Subscribes with type, topic, callback and profile: `StageNode.learn`, or
        ``create_subscription`` of any other node.
    take : callable
        Called with every message.
    """

    def take_moving(message: TFMessage) -> None:
        take(stamped_transforms(message))

    def take_static(message: TFMessage) -> None:
        take(stamped_transforms(message, is_static=True))

    subscribe(TFMessage, '/tf', take_moving, TRANSFORMS)
    subscribe(TFMessage, '/tf_static', take_static, STATIC_TRANSFORMS)


class FrameListener(FrameTree):
    """A frame tree fed from ``/tf`` and ``/tf_static``.

    Parameters
    ----------
    subscribe : callable
        As `listen_to_frames` takes it.
    """

    def __init__(self, subscribe: Callable[..., object]) -> None:
        super().__init__()
        listen_to_frames(subscribe, self.take)
