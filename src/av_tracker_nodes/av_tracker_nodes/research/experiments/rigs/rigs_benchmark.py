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

"""The benchmark of models over rigs: records scenes once, tracks them, and reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from av_tracker_nodes import DEFAULT_MODEL
from av_tracker_nodes.research.evaluation.sheets import Sheet, figure, with_interval
from av_tracker_nodes.research.experiments.kit import benchmark
from av_tracker_nodes.research.experiments.kit.benchmark import Benchmark, Row, check_count, kept
from av_tracker_nodes.research.experiments.kit.recorded_scenes import (
    record_scene,
    track_scene,
    truth_of,
)
from av_tracker_nodes.research.experiments.rigs.rig_scores import (
    RigScores,
    eyes_of,
    row_of,
    score_rig_scene,
)
from av_tracker_nodes.research.experiments.rigs.trials import (
    FIRST_SEED,
    MOST_SCENES,
    SCENES,
    SECONDS,
    TRIALS,
    Trial,
)

MODELS = DEFAULT_MODEL, 'visual', 'vggcf'
ALL = 'all rigs'

_FIGURES = {
    'range_percent': ('range error (%)', 1),
    'inside_percent': ('inside 95 % (%)', 1),
    'astray_percent': ('images with a track astray (%)', 1),
    'invented_percent': ('with one of nobody (%)', 1),
    'switches': ('switches a scene', 2),
}
"""Heading and digits of each further column."""


@dataclass(frozen=True)
class Options(benchmark.Options):
    """What is compared.

    Attributes
    ----------
    models : tuple of str
        Fusion models, or ONNX files; others are compared with the first.
    scenes : int
        In front of each rig.
    seconds : float
        Of a scene.
    """

    models: tuple[str, ...] = MODELS
    scenes: int = SCENES
    seconds: float = SECONDS

    @property
    def origin(self) -> str:
        """Where the figures come from, in a sentence."""
        return (
            f'Simulated, {self.scenes} scenes of {self.seconds:g} s in front of each rig, of the '
            f'{self.split} split: `av-tracker benchmark rigs --split {self.split} '
            f'--scenes {self.scenes}`.'
        )


def _plan(options: Options, out: Path, recordings: Path) -> dict[tuple[str, int], tuple]:
    check_count(options.scenes, MOST_SCENES, 'scenes a rig')
    first = FIRST_SEED[options.split]
    return {
        (trial.name, seed): (trial, seed, options, out / 'runs', recordings)
        for seed in range(first, first + options.scenes)
        for trial in TRIALS
    }


def measure(
    trial: Trial, seed: int, options: Options, runs: Path, recordings: Path
) -> dict[str, RigScores]:
    """Score the models in one scene, or read what was scored there before."""
    name = f'{trial.name.replace(", ", "-").replace(" ", "_")}-{seed}-{options.seconds:g}s'
    draw = cache(partial(trial.draw, seed, options.seconds))

    def score(model: str) -> dict:
        bag = record_scene(recordings / name, draw())
        return vars(score_rig_scene(truth_of(draw()), track_scene(bag, model), eyes_of(draw())))

    return {
        model: RigScores(**kept(runs / Path(model).stem / f'{name}.json', partial(score, model)))
        for model in options.models
    }


def rows_of(
    found: Mapping[tuple[str, int], Mapping[str, RigScores]], models: Sequence[str]
) -> list[Row]:
    """Take the scenes of all rigs together, and those of each; `found` is by rig and seed."""
    scenes: dict[str, list[Mapping[str, RigScores]]] = defaultdict(list)
    for (rig, _), scores in found.items():
        scenes[ALL].append(scores)
        scenes[rig].append(scores)
    return [
        {
            'rig': rig,
            'model': model,
            **row_of([each[model] for each in those], [each[models[0]] for each in those]),
        }
        for rig, those in scenes.items()
        for model in models
    ]


def sheet(rows: Sequence[Row]) -> Sheet:
    """Lay the rows out as a table."""
    header = ['rig', 'model', 'MOTA (%)', 'difference', *(text for text, _ in _FIGURES.values())]
    lines = [
        [
            str(row['rig']),
            Path(str(row['model'])).stem,
            with_interval(row, 'mota', '.1f'),
            with_interval(row, 'difference', '.1f'),
            *(figure(row[name], f'.{digits}f') for name, (_, digits) in _FIGURES.items()),
        ]
        for row in rows
    ]
    title = 'Models in front of rigs (simulated): 95 % intervals over scenes; medians of ranges'
    return Sheet(title, header, lines)


benchmark_rigs = Benchmark(
    'rigs',
    'comparing models in front of rigs',
    _plan,
    measure,
    lambda options, found: rows_of(found, options.models),
    lambda rows: [sheet(rows)],
)
"""Models in front of many rigs; the results of each scene are kept."""
