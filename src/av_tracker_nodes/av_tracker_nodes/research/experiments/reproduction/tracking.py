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

"""Track one recording of a protocol with several models."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from av_tracker_nodes import __version__
from av_tracker_nodes.fusion import BASELINES, network_file
from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.pipeline import Sensed, Sensing, StageTimes, Tracking
from av_tracker_nodes.recordings.tracks_csv import TrackWriter, read_run
from av_tracker_nodes.research.datasets.convert import records_in_log_order
from av_tracker_nodes.research.datasets.corpus import Recording
from av_tracker_nodes.research.datasets.incomplete import (
    half_of_the_microphones,
    without_the_middle,
)
from av_tracker_nodes.research.datasets.protocols import Protocol
from av_tracker_nodes.research.evaluation.truth import Truth
from av_tracker_nodes.research.experiments.kit.models import open_model
from av_tracker_nodes.research.experiments.reproduction.views import View
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, to_seconds

WARM_UP = 4.0
"""Seconds before the first scored image from which on a tracker sees and hears."""


def kind_of(protocol: Protocol) -> str:
    """Name what tracks depend on: those of two protocols of a kind are the same."""
    lacks = '-incomplete' if protocol.incomplete else ''
    return f'{protocol.publication or "every-image"}{lacks}'


def track_view(models: Mapping[Path, str], view: View, protocol: Protocol, truth: Truth) -> None:
    """Track a recording with every model that has not done so.

    Faces are detected and sound is mapped once for all of them.

    Parameters
    ----------
    models : mapping of Path to str
        Folder of the tracks, and fusion model or ONNX file. All of one acoustic measure.
    view : View
    protocol : Protocol
    truth : Truth
        Says what is scored.

    Raises
    ------
    InputError
        When something of the recording or of a model is missing or malformed.
    """
    given = _given(view, protocol)
    asked = {
        out: given | {'model': model, 'network': _fingerprint(model)}
        for out, model in models.items()
    }
    missing = {out: facts for out, facts in asked.items() if read_run(out).get('asked') != facts}
    if not missing:
        return
    fusions = {out: open_model(models[out]) for out in missing}
    stamps = truth.stamps[truth.scored]
    window = int(stamps[0]) - round(WARM_UP * NANOSECONDS), int(stamps[-1])
    rig, records = truth.rig, _records(view.open(), view.camera, window)
    if protocol.incomplete:
        rig, records = half_of_the_microphones(rig), map(without_the_middle, records)
    runs = [_Run(out, rig, fusion) for out, fusion in fusions.items()]
    (measure,) = {fusion.measure for fusion in fusions.values()}
    sensing = Sensing(rig, measure, any(fusion.needs_image for fusion in fusions.values()))
    start = time.perf_counter()
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(run.writer)
        for sensed in sensing.run(records):
            for run in runs:
                run.follow(sensed)
    shared = time.perf_counter() - start - sum(run.seconds for run in runs)
    facts = {
        'mode': 'offline',
        'frames_in': int(((truth.stamps >= window[0]) & (truth.stamps <= window[1])).sum()),
    }
    for run in runs:
        seconds = shared + run.seconds
        run.close(
            facts
            | {
                'model': models[run.out],
                'seconds': round(seconds, 3),
                'realtime_factor': round(to_seconds(window[1] - window[0]) / seconds, 3),
                'latency_ms': sensing.times.summary() | run.times.summary(),
                'asked': asked[run.out],
            }
        )


class _Run:
    """The tracks of one model.

    Attributes
    ----------
    out : Path
    writer : TrackWriter
    seconds : float
        Spent on this model alone.
    """

    def __init__(self, out: Path, rig: Rig, fusion: FusionModel) -> None:
        self.out, self.seconds = out, 0.0
        self._following, self.writer = Tracking(rig, fusion), TrackWriter(out)

    @property
    def times(self) -> StageTimes:
        return self._following.times

    def follow(self, sensed: Sensed) -> None:
        start = time.perf_counter()
        self.writer.write(self._following.process(sensed))
        self.seconds += time.perf_counter() - start

    def close(self, facts: dict) -> None:
        self.writer.close(facts)


def _given(view: View, protocol: Protocol) -> dict:
    """Say what runs are of; one of the same, with the same model, is not made again."""
    return {
        'version': __version__,
        'data': str(view.directory.resolve()),
        'files': _files(view.directory),
        'camera': view.camera,
        'protocol': protocol.publication,
        'incomplete': protocol.incomplete,
        'warm_up': WARM_UP,
    }


def _files(folder: Path) -> str:
    """Tell whether a sequence was made or copied anew: names, lengths and times of its files."""
    found = sorted(path for path in folder.rglob('*') if path.is_file())
    facts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in found]
    return sha256(repr(facts).encode()).hexdigest()[:12]


def _records(
    recording: Recording, camera: int, window: tuple[int, int]
) -> Iterator[AudioBlock | ImageFrame]:
    """Sound and images of a window of time (ns), with the sound up to the last image."""
    for log_time, record in records_in_log_order(recording, camera):
        if log_time > window[1] and isinstance(record, ImageFrame):
            return
        if log_time >= window[0]:
            yield record


def _fingerprint(model: str) -> str:
    """Tell networks apart; empty for models without one."""
    if model in BASELINES:
        return ''
    path = Path(model) if model.endswith('.onnx') else network_file(model)
    return sha256(path.read_bytes()).hexdigest()[:12]
