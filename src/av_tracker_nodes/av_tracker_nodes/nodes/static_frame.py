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

"""Where a sensor sits, from its calibration file to ``/tf_static``."""

from __future__ import annotations

from tf2_msgs.msg import TFMessage

from av_tracker_nodes.geometry.calibration import Mounting
from av_tracker_nodes.nodes.conversions import to_transform
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import LATCHED


class StaticFrame:
    """The pose that a calibration file gives, if it gives one.

    Parameters
    ----------
    node : StageNode
        Has the parameter that :meth:`declare` gave it.
    frame : str
        Of the sensor.
    mounting : Mounting
    """

    def __init__(self, node: StageNode, frame: str, mounting: Mounting) -> None:
        self._node, self._frame, self._mounting = node, frame, mounting
        self._publisher = None
        if node.value('publish_static_frame') and mounting.parent is not None:
            self._publisher = node.advertise(TFMessage, '/tf_static', LATCHED)

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare ``publish_static_frame``."""
        node.parameter(
            'publish_static_frame',
            True,
            'Publish the pose in the calibration file on /tf_static; off where a robot model does',
        )

    def publish(self) -> None:
        """Publish it, unless told not to; late joiners get it too."""
        if self._publisher is None:
            return
        now = self._node.get_clock().now().nanoseconds
        mounting = self._mounting
        transform = to_transform(mounting.parent, self._frame, mounting.pose, now)
        self._publisher.publish(TFMessage(transforms=[transform]))
