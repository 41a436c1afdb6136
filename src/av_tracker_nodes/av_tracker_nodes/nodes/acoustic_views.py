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

"""The acoustic map and the sensors for people to look at, in space and over the image."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from rclpy.time import Time
from sensor_msgs.msg import Image, PointCloud2, PointField
from visualization_msgs.msg import MarkerArray

from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.nodes.conversions import header
from av_tracker_nodes.nodes.image_input import ImageInput
from av_tracker_nodes.nodes.joins import Cache, SimpleFilter
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import LATCHED
from av_tracker_nodes.nodes.sensor_markers import sensor_markers
from av_tracker_nodes.types import AcousticMap, Face, ImageFrame

# What draws and decodes is imported where it is used: while nobody looks, no OpenCV is needed.

_FIELDS = ('x', 'y', 'z', 'intensity')
_KEPT_IMAGES = 50


class AcousticViews:
    """Publishes ``acoustic_map/points`` and ``acoustic_map/overlay`` while somebody listens.

    Where the sensors are, on ``sensor_markers``, is published when it changes.
    """

    def __init__(self, node: StageNode) -> None:
        self._node = node
        self._points = node.advertise(PointCloud2, 'acoustic_map/points')
        self._overlay = node.advertise(Image, 'acoustic_map/overlay')
        self._sensors = node.advertise(MarkerArray, 'sensor_markers', LATCHED)
        self._rig: Rig | None = None
        self._source = ImageInput(node)
        self._images: Cache | None = None

    def publish(
        self, sound: AcousticMap, rig: Rig, frame_id: str, faces: Sequence[Face] = ()
    ) -> None:
        """Publish the views of a map, and of the faces of its image, that are wanted."""
        if self._rig is None or not rig.has_moved_as_one(self._rig):
            self._rig = rig
            self._sensors.publish(sensor_markers(rig, frame_id))
        if self._points.get_subscription_count() > 0:
            self._points.publish(to_points(sound, rig, frame_id))
        if self._overlay.get_subscription_count() > 0:
            self._publish_overlay(sound, [face.box for face in faces])

    def _publish_overlay(self, sound: AcousticMap, boxes: Sequence[np.ndarray]) -> None:
        from av_tracker_nodes.nodes.image_messages import to_image
        from av_tracker_nodes.viewing.sound import draw_overlay

        if self._images is None:
            pictures = SimpleFilter()
            self._images = Cache(pictures, cache_size=_KEPT_IMAGES)
            self._source.subscribe(pictures.signalMessage)
        stamp = Time.from_msg(header(sound.stamp, '').stamp)
        for message in self._images.getInterval(stamp, stamp):
            image = draw_overlay(self._source.read(message).image, sound, boxes)
            self._overlay.publish(
                to_image(ImageFrame(sound.stamp, image), message.header.frame_id)
            )


def to_points(sound: AcousticMap, rig: Rig, frame_id: str) -> PointCloud2:
    """Place the map in space, at the depth of its peak, with the coherence as intensity."""
    from av_tracker_nodes.viewing.sound import place_map

    rows, columns = sound.values.shape
    values = np.concatenate([place_map(sound, rig), sound.values[..., None]], axis=-1)
    return PointCloud2(
        header=header(sound.stamp, frame_id),
        height=rows,
        width=columns,
        fields=[
            PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
            for index, name in enumerate(_FIELDS)
        ],
        point_step=4 * len(_FIELDS),
        row_step=4 * len(_FIELDS) * columns,
        data=array('B', values.astype(np.float32).tobytes()),
        is_dense=bool(np.isfinite(values).all()),
    )
