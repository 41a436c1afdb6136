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

"""Tracks as RViz markers."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Quaternion
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from av_tracker_nodes.nodes.conversions import header, point, vector
from av_tracker_nodes.types import Track, TrackFrame
from av_tracker_nodes.viewing.palette import colour_of
from av_tracker_nodes.viewing.shapes import (
    GREY,
    HEAD_DIAMETER,
    caption,
    ellipsoid,
    opacity,
    shown_tracks,
)
from av_tracker_nodes.viewing.trails import Trails

_TRAIL_WIDTH = 0.02
_TEXT_HEIGHT = 0.12
_ABOVE = np.array([0.0, 0.0, 0.25])


class TrackMarkers:
    """Draws a head, a name, a trail and an ellipsoid of uncertainty for every track.

    A speaking head is opaque and says so; one that coasts is faint. Markers of tracks that have
    gone are deleted; should this node end, the markers fade by themselves.

    Parameters
    ----------
    namespace : str
        Put before the names of the markers.
    grey : bool
        Draw everybody in grey, as for ground truth.
    """

    def __init__(self, namespace: str = '', grey: bool = False) -> None:
        self._namespace = namespace
        self._grey = grey
        self._trails = Trails()

    def draw(self, frame: TrackFrame, frame_id: str) -> MarkerArray:
        """Return the markers of one cycle, deletions included."""
        head = header(frame.stamp, frame_id)
        shown = shown_tracks(frame)
        gone = self._trails.follow(shown)
        markers = [marker for number in gone for marker in self._delete(number, head)]
        for track in shown:
            markers += self._person(track, head)
        return MarkerArray(markers=markers)

    def _person(self, track: Track, head: Header) -> list[Marker]:
        colour = GREY if self._grey else colour_of(track.id)
        mouth = self._marker('head', track.id, Marker.SPHERE, head, colour, opacity(track))
        mouth.pose.position = point(track.position)
        mouth.scale = vector(np.full(3, HEAD_DIAMETER))
        name = self._marker('name', track.id, Marker.TEXT_VIEW_FACING, head, (1, 1, 1), 1.0)
        name.pose.position = point(track.position + _ABOVE)
        name.scale.z = _TEXT_HEIGHT
        name.text = caption(track)
        path = self._marker('trail', track.id, Marker.LINE_STRIP, head, colour, 0.8)
        path.scale.x = _TRAIL_WIDTH
        path.points = [point(position) for position in self._trails[track.id]]
        return [mouth, name, path, self._ellipsoid(track, head, colour)]

    def _ellipsoid(self, track: Track, head: Header, colour: tuple) -> Marker:
        half_axes, quaternion = ellipsoid(track.covariance[:3, :3])
        marker = self._marker('covariance', track.id, Marker.SPHERE, head, colour, 0.2)
        marker.pose.position = point(track.position)
        x, y, z, w = map(float, quaternion)
        marker.pose.orientation = Quaternion(x=x, y=y, z=z, w=w)
        marker.scale = vector(2 * half_axes)
        return marker

    def _marker(
        self, kind: str, number: int, shape: int, head: Header, colour: tuple, opacity: float
    ) -> Marker:
        red, green, blue = map(float, colour)
        return Marker(
            header=head,
            ns=self._namespace + kind,
            id=number,
            type=shape,
            action=Marker.ADD,
            color=ColorRGBA(r=red, g=green, b=blue, a=opacity),
            lifetime=Duration(sec=2),
        )

    def _delete(self, number: int, head: Header) -> list[Marker]:
        return [
            Marker(header=head, ns=self._namespace + kind, id=number, action=Marker.DELETE)
            for kind in ('head', 'name', 'trail', 'covariance')
        ]
