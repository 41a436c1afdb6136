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

"""Which scenes the figures are taken from: decided before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from av_tracker_nodes import InputError
from av_tracker_nodes.research.experiments.accuracy.map_tracking import SCENARIOS
from av_tracker_nodes.research.experiments.accuracy.rooms import Condition

FIRST_SEED = {'validation': 1300, 'test': 2300}
"""Rooms and recordings of a split count up from here."""

ROOMS = 3
"""Rooms drawn for each condition, unless said otherwise."""

MOST_ROOMS = 10

IMAGES = 5
"""Images of a room that are scored."""

WEAKER_DB = -6.0, -12.0, -18.0

_RT60, _SNR_DB = (0.2, 0.4, 0.7), (20.0, 10.0, 0.0)
_WEAKER_ROOMS = 4
"""Rooms for weaker voices, as a multiple of those of the other conditions."""

_QUICK_SECONDS, _QUICK_IMAGES = 1.2, 2


@dataclass(frozen=True)
class RoomTask:
    """A room to measure directions in, at so many images at most."""

    condition: Condition
    seed: int
    images: int = IMAGES


@dataclass(frozen=True)
class RecordingTask:
    """A recording to measure maps in the image on; `seconds` cuts it."""

    scenario: str
    seed: int
    camera: int
    seconds: float | None = None


Task = RoomTask | RecordingTask


def full_plan(split: str, rooms: int) -> list[Task]:
    """Plan every condition in `rooms` rooms of its own, and each camera of each scenario.

    Weaker voices are heard in the same rooms at every level, so that levels compare.

    Raises
    ------
    InputError
        When a split has not as many seeds.
    """
    if not 1 <= rooms <= MOST_ROOMS:
        raise InputError(f'{rooms} rooms a condition: choose 1 to {MOST_ROOMS}')
    seed = FIRST_SEED[split]
    conditions = [
        Condition(rt60, snr, moving, voices)
        for rt60, snr, moving, voices in product(_RT60, _SNR_DB, (False, True), (1, 2, 3))
    ]
    tasks: list[Task] = [
        RoomTask(condition, seed + number)
        for number, condition in enumerate(c for c in conditions for _ in range(rooms))
    ]
    seed += len(tasks)
    tasks += [
        RoomTask(_weaker(level), seed + number)
        for level, number in product(WEAKER_DB, range(_WEAKER_ROOMS * rooms))
    ]
    seed += _WEAKER_ROOMS * rooms
    views = product(SCENARIOS, (1, 2, 3))
    return tasks + [RecordingTask(name, seed + n, cam) for n, (name, cam) in enumerate(views)]


def quick_plan() -> list[Task]:
    """Plan a few short scenes of the validation split, to see that everything works."""
    seed = FIRST_SEED['validation']
    return [
        RoomTask(Condition(0.2, 20.0, True, 2), seed, _QUICK_IMAGES),
        RoomTask(_weaker(-12.0), seed + 1, _QUICK_IMAGES),
        RecordingTask(SCENARIOS[0], seed + 2, 1, _QUICK_SECONDS),
    ]


def _weaker(level: float) -> Condition:
    return Condition(0.4, 20.0, False, 2, level)
