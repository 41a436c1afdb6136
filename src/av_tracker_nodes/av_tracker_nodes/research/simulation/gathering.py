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

"""People who walk, stand and sit as they like, look anywhere, and talk over each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.conditions import Conditions
from av_tracker_nodes.research.simulation.people_source import (
    SEATED,
    STANDING,
    TABLE,
    Company,
    Stage,
)
from av_tracker_nodes.research.simulation.scene import Occluder, Person
from av_tracker_nodes.research.simulation.trajectories import Itinerary

_AREA = np.array([[0.60, 1.35], [-1.0, 1.1]])
"""Where people stand, world x and y (m): behind the table, in view of all cameras."""

_BOARD_DISTANCE = 0.8
_MOST_WAYS, _MOST_LEGS, _COARSE = 2000, 20, 10
_CLEARANCE = 0.05
"""Bends of a way and the sway of the body take this much (m)."""


@dataclass(frozen=True)
class Gathering(Company):
    """People in the meeting room, and how hidden they are.

    Attributes
    ----------
    boarded : float
        Share of scenes where a board stands before each camera.
    board_width : (float, float)
        Share of the width of the picture that a board hides.
    apart : float
        People keep this far from each other (m); at 0 they walk through each other.
    """

    boarded: float = 0.0
    board_width: tuple[float, float] = (0.0, 0.0)
    apart: float = 0.4

    def draw_cast(self, stage: Stage) -> Cast:
        """Draw what a scene has: people, boards and dead microphones."""
        return Cast(
            self.draw_people(stage),
            self.draw_boards(stage),
            self.dead_microphones(stage, len(meeting_room.microphones().positions), 2),
            conditions=self.conditions,
        )

    def draw_people(self, stage: Stage) -> list[Person]:
        """Draw the people of a scene."""
        rng = stage.rng
        count = int(rng.choice(self.people))
        axes: list[np.ndarray] = []
        while len(axes) < count:
            axes.append(self._axis(stage, axes))
        return self.people_on(stage, axes, stage.voices(count))

    def draw_boards(self, stage: Stage) -> tuple[Occluder, ...]:
        """Draw the boards that hide people: none, or one before each camera."""
        if stage.rng.uniform() >= self.boarded:
            return ()
        return tuple(self._board(stage, camera) for camera in meeting_room.cameras())

    def targets(self, stage: Stage) -> list[np.ndarray]:
        """Draw one of the cameras; people look at the table, too."""
        return [stage.camera(int(stage.rng.integers(1, 4))), TABLE]

    def _axis(self, stage: Stage, others: list[np.ndarray]) -> np.ndarray:
        """Draw the way of somebody who keeps clear of the others."""
        coarse = slice(None, None, _COARSE)
        for _ in range(_MOST_WAYS):
            route, limits = self._way(stage, others)
            places = route.positions(stage.times[coarse])
            distance = _distance(places, [other[coarse] for other in others])
            if distance.min(initial=np.inf) >= self.apart:
                return stage.axis(route, stage.height(limits))
        raise RuntimeError('no way past the others was found')

    def _way(
        self, stage: Stage, others: list[np.ndarray]
    ) -> tuple[Itinerary, tuple[float, float]]:
        """Draw a way, and the limits of the height of the mouth (m)."""
        kind = stage.rng.uniform()
        if kind < self.seated:
            return Itinerary.start(_place(stage)).wait(1.0), SEATED
        walks = kind < self.seated + self.walking
        route = Itinerary.start(_place(stage), -1.0)
        while route.end < stage.duration + 1.0:
            if walks:
                self._walk(stage, route, others)
                route.wait(stage.rng.uniform(0.0, 1.0))
            else:
                route.wait(stage.rng.uniform(1.0, 4.0))
                route.walk(stage.near(*route.place, 0.2), 0.4)
        return route, STANDING

    def _walk(self, stage: Stage, route: Itinerary, others: list[np.ndarray]) -> None:
        """Walk somewhere, on a way that is clear of the others where one is found."""
        for _ in range(_MOST_LEGS):
            target, speed = _place(stage), stage.rng.uniform(0.4, 0.9)
            if self.apart == 0 or self._is_clear(stage, route, target, speed, others):
                route.walk(target, speed)
                return
        route.wait(0.5)

    def _is_clear(
        self,
        stage: Stage,
        route: Itinerary,
        target: np.ndarray,
        speed: float,
        others: list[np.ndarray],
    ) -> bool:
        seconds = np.linalg.norm(target - route.place) / speed
        times = stage.times[::_COARSE]
        now = (times >= route.end) & (times <= route.end + seconds)
        share = (times[now] - route.end) / max(seconds, 1e-6)
        way = route.place + share[:, None] * (target - route.place)
        clear = _distance(way, [other[::_COARSE][now] for other in others])
        return bool(clear.min(initial=np.inf) > self.apart + _CLEARANCE)

    def _board(self, stage: Stage, camera: Camera) -> Occluder:
        width = stage.rng.uniform(*self.board_width)
        left = stage.rng.uniform(0.1, 0.9 - width)
        return board_before(camera, left, left + width)


def board_before(camera: Camera, left: float, right: float) -> Occluder:
    """Upright board that hides a picture from top to bottom, between two shares of its width."""
    width, height = camera.size
    pixels = np.array([[left * width, height / 2], [right * width, height / 2]])
    near, far = camera.back_project(pixels, _BOARD_DISTANCE)
    drop, rise = np.array([0, 0, -0.7]), np.array([0, 0, 0.7])
    return Occluder(np.stack([near + rise, far + rise, far + drop, near + drop]))


def _distance(way: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """Distances on the floor (m) from the others at the same times, all in a row."""
    return np.concatenate(
        [np.linalg.norm(way[:, :2] - other[:, :2], axis=1) for other in others] or [np.zeros(0)]
    )


def _place(stage: Stage) -> np.ndarray:
    return stage.rng.uniform(*_AREA.T)


HARD = Gathering(
    people=(2, 3),
    seated=0.15,
    walking=0.5,
    averted=0.4,
    talkative=(0.7, 0.95),
    loudness_db=(-5.0, 2.0),
    boarded=0.75,
    board_width=(0.12, 0.28),
    conditions=Conditions((0.3, 0.55), (10.0, 20.0), (0.4, 1.2), (0.0, 1.5)),
)
"""About as hard to hear and to see as the multi-speaker recordings of AV16.3."""

CROWD = Gathering(people=(6,), seated=0.5, walking=0.0, talkative=(0.2, 0.4), apart=0.35)
"""Six people who sit and stand in good conditions, and hide each other."""

VARIED = Gathering(
    people=(1, 2, 2, 3, 3, 4),
    seated=0.2,
    walking=0.5,
    averted=0.25,
    talkative=(0.3, 0.8),
    silent=0.15,
    loudness_db=(-10.0, 3.0),
    boarded=0.4,
    board_width=(0.08, 0.3),
    defective=0.15,
    apart=0.0,
    conditions=Conditions((0.25, 0.75), (5.0, 25.0), (0.0, 1.2), (0.0, 1.5)),
)
"""From easy to harder than `HARD`: what networks learn on."""
