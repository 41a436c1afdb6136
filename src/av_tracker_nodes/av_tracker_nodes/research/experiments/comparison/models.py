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

"""Compare fusion models on simulated scenes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from av_tracker_nodes import InputError
from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.fusion import BASELINES, DEFAULT_MODEL, NETWORKS
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.pipeline import StageTimes
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.recordings.tracks_csv import (
    TrackWriter,
    read_run,
    read_tracks,
)
from av_tracker_nodes.research.evaluation.absences import absences
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.metrics import METRICS as SCORES
from av_tracker_nodes.research.evaluation.metrics import score
from av_tracker_nodes.research.evaluation.sheets import Sheet, figure, print_sheets
from av_tracker_nodes.research.evaluation.statistics import interval_of
from av_tracker_nodes.research.evaluation.truth import read_truth
from av_tracker_nodes.research.experiments.comparison.scenes import (
    COMPLETE,
    INCOMPLETE,
    Options,
    SceneFiles,
    load_scene,
    record_scenes,
)
from av_tracker_nodes.research.experiments.kit.models import open_model
from av_tracker_nodes.research.parallel import in_processes
from av_tracker_nodes.research.progress import Progress, ProgressBar
from av_tracker_nodes.research.training.clips import Clip, ClipFrame
from av_tracker_nodes.research.training.truths import SEEN
from av_tracker_nodes.types import AcousticMap, DetectionFrame, FaceFrame

METRICS = ('mae_px', 'acc', 'mota', 'motp_px', 'ids', 'idf1', 'speaking_f1')
TRACK_METRICS = (
    'mota',
    'ids',
    'idf1',
    'hota',
    'purity',
    'confirm_s',
    'returns_kept',
    'false_tracks',
)
"""What tells fusion models apart, and what trackers."""

COSTS = ('fusion_ms', 'fps', 'params_m', 'gflops', 'onnx_mb')
"""What a model costs: time of an image, images a second, parameters (10^6), operations for four
people (10^9), size of the file."""

WITHOUT_SOUND, WITHOUT_PICTURE = 'without sound', 'without picture'

_RESAMPLES = 4000
_WIDTH = 200
"""Of a printed table, in characters: what is written to a file or scrolled is not cut."""


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Attributes
    ----------
    name : str
    model : str
        Fusion model, or path of an ONNX file.
    without : str
        Input that is taken away: `WITHOUT_SOUND`, `WITHOUT_PICTURE`, or nothing.
    tracker : TrackerConfig or None
    inputs : str
        `COMPLETE` or `INCOMPLETE`.
    thresholds : mapping of str to float
        From when on a network is believed, where that differs from what its file says.
    """

    name: str
    model: str
    without: str = ''
    tracker: TrackerConfig | None = None
    inputs: str = COMPLETE
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name, which rows with other inputs may have too, and inputs."""
        return self.name if self.inputs == COMPLETE else f'{self.name}, {self.inputs}'

    @property
    def fusion(self) -> tuple:
        """Everything before the tracker: entries with the same have the same detections."""
        return self.model, self.without, self.inputs, *sorted(self.thresholds.items())

    def given(
        self, frame: ClipFrame, needs_image: bool
    ) -> tuple[FaceFrame, AcousticMap, np.ndarray | None]:
        """Return faces, sound and, if it is needed, image, less what is taken away."""
        if self.without == WITHOUT_PICTURE:
            sound = replace(frame.sound, faces=(), from_image=False)
            return replace(frame.faces, faces=()), sound, None
        sound = frame.sound.silenced() if self.without == WITHOUT_SOUND else frame.sound
        return frame.faces, sound, frame.image if needs_image else None


CONTENDERS = (
    *(Entry(model, model) for model in (*BASELINES, *NETWORKS)),
    *(Entry(f'{model}, no sound', model, WITHOUT_SOUND) for model in NETWORKS),
    *(Entry(f'{model}, no picture', model, WITHOUT_PICTURE) for model in NETWORKS),
    *(Entry(model, model, inputs=INCOMPLETE) for model in (*BASELINES, *NETWORKS)),
)

TRACKERS = (
    Entry('as it is', DEFAULT_MODEL),
    Entry('greedy', DEFAULT_MODEL, tracker=TrackerConfig(assignment='greedy')),
    Entry('previous places', DEFAULT_MODEL, tracker=TrackerConfig(reference='previous')),
    Entry(
        'greedy, previous places',
        DEFAULT_MODEL,
        tracker=TrackerConfig(assignment='greedy', reference='previous'),
    ),
    Entry('without 2-D', DEFAULT_MODEL, tracker=TrackerConfig(beta=0.0)),
    Entry('without 3-D', DEFAULT_MODEL, tracker=TrackerConfig(beta=1.0)),
    Entry('without looks', DEFAULT_MODEL, tracker=TrackerConfig(appearance=0.0)),
)
"""The tracker, as AVCLNet publishes it (the fourth), and without each part of its costs."""


def compare_models(
    out: Path,
    options: Options,
    progress_bar: ProgressBar,
    entries: Sequence[Entry] = CONTENDERS,
    metrics: Sequence[str] = METRICS,
    table: str = 'models',
) -> list[dict]:
    """Compare models or trackers, print a table, and write it as JSON.

    Parameters
    ----------
    out : Path
        Folder of the table; recordings and runs lie below it.
    options : Options
    progress_bar : ProgressBar
    entries : sequence of Entry
    metrics : sequence of str
        Columns of the table.
    table : str
        Name of the file, without ``.json``.

    Returns
    -------
    list of dict
        A row for each entry.
    """
    scenes = record_scenes(out / 'scenes', options, progress_bar)
    with progress_bar('tracking') as advance:
        scores = track_all(out / 'runs', scenes, entries, options.jobs, advance)
    protocol = f'simulated {options.scenario}, {options.split}, {len(scenes)} scenes'
    rows = [
        summarise(entry.name, f'{protocol}, {entry.inputs}', runs, metrics)
        | _network_facts(entry.model)
        for entry, runs in zip(entries, scores.values(), strict=True)
    ]
    write_json(out / f'{table}.json', rows)
    for inputs in options.inputs:
        title = f'{protocol}, {inputs}'
        shown = [row for row in rows if row['protocol'] == title]
        print_sheets([_sheet(shown, title, metrics)], Console(width=_WIDTH))
    return rows


def _network_facts(model: str) -> dict[str, float | None]:
    """Size and cost of a network; None for models without one."""
    network = open_model(model, 'cpu').network
    if network is None:
        return {'params_m': None, 'gflops': None, 'onnx_mb': None}
    return {
        'params_m': int(network.facts['parameters']) / 1e6,
        'gflops': float(network.facts['gflops_three_people']),
        'onnx_mb': round(network.megabytes, 2),
    }


def track_all(
    out: Path,
    scenes: Sequence[SceneFiles],
    entries: Sequence[Entry],
    jobs: int,
    advance: Progress,
) -> dict[str, list[dict]]:
    """Score every entry, by title, on every scene, in the order of the scenes."""
    table: dict[str, dict[int, dict]] = {entry.title: {} for entry in entries}
    teams: dict[tuple, list[Entry]] = defaultdict(list)
    for entry in entries:
        teams[entry.fusion].append(entry)
    tasks = {
        (number, fusion): (out, files, team)
        for number, files in enumerate(scenes)
        for fusion, team in teams.items()
    }
    for done, ((number, _), scores) in enumerate(in_processes(track_scene, tasks, jobs), 1):
        for title, run in scores.items():
            table[title][number] = run
        advance(done / len(tasks))
    return {title: [runs[k] for k in sorted(runs)] for title, runs in table.items()}


def track_scene(
    out: Path, files: SceneFiles, entries: Sequence[Entry]
) -> dict[str, dict[str, float]]:
    """Track one recorded scene with entries of the same fusion; return scores by title."""
    shared = entries[0]
    fusion = open_model(shared.model, 'cpu')
    if shared.thresholds:
        fusion.thresholds = replace(fusion.thresholds, **shared.thresholds)
    clip = load_scene(files, fusion.measure, shared.inputs)
    runs = [_Run(out, files, entry) for entry in entries]
    times = StageTimes()
    for frame in clip.frames:
        faces, sound, image = shared.given(frame, fusion.needs_image)
        with times.measure('fusion'):
            detections = fusion.process(faces, sound, clip.rig, image)
        for run in runs:
            run.track(detections, clip.rig.camera)
    facts = {
        'fusion_ms': times.summary()['fusion']['median'],
        'decisions': dict(fusion.decisions),
    }
    return {run.entry.title: run.scores(clip) | facts for run in runs}


class _Run:
    """A entry's tracks of a scene."""

    def __init__(self, out: Path, files: SceneFiles, entry: Entry) -> None:
        self.entry, self._files = entry, files
        self._folder = out / entry.title.replace(', ', '-').replace(' ', '-') / files.name
        self._tracker = SpeakerTracker(entry.tracker)
        self._writer, self._times = TrackWriter(self._folder), StageTimes()

    def track(self, detections: DetectionFrame, camera: Camera) -> None:
        with self._times.measure('tracker'):
            tracks = self._tracker.process(detections, camera)
        # Also judged where no image came.
        self._writer.write(replace(tracks, from_image=True))

    def scores(self, clip: Clip) -> dict[str, float]:
        run = {'model': self.entry.name, 'mode': 'recorded', 'frames_in': len(clip.frames)}
        self._writer.close(run)
        truth = read_truth(self._files.truth, self._files.camera)
        matching = Matching(truth, read_tracks(self._folder))
        scores = score(matching, read_run(self._folder))
        write_json(self._folder / SCORES, scores)
        # Unlike the files of a sequence, clips know who is hidden.
        visible = np.stack([frame.people.visible > SEEN for frame in clip.frames], axis=1)
        scores |= absences(matching, visible)
        return {
            **{key: scores[key] for key in {*METRICS, *TRACK_METRICS}},
            'tracker_ms': self._times.summary()['tracker']['median'],
        }


