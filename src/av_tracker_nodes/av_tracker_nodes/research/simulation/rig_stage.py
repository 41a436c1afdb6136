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

"""The space in front of any rig's camera, where people of a simulated scene can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, Room
from av_tracker_nodes.research.simulation.people_source import SEATED, STANDING, Stage

NEAREST, FARTHEST = 0.8, 4.0
"""Limits of the distance on the floor (m) of people who talk to a robot."""

_FROM_WALLS = 0.4
_TRIALS = 500
_HEAD = np.array([[0, 0, 0.2], [0, 0, -0.12], [0, 0.13, 0], [0, -0.13, 0], [0.13, 0, 0],
                  [-0.13, 0, 0]])  # fmt: skip
"""From the mouth to the ends of the head, and a little beyond (m)."""


@dataclass(frozen=True)
class RigStage(Stage):
    """What the people of a scene in front of a rig share.

    Attributes
    ----------
    view : Camera
    ears : np.ndarray, shape (3,)
        Where the microphones are (m).
    room : Room
    microphones : int
        How many there are.
    """

    view: Camera
    ears: np.ndarray
    room: Room
    microphones: int = 0

    def camera(self, number: int) -> np.ndarray:
        """Centre of the only camera (m)."""
        return self.view.centre

    @property
    def robot(self) -> np.ndarray:
        """Where the microphones are (m)."""
        return self.ears

    @property
    def azimuths(self) -> tuple[float, float]:
        """Of the right and the left edge of the picture (rad), at the height of the camera."""
        width, tall = self.view.size
        right, left = self.view.rays(np.array([[width - 1, tall / 2], [0, tall / 2]]))
        return float(np.arctan2(right[1], right[0])), float(np.arctan2(left[1], left[0]))

    def at(self, azimuth: float, distance: float) -> np.ndarray:
        """Place on the floor, shape (2,), at a distance (m) from the camera."""
        return self.view.centre[:2] + distance * np.array([np.cos(azimuth), np.sin(azimuth)])

    def height_in_view(self, side: tuple[float, float]) -> float:
        """Draw the height of a mouth (m) that is seen: standing if possible, else seated.

        Raises
        ------
        InputError
            When the camera would see neither.
        """
        for limits in (STANDING, SEATED):
            height = self.height(limits)
            if self._spot(height, side) is not None:
                return height
        raise InputError(
            f'the camera of the rig sees nobody who stands or sits {NEAREST} m to {FARTHEST} m in '
            'front of it: look at its mount, and at its height above the floor'
        )

    def spot(self, height: float, side: tuple[float, float]) -> np.ndarray:
        """Draw a place on the floor, shape (2,), where a whole head is in the picture.

        Parameters
        ----------
        height : float
            Of the mouth (m).
        side : (float, float)
            Shares of the width of the picture between which it is. Who walks from one such place
            straight to another stays between them.
        """
        spot = self._spot(height, side)
        if spot is None:
            raise RuntimeError('no place in view was found again')
        return spot

    def _spot(self, height: float, side: tuple[float, float]) -> np.ndarray | None:
        width, tall = self.view.size
        for _ in range(_TRIALS):
            pixel = np.array([self.rng.uniform(*side) * width, tall / 2])
            ray = self.view.rays(pixel)[:2]
            distance = self.rng.uniform(NEAREST, FARTHEST)
            place = self.view.centre[:2] + distance * ray / np.linalg.norm(ray)
            if self.has_space(place) and self.shows(np.append(place, height)):
                return place
        return None

    def has_space(self, place: np.ndarray) -> bool:
        """Tell whether somebody can stand at a place on the floor (2,), off the walls."""
        low, high = self.room.minimum[:2] + _FROM_WALLS, self.room.maximum[:2] - _FROM_WALLS
        return bool(((place >= low) & (place <= high)).all())

    def shows(self, mouth: np.ndarray) -> bool:
        """Tell whether the whole head of a mouth (3,) is in the picture."""
        pixels = self.view.project(mouth + _HEAD)
        return bool(self.view.contains(pixels).all())

    def cuts(self, mouth: np.ndarray) -> bool:
        """Tell whether some of the head of a mouth (3,) is in the picture, perhaps all."""
        pixels = self.view.project(np.append(mouth + _HEAD, [mouth], axis=0))
        return bool(self.view.contains(pixels).any())
