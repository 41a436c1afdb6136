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

"""Microphones and camera as RViz markers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.nodes.conversions import point
from av_tracker_nodes.viewing.palette import colour_of

_MICROPHONE_DIAMETER = 0.02
_IMAGE_DISTANCE = 0.5
_LINE_WIDTH = 0.01
_WHITE = (0.9, 0.9, 0.9)


def sensor_markers(rig: Rig, frame_id: str) -> MarkerArray:
    """Draw every microphone, coloured by array, and what the camera sees, as far as there are any.

    Parameters
    ----------
    rig : Rig
    frame_id : str
        The array frame.
    """
    markers = [] if rig.microphones is None else _spheres(rig.microphones, frame_id)
    if rig.camera is not None:
        lines = _marker('camera', 0, Marker.LINE_LIST, frame_id, _pyramid(rig.camera_in_array))
        lines.scale.x = _LINE_WIDTH
        lines.color = _colour(_WHITE)
        markers.append(lines)
    return MarkerArray(markers=markers)


def _spheres(microphones: MicrophoneArray, frame_id: str) -> list[Marker]:
    markers = []
    for group in np.unique(microphones.groups).tolist():
        places = microphones.positions[microphones.groups == group]
        spheres = _marker('microphones', group, Marker.SPHERE_LIST, frame_id, places)
        spheres.scale.x = spheres.scale.y = spheres.scale.z = _MICROPHONE_DIAMETER
        spheres.color = _colour(colour_of(group + 1))
        markers.append(spheres)
    return markers


def _pyramid(camera: Camera) -> np.ndarray:
    """Edges from the camera to the corners of its image and between those, shape (16, 3).

    A corner where the lens images nothing is drawn where the lens ends.
    """
    width, height = camera.size
    pixels = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    corners = camera.centre + _IMAGE_DISTANCE * RayMap(camera).rays(pixels)
    ends = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    return np.array([p for here, there in ends for p in (camera.centre, here, here, there)])


def _marker(
    namespace: str, number: int, shape: int, frame_id: str, places: Sequence[np.ndarray]
) -> Marker:
    """Make a marker that stays, wherever the newest transforms put its frame."""
    points: list[Point] = [point(place) for place in places]
    marker = Marker(
        header=Header(frame_id=frame_id),
        ns=namespace,
        id=number,
        type=shape,
        action=Marker.ADD,
        points=points,
        frame_locked=True,
    )
    marker.pose.orientation.w = 1.0
    return marker


def _colour(rgb: tuple[float, float, float]) -> ColorRGBA:
    red, green, blue = map(float, rgb)
    return ColorRGBA(r=red, g=green, b=blue, a=1.0)