def summarise(
    name: str, protocol: str, runs: Sequence[Mapping], metrics: Sequence[str] = METRICS
) -> dict:
    """Average the scores of a entry over scenes.

    Returns
    -------
    dict
        ``model`` and ``protocol``; of each metric the mean, ``_scenes`` and the 95 % interval
        ``_95``; the median time of fusion, and the images per second that fusion and tracker get
        through on one core; where a model decides something, the share of each decision.
    """
    row = {'model': name, 'protocol': protocol}
    for key in metrics:
        values = np.array([run[key] for run in runs], float)
        row[key] = known_mean(values)
        row[f'{key}_scenes'] = [round(v, 3) if np.isfinite(v) else None for v in values.tolist()]
        row[f'{key}_95'] = interval(values)
    fusion_ms, tracker_ms = (
        float(np.median([run[key] for run in runs])) for key in ('fusion_ms', 'tracker_ms')
    )
    row |= {'fusion_ms': round(fusion_ms, 2), 'fps': round(1e3 / (fusion_ms + tracker_ms))}
    decisions: Counter[str] = Counter()
    for run in runs:
        decisions.update(run['decisions'])
    return row | {
        f'share_{name}': round(count / max(decisions.total(), 1), 3)
        for name, count in decisions.items()
    }


def known_mean(values: np.ndarray) -> float | None:
    """Average what is not NaN, to three decimals; None without any."""
    known = values[np.isfinite(values)]
    return round(float(known.mean()), 3) if len(known) else None


