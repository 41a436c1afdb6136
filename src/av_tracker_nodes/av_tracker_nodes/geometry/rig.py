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

"""Camera and microphones together, and the room around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.geometry.ambiguity import ambiguity
from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.microphones import MicrophoneArray
from av_tracker_nodes.geometry.ray_map import same_lens
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.geometry.uncertainty import RigUncertainty

_ROUNDING = 1e-6
"""Metres and radians that transforms through a target frame far away are off by."""


@dataclass(frozen=True)
class Box:
    """A box between two opposite corners, each of shape (3,), in the array frame (m)."""

    minimum: np.ndarray
    maximum: np.ndarray

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Tell which points (..., 3) lie in the box."""
        return ((points >= self.minimum) & (points <= self.maximum)).all(axis=-1)


@dataclass(frozen=True)
class Room(Box):
    """Where sound can come from: a box less the furniture in it, in the array frame (m).

    Attributes
    ----------
    obstacles : tuple of Box
        No sound comes from inside these: a table down to the floor.
    """

    obstacles: tuple[Box, ...] = ()

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The room as a box, and its obstacles."""
        return Box(self.minimum, self.maximum), *self.obstacles

    @classmethod
    def of(cls, boxes: Sequence[Box]) -> Room:
        """Make a room from the result of `boxes`."""
        return cls(boxes[0].minimum, boxes[0].maximum, tuple(boxes[1:]))

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Tell from which points (..., 3) sound can come."""
        walls, *obstacles = self.boxes
        inside = walls.contains(points)
        for obstacle in obstacles:
            inside &= ~obstacle.contains(points)
        return inside


@dataclass(frozen=True)
class Rig:
    """Geometry of the sensors at one time.

    Attributes
    ----------
    camera : Camera or None
        Described in the target frame; None where there are microphones only.
    microphones : MicrophoneArray or None
        Described in the array frame; None where there is a camera only.
    target_from_array : RigidTransform
        Takes points of the array frame to the target frame.
    room : Room or None
        Mask for sound sources; None where it is unknown.
    uncertainty : RigUncertainty
        How far all this may be from the truth.
    """

    camera: Camera | None
    microphones: MicrophoneArray | None
    target_from_array: RigidTransform = field(default_factory=RigidTransform)
    room: Room | None = None
    uncertainty: RigUncertainty = field(default_factory=RigUncertainty)

    @property
    def camera_in_array(self) -> Camera | None:
        """Camera described in the array frame, where sound is mapped; None without one."""
        return self.camera and self.camera.in_frame(self.target_from_array.inverse)

    @property
    def up_in_array(self) -> np.ndarray:
        """Unit vector (3,) away from the floor, array frame: z of the target frame is up."""
        return self.target_from_array.rotation[2]

    @property
    def ambiguity(self) -> str:
        """Which directions sound alike, in a sentence; empty where none do.

        Front and back, above and below are those of the target frame: x forward, z up.
        """
        if self.microphones is None:
            return ''
        positions = self.target_from_array @ self.microphones.positions
        return ambiguity(positions, among_people=True)

    @property
    def tells_directions(self) -> bool:
        """Whether there are enough microphones to measure directions: at least two."""
        return self.microphones is not None and len(self.microphones.positions) > 1

    def has_moved_as_one(self, other: Rig) -> bool:
        """Tell whether two rigs differ at most in where they are in the target frame.

        Nothing changes in the array frame then, as on a robot that drives about.
        """
        return (
            self.microphones is other.microphones
            and self.room is other.room
            and _same_view(self.camera_in_array, other.camera_in_array)
        )


def _same_view(one: Camera | None, other: Camera | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        same_lens(one, other)
        and np.allclose(one.pose.rotation, other.pose.rotation, rtol=0, atol=_ROUNDING)
        and np.allclose(one.pose.translation, other.pose.translation, rtol=0, atol=_ROUNDING)
    )
