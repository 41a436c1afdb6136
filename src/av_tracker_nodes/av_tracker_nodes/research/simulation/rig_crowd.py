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

"""People at any distance from a rig, who come and go, turn away, and hide each other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.geometry.head import FACE_HEIGHT
from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.conditions import Conditions
from av_tracker_nodes.research.simulation.noises import television_sound
from av_tracker_nodes.research.simulation.people_source import SEATED, STANDING, Company
from av_tracker_nodes.research.simulation.rig_decor import DecorLimits
from av_tracker_nodes.research.simulation.rig_stage import RigStage
from av_tracker_nodes.research.simulation.scene import SoundSource
from av_tracker_nodes.research.simulation.speech import RATE, Voice
from av_tracker_nodes.research.simulation.trajectories import Itinerary, smooth

_APART = 0.45
"""People keep this far from each other (m): shoulders touch."""

_MOST_WAYS, _MOST_PLACES, _COARSE = 40, 60, 10
_BEYOND = np.radians([6.0, 20.0])
"""Who is out of the picture is this far beside it (rad)."""
_SMALLEST = 7.0
"""Height of the smallest face that a scene is about (pixels)."""
_CUT = np.radians(4.0)
"""Who may be cut is this far over the border of the picture at most (rad)."""


@dataclass(frozen=True)
class Crowd(Company):
    """People in front of a rig, how far away they are, and what else is there.

    Up to a third of the microphones are dead in a scene where some are.

    Attributes
    ----------
    distance : (float, float)
        Between which distances (m) people stand; each ratio of distances is as likely.
    passing : float
        Share of people who come into the picture, cross it or leave it.
    cut : float
        Share of people whom the border of the picture may cut.
    waving : float
        Share of people who hold up a hand beside the head.
    decor : DecorLimits
        What else there is to be taken for people; a screen may talk.
    """

    distance: tuple[float, float] = (0.6, 6.0)
    passing: float = 0.0
    cut: float = 0.1
    bowed: float = 0.05
    waving: float = 0.15
    silent: float = 0.1
    decor: DecorLimits = field(default_factory=DecorLimits)

    def draw_cast(self, stage: RigStage) -> Cast:
        """Draw what a scene has."""
        axes = self._draw_axes(stage)
        *voices, television = stage.voices(len(axes) + 1)
        people = self.people_on(stage, axes, voices)
        decor, boards = self.decor.draw(stage, axes)
        screens = [picture.centre for picture in decor.pictures if picture.glows]
        screens += [board.corners.mean(axis=0) for board in boards if board.glows]
        return Cast(
            people,
            boards,
            self.dead_microphones(stage, stage.microphones, 3),
            sources=_sound_of(screens, stage, television),
            decor=decor,
            conditions=self.conditions,
        )

    def _draw_axes(self, stage: RigStage) -> list[np.ndarray]:
        """Draw the ways of as many people as there is space for."""
        axes: list[np.ndarray] = []
        for _ in range(int(stage.rng.choice(self.people))):
            axis = self._axis(stage, axes)
            axes += [] if axis is None else [axis]
        return axes

    def raised(self, stage: RigStage) -> np.ndarray | None:
        """Draw when somebody waves or holds up a hand or fist; None for who does not."""
        rng, times = stage.rng, stage.times
        if rng.uniform() >= self.waving:
            return None
        start = rng.uniform(-1.0, 0.7 * stage.duration)
        up = (times >= start) & (times < start + rng.uniform(1.0, 4.0))
        wave = 1 - rng.uniform(0.0, 0.25) * (1 + np.sin(2 * np.pi * rng.uniform(0.5, 1.5) * times))
        return smooth(up * wave, times, 0.5)

    def targets(self, stage: RigStage) -> list[np.ndarray]:
        """Return the camera, which people look at most, and the robot."""
        return [stage.view.centre, stage.view.centre, stage.robot]

    def _axis(self, stage: RigStage, others: list[np.ndarray]) -> np.ndarray | None:
        """Draw the way of somebody who keeps clear of the rig and of the others."""
        for _ in range(_MOST_WAYS):
            drawn = self._way(stage)
            if drawn is None:
                continue
            route, height = drawn
            places = route.positions(stage.times[::_COARSE])
            ways = [other[::_COARSE, :2] for other in others]
            clear = all(np.linalg.norm(places - way, axis=1).min() >= _APART for way in ways)
            near = np.linalg.norm(places - stage.view.centre[:2], axis=1).min()
            if clear and near >= 0.8 * self.distance[0]:
                return stage.axis(route, height)
        return None

    def _way(self, stage: RigStage) -> tuple[Itinerary, float] | None:
        """Draw a way, and the height of the mouth (m); None where there is no place for it."""
        rng = stage.rng
        kind, whole = rng.uniform(), rng.uniform() >= self.cut
        sits = kind < self.seated
        height = stage.height(SEATED if sits else STANDING)
        place = self._place(stage, height, whole)
        if place is None:
            return None
        if sits:
            return Itinerary.start(place).wait(1.0), height
        if kind < self.seated + self.passing:
            return self._pass(stage, place), height
        route = Itinerary.start(place, -1.0)
        while route.end < stage.duration + 1.0:
            if kind < self.seated + self.passing + self.walking:
                target = self._place(stage, height, whole)
                route.walk(place if target is None else target, rng.uniform(0.4, 0.9))
                route.wait(rng.uniform(0.1, 1.0))
            else:
                route.wait(rng.uniform(1.0, 4.0))
                route.walk(stage.near(*place, 0.15), 0.4)
        return route, height

    def _pass(self, stage: RigStage, inside: np.ndarray) -> Itinerary:
        """Come to a place, leave it, or both, over the border of the picture."""
        rng, comes = stage.rng, stage.rng.uniform(size=2) < 0.65
        distance = float(np.linalg.norm(inside - stage.view.centre[:2]))
        left = bool(rng.uniform() < 0.5)
        outside = [self._beside(stage, distance, side) for side in (left, not left)]
        pace = rng.uniform(0.6, 1.1)
        route = Itinerary.start(outside[0] if comes[0] else inside, -1.0)
        route.wait(1.0 + rng.uniform(0.0, 0.5 * stage.duration))
        route.walk(inside, pace)
        if comes[1] or not comes[0]:
            route.wait(rng.uniform(0.0, 1.0)).walk(outside[1], pace)
        return route.wait(stage.duration + 2.0)

    def _beside(self, stage: RigStage, distance: float, left: bool) -> np.ndarray:
        """Draw a place beside the picture, nearer where a wall is in the way."""
        right_edge, left_edge = stage.azimuths
        beyond = stage.rng.uniform(*_BEYOND)
        azimuth = left_edge + beyond if left else right_edge - beyond
        for share in np.linspace(1.0, 0.2, 9):
            place = stage.at(azimuth, max(share * distance, self.distance[0]))
            if stage.has_space(place):
                break
        return place

    def _place(self, stage: RigStage, height: float, whole: bool) -> np.ndarray | None:
        """Draw a place where a head is in the picture, as a whole or cut by its border."""
        rng, (right, left) = stage.rng, stage.azimuths
        nearest, farthest = np.log(self._distances(stage))
        for _ in range(_MOST_PLACES):
            over = 0.0 if whole else _CUT
            azimuth = rng.uniform(right - over, left + over)
            place = stage.at(azimuth, np.exp(rng.uniform(nearest, farthest)))
            mouth = np.append(place, height)
            if stage.has_space(place) and (stage.shows(mouth) if whole else stage.cuts(mouth)):
                return place
        return None

    def _distances(self, stage: RigStage) -> tuple[float, float]:
        """Limits of the distance (m): no farther than heads can be told from the wall."""
        nearest, farthest = self.distance
        in_sight = stage.view.fy * FACE_HEIGHT / _SMALLEST
        return nearest, max(min(farthest, in_sight), 2 * nearest)


def _sound_of(screens: list[np.ndarray], stage: RigStage, voice: Voice) -> tuple[SoundSource, ...]:
    """Let the first of the screens, at places (3,) (m), talk in half of the scenes."""
    if not screens or stage.rng.uniform() < 0.5:
        return ()
    sound = television_sound(round(stage.duration * RATE), voice, stage.rng)
    return (SoundSource(screens[0], sound, stage.rng.uniform(-14.0, -2.0)),)


NEAR_AND_FAR = Crowd(people=(2, 3, 4), distance=(0.6, 8.0))
"""From before the lens to the end of a hall."""

PASSING = Crowd(people=(2, 3), passing=0.8, seated=0.0, cut=0.5)
"""People who come, pass and leave."""

TURNED_AWAY = Crowd(people=(1, 2, 3), distance=(0.8, 4.0), averted=0.45, bowed=0.3)
"""People who do not look."""

HIDING = Crowd(people=(3, 4), distance=(0.8, 4.0), seated=0.1, walking=0.8, silent=0.0)
"""People who walk before each other."""

ANYBODY = Crowd(
    people=(0, 1, 1, 2, 2, 2, 3, 3, 4),
    distance=(0.4, 12.0),
    seated=0.2,
    walking=0.25,
    passing=0.2,
    cut=0.25,
    averted=0.2,
    bowed=0.15,
    talkative=(0.3, 0.8),
    silent=0.2,
    loudness_db=(-8.0, 3.0),
    defective=0.1,
    decor=DecorLimits((0, 0, 0, 1, 1, 2), (0, 0, 0, 0, 0, 1), (0, 0, 1, 2)),
    conditions=Conditions((0.2, 0.9), (5.0, 25.0), (0.0, 1.0)),
)
"""From easy to hard: what networks learn on."""
