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

"""Where sound can come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.rig import Rig, Room

_FLAT = 0.01
"""Microphones no farther than this (m) from a common plane are flat."""
_BELOW = 0.04
"""How far (m) behind the plane of flat arrays sound is still looked for."""
_UPRIGHT = 0.1
"""Up to this cosine between z of the array frame and the normal of a plane, z lies in it."""


class Region(Protocol):
    """A part of space; a :class:`~av_tracker_nodes.geometry.Room` is one."""

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Tell which points, shape (..., 3), lie in the region."""


@dataclass(frozen=True)
class SourceRegion:
    """The room, and one side of flat arrays.

    Microphones in one plane hear a source and its mirror image in that plane alike. Taken is the
    side that the camera is on, or looks to if it is in the plane itself; without a camera the side
    that z of the array frame points to, and both where z lies in the plane.

    Attributes
    ----------
    room : Room or None
    origin, normal : np.ndarray, shape (3,)
        A point of the plane (m) and the direction to the side that is taken; a normal of zeros
        stands for all sides.
    """

    room: Room | None
    origin: np.ndarray
    normal: np.ndarray

    @classmethod
    def of(cls, rig: Rig) -> SourceRegion:
        """Make the region of a rig, in its array frame."""
        origin = rig.microphones.centre
        _, extents, axes = np.linalg.svd(rig.microphones.positions - origin)
        in_line = len(extents) < 3 or extents[1] < _FLAT
        if in_line or extents[2] > _FLAT * np.sqrt(len(rig.microphones.positions)):
            return cls(rig.room, origin, np.zeros(3))
        return cls(rig.room, origin, _towards_people(axes[2], origin, rig.camera_in_array))

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Tell from which points, shape (..., 3), sound can come."""
        inside = (points - self.origin) @ self.normal >= -_BELOW
        return inside if self.room is None else inside & self.room.contains(points)

    @property
    def both_sides(self) -> SourceRegion:
        """The same with the other side of flat arrays."""
        return replace(self, normal=np.zeros(3))

    def is_same(self, other: SourceRegion) -> bool:
        """Tell whether two regions are equal, up to the room's millimetres."""
        ours, theirs = self._limits(), other._limits()
        return len(ours) == len(theirs) and np.allclose(ours, theirs, atol=1e-3)

    def _limits(self) -> list[np.ndarray]:
        boxes = () if self.room is None else self.room.boxes
        corners = [corner for box in boxes for corner in (box.minimum, box.maximum)]
        return [self.origin, self.normal, *corners]


def _towards_people(normal: np.ndarray, origin: np.ndarray, camera: Camera | None) -> np.ndarray:
    """Turn the normal of a plane of microphones to the side that is taken; zeros for both."""
    if camera is None:
        side = normal[2]
        return np.sign(side) * normal if abs(side) > _UPRIGHT else np.zeros(3)
    side = normal @ (camera.centre - origin)
    if abs(side) < _BELOW:
        side = normal @ camera.pose.rotation[:, 2]
    return normal if side >= 0 else -normal
