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

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from av_tracker_nodes.recordings.folders import make_folder
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import publish
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
from av_tracker_nodes.research.parallel import all_in_processes

FIGURES, TABLES = 'acoustics.json', 'acoustics.md'


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes
    ----------
    split : str
        ``test`` or, while something is being changed, ``validation``.
    rooms : int
        For each condition.
    jobs : int
        Processes.
    quick : bool
        A handful of short validation scenes instead.
    """

    split: str = 'test'
    rooms: int = ROOMS
    jobs: int = 1
    quick: bool = False

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


def benchmark_acoustics(
    out: Path,
    options: Options,
    progress_bar: Callable,
    document: Path | None = None,
) -> list[Row]:
    """Measure the accuracy of the acoustic measures, write it down and print it.

    Parameters
    ----------
    out : Path
        Folder for ``acoustics.json``, a flat list of rows, and ``acoustics.md``.
    options : Options
    progress_bar : callable
        Context manager that takes a text and yields a progress callback.
    document : Path, optional
        Document whose block between the two markers is replaced by the tables.

    Returns
    -------
    list of dict
        See :mod:`av_tracker_nodes.research.experiments.accuracy.rows`.

    Raises
    ------
    InputError
        When something cannot be written, or the packages of the simulator are missing.
    """
    plan = options.plan
    make_folder(out)
    with progress_bar('measuring in simulated scenes') as progress:
        results = _measure_all(plan, options.jobs, progress)
    rooms = [(task, found) for task, found in results if isinstance(task, RoomTask)]
    recordings = [(task, found) for task, found in results if isinstance(task, RecordingTask)]
    rows = [*direction_rows(rooms), *weaker_rows(rooms), *image_rows(recordings)]
    split = 'validation' if options.quick else options.split
    rows = [{'simulated': True, 'split': split} | row for row in rows]
    write_json(out / FIGURES, rows)
    publish(sheets(rows), options.origin, 'benchmark acoustics', out / TABLES, document)
    return rows


def measure(task: Task) -> dict:
    """Measure in one scene."""
    if isinstance(task, RoomTask):
        return room_errors(task.condition, task.seed, task.images)
    return image_scores(task.scenario, task.seed, task.camera, task.seconds)


def _measure_all(
    plan: list[Task], jobs: int, progress: Callable[[float], None]
) -> list[tuple[Task, dict]]:
    # The longest are begun first.
    tasks = {number: (task,) for number, task in reversed(list(enumerate(plan)))}
    results = all_in_processes(measure, tasks, jobs, progress)
    return [(task, results[number]) for number, task in enumerate(plan)]
