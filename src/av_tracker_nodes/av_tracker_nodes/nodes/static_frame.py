# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
            self._publisher = node.output(TFMessage, '/tf_static', LATCHED)

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
