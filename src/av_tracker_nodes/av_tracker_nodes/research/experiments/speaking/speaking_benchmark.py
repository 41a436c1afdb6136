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

"""The benchmark of who speaks: records scenes once, tracks them, and reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from av_tracker_nodes import DEFAULT_MODEL
from av_tracker_nodes.research.experiments.kit.benchmark import (
    Benchmark,
    QuickOptions,
    Row,
    check_count,
    kept,
)
from av_tracker_nodes.research.experiments.kit.recorded_scenes import (
    record_scene,
    track_scene,
    truth_of,
)
from av_tracker_nodes.research.experiments.speaking.conditions import (
    CONDITIONS,
    FIRST_SEED,
    MOST_SCENES,
    SCENES,
    SECONDS,
)
from av_tracker_nodes.research.experiments.speaking.overlaps import (
    OverlapCounts,
    OverlapTask,
    overlap_row,
    overlap_scene,
    overlap_tasks,
)
from av_tracker_nodes.research.experiments.speaking.quiet import (
    QuietTask,
    quiet_row,
    quiet_scene,
    quiet_tasks,
)
from av_tracker_nodes.research.experiments.speaking.speaking_scores import (
    SceneScores,
    row_of,
    score_scene,
)
from av_tracker_nodes.research.experiments.speaking.speaking_tables import sheets
from av_tracker_nodes.research.simulation.rig_conditions import RigCondition

PARTS = 'conditions', 'quiet', 'overlaps'

_QUICK_SECONDS = 5.0
_QUICK_CONDITIONS = 'two people', 'two people, two microphones', 'multi_speaker, AV16.3'


@dataclass(frozen=True)
class Options(QuickOptions):
    """What is measured.

    Attributes
    ----------
    model : str
        Fusion model, or ONNX file.
    scenes : int
        Of each condition.
    parts : tuple of str
        Some of `PARTS`.
    """

    model: str = DEFAULT_MODEL
    scenes: int = SCENES
    parts: tuple[str, ...] = PARTS

    @property
    def seconds(self) -> float:
        """Of a scene."""
        return _QUICK_SECONDS if self.quick else SECONDS

    @property
    def first_seed(self) -> int:
        """Of the scenes of a condition."""
        return FIRST_SEED[self.scene_split]

    @property
    def origin(self) -> str:
        """Where the figures come from, in a sentence."""
        if self.quick:
            about, flags = 'a few short validation scenes', ' --quick'
        else:
            about = f'{self.scenes} scenes a condition of the {self.split} split'
            flags = '' if self.split == 'test' else f' --split {self.split}'
            flags += '' if self.scenes == SCENES else f' --scenes {self.scenes}'
        model = '' if self.model == DEFAULT_MODEL else f' --fusion-model {self.model}'
        command = f'av-tracker benchmark speaking{flags}{model}'
        return f'Simulated, {about}, model {self.model}: `{command}`.'


@dataclass(frozen=True)
class ConditionTask:
    """A scene of a condition."""

    condition: RigCondition
    seed: int
    seconds: float

    @property
    def name(self) -> str:
        """Of the files of the condition."""
        return self.condition.name.replace(', ', '-').replace(' ', '_')


Task = ConditionTask | QuietTask | OverlapTask


def plan(options: Options) -> list[Task]:
    """Plan all scenes.

    Raises
    ------
    InputError
        When a split has not as many seeds, or there is no such part.
    """
    check_count(options.scenes, MOST_SCENES, 'scenes a condition')
    first, seconds = options.first_seed, options.seconds
    conditions = [c for c in CONDITIONS if not options.quick or c.name in _QUICK_CONDITIONS]
    seeds = [first] if options.quick else range(first, first + options.scenes)
    quiet, overlaps = quiet_tasks(first), overlap_tasks(first)
    if options.quick:
        quiet = [replace(task, seconds=seconds) for task in quiet[::5]]
        overlaps = [replace(task, seconds=seconds) for task in overlaps[:5:4]]
    parts: dict[str, list[Task]] = {
        'conditions': [ConditionTask(c, seed, seconds) for c in conditions for seed in seeds],
        'quiet': quiet,
        'overlaps': overlaps,
    }
    return [task for part in options.parts for task in parts[part]]


def measure(task: Task, runs: Path, recordings: Path, model: str) -> dict:
    """Measure in one scene, or read what was measured there before."""
    return kept(runs / _file_of(task, model), partial(_measured, task, recordings, model))


def rows_of(found: Iterable[tuple[Task, dict]]) -> list[Row]:
    """Take the scenes of a condition, of a noise, of a rig and number of voices together."""
    conditions, quiet, overlaps = defaultdict(list), defaultdict(list), defaultdict(list)
    for task, result in found:
        if isinstance(task, ConditionTask):
            conditions[task.condition.name].append(SceneScores.of_dict(result))
        elif isinstance(task, QuietTask):
            quiet[task.quiet.name].append(result)
        else:
            overlaps[task.rig, task.voices].append(OverlapCounts(**result))
    rows: list[Row] = [
        {'table': 'conditions', 'condition': name, **row_of(scenes)}
        for name, scenes in conditions.items()
    ]
    rows += [
        {'table': 'quiet', 'noise': name, **quiet_row(scenes)} for name, scenes in quiet.items()
    ]
    return rows + [
        {'table': 'overlaps', 'rig': rig, 'voices': voices, **overlap_row(scenes)}
        for (rig, voices), scenes in overlaps.items()
    ]


def _measured(task: Task, recordings: Path, model: str) -> dict:
    if isinstance(task, QuietTask):
        return quiet_scene(task, model)
    if isinstance(task, OverlapTask):
        return vars(overlap_scene(task))
    drawn = task.condition.draw(task.seed, task.seconds)
    bag = record_scene(recordings / task.name / f'{task.seed}-{task.seconds:g}s', drawn)
    return score_scene(truth_of(drawn), track_scene(bag, model)).as_dict()


def _file_of(task: Task, model: str) -> Path:
    """Where the result of a scene is kept; overlaps do without the model."""
    folder = 'overlaps' if isinstance(task, OverlapTask) else Path(model).stem
    return Path(folder) / f'{task.name}-{task.seed}-{task.seconds:g}s.json'


def _plan(options: Options, out: Path, recordings: Path) -> dict[int, tuple]:
    return {
        number: (task, out / 'runs', recordings, options.model)
        for number, task in enumerate(plan(options))
    }


def _rows(options: Options, found: Mapping[int, dict]) -> list[Row]:
    rows = rows_of(zip(plan(options), found.values(), strict=True))
    return [{'model': options.model, **row} for row in rows]


benchmark_speaking = Benchmark(
    'speaking', 'measuring in simulated scenes', _plan, measure, _rows, sheets
)
"""Who is said to speak, whose results are kept.

``table`` of a row is conditions, quiet or overlaps; figures are None where they cannot be told.
"""
