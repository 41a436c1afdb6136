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

"""Images of a camera, raw or compressed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import images
from av_tracker_nodes.types import ImageFrame

_TOPICS = {'raw': (Image, 'image_raw'), 'compressed': (CompressedImage, 'image_raw/compressed')}


class ImageInput:
    """Subscribes to the images, and decodes them.

    Parameters
    ----------
    node : StageNode
        Has the parameters that :meth:`declare` gave it.
    """

    def __init__(self, node: StageNode) -> None:
        self._node = node
        self.message_type, self.topic = _TOPICS[node.value('image_transport')]
        self.quality = images(node.value('reliable_images'))
        self._memory: object = None

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare ``image_transport`` and, unless it is there, ``reliable_images``."""
        node.parameter(
            'image_transport',
            'raw',
            'Images come on image_raw (raw) or image_raw/compressed (compressed)',
            choices=tuple(_TOPICS),
        )
        declare_reliable_images(node)

    def subscribe(self, callback: Callable[[Any], None], needed: bool = False) -> Subscription:
        """Call back with every image message."""
        return self._node.subscribe(
            self.message_type, self.topic, callback, self.quality, needed=needed
        )

    def read(self, message: Any) -> ImageFrame:
        """Decode an image; nodes that share a process decode it once.

        Raises
        ------
        InputError
            It cannot be decoded.
        """
        # Here, since some nodes only declare their images: decoding takes OpenCV.
        from av_tracker_nodes.recordings.messages.images import from_image
        from av_tracker_nodes.recordings.messages.pixels import ImageMemory

        self._memory = self._memory or ImageMemory()
        decode = partial(from_image, message, self._memory)
        neighbours = self._node.neighbours
        return decode() if neighbours is None else neighbours.once(message, decode)


def declare_reliable_images(node: StageNode) -> None:
    """Declare ``reliable_images``, which several inputs of a node share."""
    if 'reliable_images' not in node.settings:
        node.parameter(
            'reliable_images', False, 'Ask for every image, as a replay wants, not for the newest'
        )
