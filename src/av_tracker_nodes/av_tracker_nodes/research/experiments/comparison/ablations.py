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

"""What each part of a network is worth: it is trained without the part, and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from av_tracker_nodes import InputError
from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.fusion import create_fusion
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import Sheet, print_sheets
from av_tracker_nodes.research.experiments.comparison.models import (
    METRICS,
    Entry,
    known_mean,
    paired_interval,
    summarise,
    track_all,
)
from av_tracker_nodes.research.experiments.comparison.scenes import Options, record_scenes
from av_tracker_nodes.research.networks import NETWORKS, Variant
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.training.command import corpus_paths, load_clips
from av_tracker_nodes.research.training.export import export_network
from av_tracker_nodes.research.training.schedule import Schedule
from av_tracker_nodes.research.training.tasks import TASKS
from av_tracker_nodes.research.training.trainer import SUMMARY, Trainer

SHORT = Schedule(steps=1000, checks=3)
"""The schedule of every row: at most ten minutes on two cores."""

SEEDS = (0, 1, 2)
"""The whole network is trained with each of these; the variants with the first."""

WHOLE = 'whole'


def measure_ablations(
    out: Path,
    name: str,
    data: Path,
    options: Options,
    progress_bar: ProgressBar,
    schedule: Schedule = SHORT,
    variants: Sequence[Variant] | None = None,
    clips: int | None = None,
) -> list[dict]:
    """Train and compare the variants of a network, print tables, write ``ablations_NAME.json``.

    All are believed from the thresholds of the network that is shipped, except those of quality,
    which depend on the length of a training: see `training.quality_ranks`. What was trained or
    recorded before is not done again.

    Parameters
    ----------
    out : Path
        Folder of the table; trainings, recordings and runs lie below it.
    name : str
        Of the network.
    data : Path
        Clips to learn on, simulated where they are missing.
    options : Options
        Scenes to compare on.
    progress_bar : ProgressBar
    schedule : Schedule
    variants : sequence of Variant, optional
        Those of the network where left out.
    clips : int, optional
        Learn on the first ones only.

    Returns
    -------
    list of dict
        Scores of the whole network, then of each variant, with the mean difference to the whole
        network (its mean over the seeds) and its 95 % interval over scenes; and the scores of
        the trainings on validation clips.

    Raises
    ------
    InputError
        There is no such network.
    """
    if name not in NETWORKS:
        raise InputError(f"no network '{name}'; there are {', '.join(NETWORKS)}")
    thresholds = asdict(create_fusion(name, device='cpu').thresholds)
    variants = NETWORKS[name].ablations if variants is None else variants
    whole = [Variant(f'{WHOLE}, seed {seed}', schedule={'seed': seed}) for seed in SEEDS]
    everything = [*whole, *variants]
    trainings = [
        _Training(
            name,
            each.objective,
            each.network,
            replace(schedule, **each.schedule),
            thresholds,
            clips,
        )
        for each in everything
    ]
    files = _train_all(out / 'ablations', trainings, data, options.jobs, progress_bar)
    scenes = record_scenes(out / 'scenes', options, progress_bar)
    table = []
    learnt_on = '' if clips is None else f' of {clips} clips'
    for inputs in options.inputs:
        entries = [
            Entry(
                variant.name,
                str(file),
                tracker=replace(TrackerConfig(), **variant.tracker),
                inputs=inputs,
                thresholds=variant.thresholds,
            )
            for variant, file in zip(everything, files, strict=True)
        ]
        with progress_bar(f'tracking, {inputs} inputs') as advance:
            scores = track_all(out / 'ablations' / 'runs', scenes, entries, options.jobs, advance)
        runs = dict(zip((variant.name for variant in everything), scores.values(), strict=True))
        protocol = (
            f'simulated {options.scenario}, {options.split}, {len(scenes)} scenes, {inputs}, '
            f'{schedule.steps} batches{learnt_on}'
        )
        rows = [_whole_row(protocol, [runs[variant.name] for variant in whole])]
        rows += [_variant_row(variant.name, protocol, runs, whole) for variant in variants]
        rows[0]['validation'] = [_validation(file) for file in files[: len(whole)]]
        for row, file in zip(rows[1:], files[len(whole) :], strict=True):
            row['validation'] = _validation(file)
        print_sheets([_sheet(rows, protocol)], Console(width=120))
        table += rows
    write_json(out / f'ablations_{name}.json', table)
    return table


def learns_from_less(name: str) -> bool:
    """Tell whether a network is meant for incomplete inputs too."""
    return name in NETWORKS and TASKS[NETWORKS[name].task].local


@dataclass(frozen=True)
class _Training:
    """What variants share that differ only in the tracker or in what is believed."""

    name: str
    objective: Mapping[str, Any]
    network: Mapping[str, Any]
    schedule: Schedule
    thresholds: Mapping[str, float]
    clips: int | None

    @property
    def folder(self) -> str:
        options = [sorted(each.items()) for each in (self.objective, self.network)]
        facts = self.name, options, self.schedule, self.thresholds, self.clips
        return sha256(repr(facts).encode()).hexdigest()[:12]


def _train_all(
    out: Path,
    trainings: Sequence[_Training],
    data: Path,
    jobs: int,
    progress_bar: ProgressBar,
) -> list[Path]:
    """Train and export what is not there yet; return the file of each training."""
    torch.set_num_threads(jobs)
    files = [out / training.folder / 'network.onnx' for training in trainings]
    missing = {file: t for file, t in zip(files, trainings, strict=True) if not file.exists()}
    local = any(learns_from_less(each.name) for each in trainings)
    limit = trainings[0].clips
    paths = corpus_paths(data, jobs, progress_bar, local=local, limit=limit) if missing else ()
    for enhanced in (True, False):
        group = {file: t for file, t in missing.items() if t.schedule.enhanced == enhanced}
        # The clips are large: those of one kind of maps at a time.
        clips = [load_clips(part, enhanced, local) for part in paths] if group else []
        for done, (file, training) in enumerate(group.items(), 1):
            trainer = Trainer(
                training.name,
                *clips,
                file.parent,
                training.schedule,
                dict(training.objective),
                network=dict(training.network),
            )
            with progress_bar(f'training {done} of {len(group)}') as advance:
                trainer.run(advance)
            thresholds = {**training.thresholds, **trainer.ranked_thresholds()}
            export_network(file.parent, file, thresholds)
    return files


def _validation(file: Path) -> dict[str, float]:
    """Read how the training of an exported network scored on validation clips."""
    return json.loads((file.parent / SUMMARY).read_text())['scores']


def _whole_row(protocol: str, seeds: Sequence[Sequence[Mapping]]) -> dict:
    """Average the seeds; ``_seeds`` has the mean of each."""
    row = summarise(WHOLE, protocol, _mean_runs(seeds))
    for key in METRICS:
        row[f'{key}_seeds'] = [known_mean(_column(runs, key)) for runs in seeds]
    return row


def _variant_row(
    name: str, protocol: str, runs: Mapping[str, Sequence[Mapping]], whole: Sequence[Variant]
) -> dict:
    row = summarise(name, protocol, runs[name])
    usual = _mean_runs([runs[variant.name] for variant in whole])
    for key in METRICS:
        ours, theirs = _column(runs[name], key), _column(usual, key)
        row[f'{key}_change'] = known_mean(ours - theirs)
        row[f'{key}_change_95'] = paired_interval(ours, theirs)
    return row


def _mean_runs(seeds: Sequence[Sequence[Mapping]]) -> list[dict]:
    """Average the scores of each scene over seeds."""
    columns = {
        key: np.mean([_column(runs, key) for runs in seeds], axis=0)
        for key in (*METRICS, 'fusion_ms', 'tracker_ms')
    }
    return [
        {key: float(column[number]) for key, column in columns.items()} | {'decisions': {}}
        for number in range(len(seeds[0]))
    ]


def _column(runs: Sequence[Mapping], key: str) -> np.ndarray:
    """Scores of the scenes, NaN where there is none."""
    return np.array([run[key] for run in runs], float)


def _sheet(rows: Sequence[dict], title: str) -> Sheet:
    whole, *variants = rows
    lines = [[whole['model'], *(_spread(whole, key) for key in METRICS)]]
    lines += [[row['model'], *(_change(row, key) for key in METRICS)] for row in variants]
    return Sheet(title, ['variant', *METRICS], lines)


def _spread(row: Mapping, key: str) -> str:
    """Write the mean and the range of the seeds."""
    seeds = [score for score in row[f'{key}_seeds'] if score is not None]
    return f'{row[key]:.4g} ({min(seeds):.4g}..{max(seeds):.4g})' if seeds else '-'


def _change(row: Mapping, key: str) -> str:
    """Write the difference to the whole network and its interval."""
    change, spread = row[f'{key}_change'], row[f'{key}_change_95']
    if change is None:
        return '-'
    return (
        f'{change:+.3g}' if spread is None else f'{change:+.3g} ({spread[0]:.3g}, {spread[1]:.3g})'
    )
