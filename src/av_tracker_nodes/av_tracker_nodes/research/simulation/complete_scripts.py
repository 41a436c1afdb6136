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

"""Scripts of scenes in which everybody is in view and talks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.people_source import SEATED, TABLE, Stage, round_robin
from av_tracker_nodes.research.simulation.trajectories import Itinerary, Look, look_away
from av_tracker_nodes.research.simulation.walks import (
    FAR_LANE,
    NEAR_LANE,
    NORTH,
    SOUTH,
    draw_place,
    shuffle,
)


def one_walking(stage: Stage) -> Cast:
    """Stroll and talk, stand silent; once, talk and walk with the back to camera 1."""
    rng = stage.rng
    route = Itinerary.start(stage.near(1.0, 0.0), -1.0)
    looks_away, turns = [], []
    for turns_away in (False, True, False, False, False):
        talk_from = max(route.end, 0.0) + 0.4
        for _ in range(2):
            route.walk(draw_place(stage), rng.uniform(0.45, 0.75)).wait(rng.uniform(0.3, 0.8))
        turns += stage.turns(talk_from, route.end, (3.0, 5.0), (0.5, 1.0))
        route.wait(rng.uniform(1.8, 2.6))
        if not turns_away:
            continue
        route.walk(stage.near(NEAR_LANE, NORTH), 0.75)
        away_from = route.end - 0.3
        _zigzag_south(stage, route, seconds=rng.uniform(7.2, 8.0))
        looks_away.append((away_from, route.end))
        turns += stage.turns(away_from - 0.6, route.end + 0.5, (6.0, 9.0), (0.4, 0.5))
    route.walk(stage.near(0.9, -0.2), 0.6).wait(stage.duration)
    axis = stage.axis(route, stage.height())
    looks = stage.glances(axis)
    back = look_away(axis, stage.camera(1))
    for start, end in looks_away:
        before = [look for look in looks if look.start < start]
        after = [look for look in looks if look.start > end]
        looks = [*before, Look(start, back), Look(end, stage.camera(1)), *after]
    voice = stage.voices(1)[0]
    turns = [turn for turn in turns if turn[0] < stage.duration - 1.0]
    return Cast([stage.person(axis, looks, voice, turns)])


def _zigzag_south(stage: Stage, route: Itinerary, seconds: float) -> None:
    """Walk from the north end to the south end in a zigzag that nobody could extrapolate."""
    places = [stage.near(1.28, 0.5), stage.near(0.72, -0.15), stage.near(1.28, -0.8)]
    legs = np.diff(np.stack([route.place, *places]), axis=0)
    speed = np.linalg.norm(legs, axis=1).sum() / seconds
    for place in places:
        route.walk(place, speed)


def two_crossing(stage: Stage) -> Cast:
    """Two people walk up and down behind the table against each other, both talking."""
    rng = stage.rng
    first = Itinerary.start(stage.near(NEAR_LANE, NORTH, 0.05), -1.0)
    second = Itinerary.start(stage.near(FAR_LANE, SOUTH, 0.05), -1.0)
    northward = False
    while min(first.end, second.end) < stage.duration + 1.0:
        leg_end = max(first.end, second.end) + rng.uniform(3.3, 4.4)
        for route, lane, north in (
            (first, NEAR_LANE, northward),
            (second, FAR_LANE, not northward),
        ):
            target = stage.near(lane, NORTH if north else SOUTH)
            route.wait(rng.uniform(0.1, 0.6))
            distance = np.linalg.norm(target - route.place)
            route.walk(target, distance / (leg_end - route.end))
        northward = not northward
    axes = [stage.axis(route, stage.height()) for route in (first, second)]
    voices = stage.voices(2)
    people = []
    for index, axis in enumerate(axes):
        looks = stage.glances(axis, [axes[1 - index]])
        turns = stage.turns(rng.uniform(0.3, 1.2), stage.duration - 0.3)
        people.append(stage.person(axis, looks, voices[index], turns))
    return Cast(people)


def look_alikes(stage: Stage) -> Cast:
    """Two people of the same looks cross as in `two_crossing`."""
    cast = two_crossing(stage)
    first, second = cast.people
    return replace(cast, people=[first, replace(second, identity=first.identity)])


def static_single(stage: Stage) -> Cast:
    """One person stands at five marked places in turn and talks only there, facing the table."""
    marks = [(0.72, 0.85), (1.25, 0.95), (1.30, 0.05), (0.72, -0.05), (0.80, -0.85)]
    order = stage.rng.permutation(len(marks))
    route = Itinerary.start(stage.near(*marks[order[0]]), -1.0)
    turns = []
    for index in order[1:]:
        turns.append((max(route.end, 0.0) + 0.5, route.wait(5.0).end - 0.5))
        route.walk(stage.near(*marks[index]), 0.8)
    turns.append((route.end + 0.5, stage.duration - 0.3))
    axis = stage.axis(route, stage.height())
    return Cast([stage.person(axis, [Look(0.0, TABLE)], stage.voices(1)[0], turns)])


def three_talking(stage: Stage) -> Cast:
    """Three people around the table talk in turn and sometimes at the same time."""
    seated = stage.rng.integers(3)
    axes = []
    for index, (x, y) in enumerate([(0.75, 0.95), (1.15, 0.1), (0.80, -0.80)]):
        if index == seated:
            place = stage.near(x, y)
            axes.append(stage.axis(Itinerary.start(place).wait(1.0), stage.height(SEATED)))
        else:
            axes.append(stage.axis(shuffle(stage, x, y), stage.height()))
    voices = stage.voices(3)
    turns = round_robin(stage, 3, 0.4, stage.duration - 0.3)
    return Cast(
        [
            stage.person(
                axis,
                stage.glances(axis, [other for other in axes if other is not axis]),
                voices[index],
                turns[index],
            )
            for index, axis in enumerate(axes)
        ]
    )
