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

"""The benchmark of acoustic accuracy: plans, measures in parallel, and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from av_tracker_nodes.research.experiments.accuracy.accuracy_tables import sheets
from av_tracker_nodes.research.experiments.accuracy.directions import room_errors
from av_tracker_nodes.research.experiments.accuracy.map_tracking import image_scores
from av_tracker_nodes.research.experiments.accuracy.plan import (
    ROOMS,
    RecordingTask,
    RoomTask,
    Task,
    full_plan,
    quick_plan,
)
from av_tracker_nodes.research.experiments.accuracy.rows import (
    Row,
    direction_rows,
    image_rows,
    weaker_rows,
)
from av_tracker_nodes.research.experiments.kit.benchmark import Benchmark, QuickOptions


@dataclass(frozen=True)
class Options(QuickOptions):
    """What is measured.

    Attributes
    ----------
    rooms : int
        For each condition.
    """

    rooms: int = ROOMS

    @property
    def plan(self) -> list[Task]:
        """All scenes."""
        return quick_plan() if self.quick else full_plan(self.split, self.rooms)

    @property
    def origin(self) -> str:
        """Where the figures come from, in a sentence."""
        if self.quick:
            scenes = 'Simulated, a handful of validation scenes'
            return f'{scenes}: `av-tracker benchmark acoustics --quick`.'
        scenes = f'Simulated, {self.rooms} rooms a condition of the {self.split} split'
        split = '' if self.split == 'test' else f' --split {self.split}'
        rooms = '' if self.rooms == ROOMS else f' --scenes {self.rooms}'
        return f'{scenes}: `av-tracker benchmark acoustics{split}{rooms}`.'


def measure(task: Task) -> dict:
    """Measure in one scene."""
    if isinstance(task, RoomTask):
        return room_errors(task.condition, task.seed, task.images)
    return image_scores(task.scenario, task.seed, task.camera, task.seconds)


def _plan(options: Options, out: Path, recordings: Path) -> dict[int, tuple[Task]]:
    # The longest are begun first.
    return {number: (task,) for number, task in reversed(list(enumerate(options.plan)))}


def _rows(options: Options, found: Mapping[int, dict]) -> list[Row]:
    results = [(task, found[number]) for number, task in enumerate(options.plan)]
    rooms = [(task, errors) for task, errors in results if isinstance(task, RoomTask)]
    recordings = [(task, scores) for task, scores in results if isinstance(task, RecordingTask)]
    return [*direction_rows(rooms), *weaker_rows(rooms), *image_rows(recordings)]


benchmark_acoustics = Benchmark(
    'acoustics', 'measuring in simulated scenes', _plan, measure, _rows, sheets
)
"""Accuracy of the acoustic measures; rows are those of `rows`."""
