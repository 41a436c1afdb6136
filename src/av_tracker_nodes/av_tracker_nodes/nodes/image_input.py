# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Images of a camera, raw or compressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import images

_TOPICS = {'raw': (Image, 'image_raw'), 'compressed': (CompressedImage, 'image_raw/compressed')}


class ImageInput:
    """Subscribes to the images; those that were sent but never seen are counted as dropped.

    Parameters
    ----------
    node : StageNode
        Gets the parameter ``image_transport``, and counts.
    reliable : bool
        Ask for every image rather than for the newest.
    """

    def __init__(self, node: StageNode, reliable: bool) -> None:
        self._node = node
        self._quality = images(reliable)
        transport = node.parameter(
            'image_transport',
            'raw',
            'Images come on image_raw (raw) or image_raw/compressed (compressed)',
            choices=tuple(_TOPICS),
        )
        self.message_type, self.topic = _TOPICS[transport]
        self._last_number: int | None = None

    def listen(self, callback: Callable[[Any], None]) -> Subscription:
        """Call back with every image message."""

        def take(message: Any, info: Mapping[str, Any]) -> None:
            self._count_dropped(info.get('publication_sequence_number'))
            callback(message)

        return self._node.listen(self.message_type, self.topic, take, self._quality)

    def _count_dropped(self, number: int | None) -> None:
        """Compare with the publisher's count, where the middleware tells it."""
        if number is None:
            return
        if self._last_number is not None and number > self._last_number + 1:
            self._node.counts['dropped'] += number - self._last_number - 1
        self._last_number = number
