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

"""Put portraits, screens, balls and plates where the camera of a rig sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry.head import FACE_HEIGHT
from av_tracker_nodes.research.simulation.decor import Ball, Decor, Picture, Portrait
from av_tracker_nodes.research.simulation.rig_stage import RigStage
from av_tracker_nodes.research.simulation.scene import Occluder

_TRIALS = 30
_OFF_THE_WALL = 0.04
_CLEAR = 0.5
"""What stands in the room is this far from everybody's way (m)."""
_TOLD_APART = 10.0
"""Height of the smallest painted face that is worth the paint (pixels)."""
_HEIGHTS = 1.0, 2.0
"""Of the middle of pictures above the floor (m)."""
_MAGNIFIED = np.log([0.4, 2.5])
_SKIN = np.array([[0.93, 0.74, 0.62], [0.80, 0.58, 0.45], [0.55, 0.37, 0.28], [0.36, 0.24, 0.18]])


@dataclass(frozen=True)
class DecorLimits:
    """How much there is that may be taken for somebody; numbers to draw from.

    Attributes
    ----------
    pictures : tuple of int
        On walls, some of them on screens.
    boards : tuple of int
        Portraits and screens that stand in the room.
    balls : tuple of int
        Balls, balloons, and plates on walls.
    """

    pictures: tuple[int, ...] = (0, 1, 2)
    boards: tuple[int, ...] = (0, 0, 0, 1)
    balls: tuple[int, ...] = (0, 0, 1, 2)

    def draw(self, stage: RigStage, ways: list[np.ndarray]) -> tuple[Decor, tuple[Occluder, ...]]:
        """Draw decor and boards, clear of the ways (n, 3) of the people."""
        rng = stage.rng
        pictures, boards, balls = (
            [draw(stage, ways) for _ in range(rng.choice(counts))]
            for draw, counts in (
                (_picture, self.pictures),
                (_board, self.boards),
                (_ball, self.balls),
            )
        )
        found = [tuple(each for each in drawn if each) for drawn in (pictures, balls, boards)]
        return Decor(*found[:2]), found[2]


def _picture(stage: RigStage, ways: list[np.ndarray]) -> Picture | None:
    """Hang a portrait on a wall; nobody can be behind it."""
    rng = stage.rng
    for _ in range(_TRIALS):
        spot = _spot_on_wall(stage)
        if spot is None:
            continue
        centre, right = spot
        portrait, size = _portrait(stage, float(np.linalg.norm(centre - stage.view.centre)))
        across, along = size[0] * right, np.array([0.0, 0.0, -size[1]])
        picture = Picture(
            centre - (across + along) / 2, across, along, portrait, bool(rng.uniform() < 0.3)
        )
        corners = picture.corner + np.array([np.zeros(3), across, along, across + along])
        if _is_in(stage, corners):
            return picture
    return None


def _board(stage: RigStage, ways: list[np.ndarray]) -> Occluder | None:
    """Set up a portrait or a screen that stands free and faces the camera, about."""
    rng, (right, left) = stage.rng, stage.azimuths
    floor = stage.room.minimum[2]
    for _ in range(_TRIALS):
        azimuth, distance = rng.uniform(right, left), rng.uniform(0.8, 4.0)
        place = stage.at(azimuth, distance)
        portrait, (wide, tall) = _portrait(stage, distance)
        centre = np.append(place, floor + rng.uniform(*_HEIGHTS))
        turned = azimuth + rng.uniform(-0.4, 0.4)
        across = wide * np.array([np.sin(turned), -np.cos(turned), 0.0])
        along = np.array([0.0, 0.0, -tall])
        corner = centre - (across + along) / 2
        corners = np.array([corner, corner + across, corner + across + along, corner + along])
        if (
            wide < 0.4 * distance
            and tall < 1.2
            and _is_in(stage, corners)
            and _is_clear(place, ways, wide / 2)
        ):
            return Occluder(corners, portrait=portrait, glows=bool(rng.uniform() < 0.5))
    return None


