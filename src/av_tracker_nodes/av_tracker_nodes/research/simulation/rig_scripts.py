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

"""What happens in front of a rig."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.people_source import Turns, round_robin
from av_tracker_nodes.research.simulation.rig_crowd import (
    ANYBODY,
    HIDING,
    NEAR_AND_FAR,
    PASSING,
    TURNED_AWAY,
)
from av_tracker_nodes.research.simulation.rig_rooms import ANY_ROOM, USUAL_ROOM, RoomLimits
from av_tracker_nodes.research.simulation.rig_stage import RigStage
from av_tracker_nodes.research.simulation.trajectories import Itinerary

_MARGIN = 0.12
"""Share of the width of the picture, beside its edges and between people, where nobody is."""


@dataclass(frozen=True)
class RigScript:
    """A script: who does what, in how large a room, in a line."""

    description: str
    cast: Callable[[RigStage], Cast]
    room: RoomLimits = USUAL_ROOM


def one_talking(stage: RigStage) -> Cast:
    """One person who stands and walks about, and talks with pauses."""
    return _gather(stage, [stage.turns(0.6, stage.duration - 0.3)])


def two_talking(stage: RigStage) -> Cast:
    """Two people who stand and walk about, and talk in turn, now and then both."""
    return _gather(stage, round_robin(stage, 2, 0.5, stage.duration - 0.3))


def three_talking(stage: RigStage) -> Cast:
    """Three people who stand and walk about, and talk in turn, now and then two at once."""
    return _gather(stage, round_robin(stage, 3, 0.5, stage.duration - 0.3))


def two_silent(stage: RigStage) -> Cast:
    """Two people who stand and walk about and say nothing."""
    return _gather(stage, [None, None])


def nobody(stage: RigStage) -> Cast:
    """Nobody at all."""
    return Cast([])


RIG_SCRIPTS = {
    script.__name__: RigScript(script.__doc__.partition('.')[0], script)
    for script in (two_talking, one_talking, three_talking, two_silent, nobody)
} | {
    'near_and_far': RigScript(
        'Two to four people, from near to far away, portraits and balls',
        NEAR_AND_FAR.draw_cast,
        ANY_ROOM,
    ),
    'passing': RigScript(
        'People who come, pass and leave over the border of the picture',
        PASSING.draw_cast,
        ANY_ROOM,
    ),
    'turned_away': RigScript(
        'One to three people who turn their backs and bow their heads',
        TURNED_AWAY.draw_cast,
        ANY_ROOM,
    ),
    'hiding': RigScript(
        'Three or four people who walk, hide each other, and talk over each other',
        HIDING.draw_cast,
        ANY_ROOM,
    ),
    'anybody': RigScript(
        'Nobody to four people who do anything, in rooms and noise from easy to hard',
        ANYBODY.draw_cast,
        ANY_ROOM,
    ),
}
"""By name; the first is the usual one."""

RIG_SCENARIOS = {name: script.description for name, script in RIG_SCRIPTS.items()}
"""One line about each."""


def _gather(stage: RigStage, turns: list[Turns | None]) -> Cast:
    """Put people side by side, each with turns of speech, or None for somebody silent."""
    count = len(turns)
    axes = []
    for index in range(count):
        side = (index + _MARGIN) / count, (index + 1 - _MARGIN) / count
        height = stage.height_in_view(side)
        axes.append(stage.axis(_stroll(stage, height, side), height))
    voices = stage.voices(count)
    people = []
    for index, axis in enumerate(axes):
        looks = stage.glances(axis, [other for other in axes if other is not axis])
        voice = None if turns[index] is None else voices[index]
        people.append(stage.person(axis, looks, voice, turns[index]))
    return Cast(people)


def _stroll(stage: RigStage, height: float, side: tuple[float, float]) -> Itinerary:
    """Stand in view, and walk to another place in view now and then."""
    route = Itinerary.start(stage.spot(height, side), -1.0)
    while route.end < stage.duration + 1.0:
        route.wait(stage.rng.uniform(1.5, 4.0))
        route.walk(_nearby(stage, route.place, height, side), stage.rng.uniform(0.35, 0.6))
    return route


def _nearby(
    stage: RigStage, place: np.ndarray, height: float, side: tuple[float, float]
) -> np.ndarray:
    """Draw the nearest of some places, as people who talk to somebody do not go far."""
    spots = [stage.spot(height, side) for _ in range(3)]
    return min(spots, key=lambda spot: float(np.linalg.norm(spot - place)))
