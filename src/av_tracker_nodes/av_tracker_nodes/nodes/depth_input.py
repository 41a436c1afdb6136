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

"""Depth images that are registered to the pictures."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import Image

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import images
from av_tracker_nodes.recordings.messages.images import from_depth_image
from av_tracker_nodes.synchronisation import LONGEST_WAIT, StampedBuffer
from av_tracker_nodes.types import FaceFrame, to_nanoseconds
from av_tracker_nodes.vision.depth import with_ranges

_APART = to_nanoseconds(0.05)
"""Depth images belong to pictures that are no farther from them (ns)."""


class DepthInput:
    """Gives faces their ranges where somebody publishes ``depth/image``.

    Parameters
    ----------
    node : StageNode
        Has the parameters that :meth:`declare` gave it.
    """

    def __init__(self, node: StageNode) -> None:
        self._node = node
        self._depth: StampedBuffer[np.ndarray] = StampedBuffer(LONGEST_WAIT)
        if node.value('depth'):
            quality = images(node.value('reliable_images'))
            node.subscribe(Image, 'depth/image', self._keep, quality, needed=True)

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare ``depth``."""
        node.parameter(
            'depth',
            False,
            'Take ranges of faces from depth/image, registered to the pictures (REP 118)',
        )

    def measured(self, faces: FaceFrame, camera: Camera) -> FaceFrame:
        """Return the faces with ranges, as far as there is a depth image of their time."""
        near = [item for item in self._depth.around(faces.stamp) if item is not None]
        near = [item for item in near if abs(item[0] - faces.stamp) <= _APART]
        # Pictures come in order: nobody asks again for what is older.
        self._depth.drop_until(faces.stamp - _APART)
        if not near or not faces.faces:
            return faces
        _, depth = min(near, key=lambda item: abs(item[0] - faces.stamp))
        try:
            measured = with_ranges(faces, depth, camera)
        except InputError as error:
            # Detections by the size of heads are better than none.
            self._node.problems['depth'] = str(error)
            return faces
        self._node.problems.pop('depth', None)
        self._node.counts['depth images used'] += 1
        return measured

    def _keep(self, message: Image) -> None:
        self._depth.add(*from_depth_image(message))