def _ball(stage: RigStage, ways: list[np.ndarray]) -> Ball | None:
    """Put up a ball as large as a head, more or less, in the room, or a plate on a wall."""
    rng, (right, left) = stage.rng, stage.azimuths
    floor = stage.room.minimum[2]
    radius = rng.uniform(0.06, 0.16)
    skin = _SKIN[rng.integers(len(_SKIN))]
    colour = skin if rng.uniform() < 0.4 else rng.uniform(0.1, 0.95, 3)
    cap = rng.uniform(0.05, 0.4, 3) if rng.uniform() < 0.3 else colour
    colours = np.stack([cap, colour])
    for _ in range(_TRIALS):
        if rng.uniform() < 0.35:
            spot = _spot_on_wall(stage)
            if spot is None:
                continue
            centre, along_wall = spot
            radii = np.where(np.abs(along_wall) > 0.5, radius, 0.015)
            radii[2] = radius
            return Ball(centre, radii, np.stack([colour, colour]), centre[2] - radius)
        place = stage.at(rng.uniform(right, left), np.exp(rng.uniform(*np.log([0.7, 5.0]))))
        centre = np.append(place, floor + rng.uniform(0.3, 1.9))
        radii = radius * np.array([1.0, 1.0, rng.uniform(0.9, 1.3)])
        pictured = stage.view.contains(stage.view.project(centre))
        if pictured and stage.has_space(place) and _is_clear(place, ways, radius):
            return Ball(centre, radii, colours, floor)
    return None


def _portrait(stage: RigStage, distance: float) -> tuple[Portrait, tuple[float, float]]:
    """Draw a portrait to be seen from a distance (m); return it with its width and height (m).

    Faces are between far smaller and far larger than life, and large enough to be told apart.
    """
    rng = stage.rng
    count = int(rng.choice([1, 1, 1, 2, 3]))
    least = _TOLD_APART * distance / stage.view.fy / FACE_HEIGHT
    face = FACE_HEIGHT * max(np.exp(rng.uniform(*_MAGNIFIED)), least)
    share = rng.uniform(0.25, 0.6)
    aspect = rng.uniform(0.65, 1.2) * (1.0 if count == 1 else 0.8 + 0.4 * count)
    identities = tuple(stage.identity() for _ in range(count))
    tall = face / share
    return Portrait(identities, share, aspect, int(rng.integers(1 << 31))), (aspect * tall, tall)


def _spot_on_wall(stage: RigStage) -> tuple[np.ndarray, np.ndarray] | None:
    """Draw a point before a wall in the picture; also the direction to the right, each (3,)."""
    rng, room, eye = stage.rng, stage.room, stage.view.centre
    right, left = stage.azimuths
    azimuth = rng.uniform(right, left)
    ray = np.array([np.cos(azimuth), np.sin(azimuth)])
    walls = np.where(ray > 0, room.maximum[:2], room.minimum[:2])
    reach = (walls - eye[:2]) / np.where(np.abs(ray) < 1e-6, 1e-6, ray)
    axis = int(np.argmin(reach))
    place = eye[:2] + reach[axis] * ray
    place[axis] -= _OFF_THE_WALL * np.sign(ray[axis])
    centre = np.append(place, room.minimum[2] + rng.uniform(*_HEIGHTS))
    if not stage.view.contains(stage.view.project(centre)):
        return None
    sign = np.sign(ray[axis])
    return centre, np.array([0.0, -sign, 0.0]) if axis == 0 else np.array([sign, 0.0, 0.0])


def _is_in(stage: RigStage, corners: np.ndarray) -> bool:
    """Tell whether a board with these corners (n, 3) is in the room and off floor and ceiling."""
    low = stage.room.minimum + np.array([0.0, 0.0, 0.3])
    high = stage.room.maximum - np.array([0.0, 0.0, 0.05])
    return bool(((corners >= low) & (corners <= high)).all())


def _is_clear(place: np.ndarray, ways: list[np.ndarray], reach: float) -> bool:
    return all(np.linalg.norm(way[:, :2] - place, axis=1).min() > _CLEAR + reach for way in ways)
