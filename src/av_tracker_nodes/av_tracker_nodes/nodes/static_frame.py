# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Where a sensor sits, from its calibration file to ``/tf_static``."""

from __future__ import annotations

from rclpy.publisher import Publisher
from tf2_msgs.msg import TFMessage

from av_tracker_nodes.geometry.calibration import Mounting
from av_tracker_nodes.nodes.conversions import to_transform
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import LATCHED


def publish_static_frame(node: StageNode, frame: str, mounting: Mounting) -> Publisher | None:
    """Publish the pose that a calibration file gives, unless told not to.

    Returns
    -------
    Publisher or None
        To be kept as long as the frame shall be known; None without a pose.
    """
    wanted = node.parameter(
        'publish_static_frame',
        True,
        'Publish the pose in the calibration file on /tf_static; off where a robot model does',
    )
    if not wanted or mounting.parent is None:
        return None
    publisher = node.output(TFMessage, '/tf_static', LATCHED)
    now = node.get_clock().now().nanoseconds
    transform = to_transform(mounting.parent, frame, mounting.pose, now)
    publisher.publish(TFMessage(transforms=[transform]))
    return publisher