def interval(values: np.ndarray) -> list[float] | None:
    """Bootstrap a 95 % interval of the mean over scenes."""
    known = values[np.isfinite(values)]
    if len(known) < 3 or np.ptp(known) == 0:
        return None
    ends = interval_of(
        len(known), lambda drawn: known[drawn].mean(axis=-1), _RESAMPLES, quantile='linear'
    )
    return [round(end, 3) for end in ends]


def paired_interval(first: np.ndarray, second: np.ndarray) -> list[float] | None:
    """Bootstrap a 95 % interval of the mean difference over the same scenes."""
    if len(first) != len(second):
        raise InputError('a paired comparison needs the same scenes on both sides')
    return interval(np.asarray(first, float) - np.asarray(second, float))


def _sheet(rows: Sequence[dict], title: str, metrics: Sequence[str]) -> Sheet:
    rest = [*COSTS, *(key for key in rows[0] if key.startswith('share_'))]
    lines = []
    for row in rows:
        cells = [row['model']]
        for key in metrics:
            # With every interval the table would be wider than a screen; the file has them all.
            spread = row[f'{key}_95'] if key == 'mota' else None
            note = '' if spread is None else f' ({spread[0]:.4g}, {spread[1]:.4g})'
            cells.append(figure(row[key], '.4g') + note)
        lines.append([*cells, *(figure(row.get(key), '.4g') for key in rest)])
    return Sheet(title, ['model', *metrics, *rest], lines)
