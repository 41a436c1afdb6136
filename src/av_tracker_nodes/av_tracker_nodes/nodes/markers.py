# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Tracks as RViz markers."""

from __future__ import annotations

from collections import deque

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from av_tracker_nodes.evaluation.palette import colour_of
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.nodes.conversions import header, point
from av_tracker_nodes.types import Track, TrackFrame, TrackState

_HEAD_DIAMETER = 0.20
_TRAIL_WIDTH = 0.02
_TEXT_HEIGHT = 0.12
_TRAIL_LENGTH = 75
_ABOVE = np.array([0.0, 0.0, 0.25])
_SIGMAS = 3.0
_GREY = (0.6, 0.6, 0.6)


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
        self._trails: dict[int, deque[Point]] = {}

    def draw(self, frame: TrackFrame, frame_id: str) -> MarkerArray:
        """Return the markers of one cycle, deletions included."""
        head = header(frame.stamp, frame_id)
        shown = [track for track in frame.tracks if track.state != TrackState.TENTATIVE]
        gone = set(self._trails) - {track.id for track in shown}
        markers = [marker for number in sorted(gone) for marker in self._delete(number, head)]
        for number in gone:
            del self._trails[number]
        for track in shown:
            markers += self._person(track, head)
        return MarkerArray(markers=markers)

    def _person(self, track: Track, head: Header) -> list[Marker]:
        trail = self._trails.setdefault(track.id, deque(maxlen=_TRAIL_LENGTH))
        trail.append(point(track.position))
        colour = _GREY if self._grey else colour_of(track.id)
        opacity = 1.0 if track.is_speaking else 0.6
        if track.state == TrackState.COASTING:
            opacity *= 0.5
        mouth = self._marker('head', track.id, Marker.SPHERE, head, colour, opacity)
        mouth.pose.position = trail[-1]
        mouth.scale = _size(_HEAD_DIAMETER)
        name = self._marker('name', track.id, Marker.TEXT_VIEW_FACING, head, (1, 1, 1), 1.0)
        name.pose.position = point(track.position + _ABOVE)
        name.scale.z = _TEXT_HEIGHT
        name.text = f'{track.id}: {track.speaking:.0%}' + (' speaks' if track.is_speaking else '')
        path = self._marker('trail', track.id, Marker.LINE_STRIP, head, colour, 0.8)
        path.scale.x = _TRAIL_WIDTH
        path.points = list(trail)
        return [mouth, name, path, self._ellipsoid(track, head, colour)]

    def _ellipsoid(self, track: Track, head: Header, colour: tuple) -> Marker:
        variances, axes = np.linalg.eigh(track.covariance[:3, :3])
        axes[:, 0] *= np.sign(np.linalg.det(axes))
        marker = self._marker('covariance', track.id, Marker.SPHERE, head, colour, 0.2)
        marker.pose.position = point(track.position)
        x, y, z, w = map(float, RigidTransform(axes).quaternion)
        marker.pose.orientation = Quaternion(x=x, y=y, z=z, w=w)
        diameters = 2 * _SIGMAS * np.sqrt(np.clip(variances, 1e-6, None))
        marker.scale = Vector3(**dict(zip('xyz', map(float, diameters), strict=True)))
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


def _size(diameter: float) -> Vector3:
    return Vector3(x=diameter, y=diameter, z=diameter)
