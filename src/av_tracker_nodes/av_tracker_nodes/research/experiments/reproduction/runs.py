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

"""The rows of one recording of a protocol: tracked here, or by somebody else, and scored."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.recordings.tracks_csv import TrackTable, read_run, read_tracks
from av_tracker_nodes.research.datasets.protocols import Protocol
from av_tracker_nodes.research.evaluation.curves import error_curve, speaking_pairs
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.metrics import score
from av_tracker_nodes.research.evaluation.mot_format import read_mot
from av_tracker_nodes.research.evaluation.scoring import Scoring
from av_tracker_nodes.research.evaluation.truth import Truth, read_truth
from av_tracker_nodes.research.experiments.reproduction.tracking import kind_of, track_view
from av_tracker_nodes.research.experiments.reproduction.views import View

_SNAP = 2_000_000
"""Stamps of other people's tracks are those of an image when they are this near (ns)."""


@dataclass(frozen=True)
class Entry:
    """A row of the table that is measured here.

    Attributes
    ----------
    name : str
    model : str
        Fusion model, or ONNX file; empty for the tracks of somebody else.
    results : Path or None
        Folder of the tracks of somebody else.
    truth_initialised : bool
        Whether the tracker was told where people are at the start.
    """

    name: str
    model: str = ''
    results: Path | None = None
    truth_initialised: bool = False


def run_view(
    entries: Sequence[Entry], view: View, protocol: Protocol, out: Path
) -> dict[str, dict]:
    """Track a recording unless that is done, and score the tracks.

    Parameters
    ----------
    entries : sequence of Entry
        Models of one acoustic measure, or the tracks of somebody else.
    view : View
    protocol : Protocol
    out : Path
        Folder of all runs; a finished run of the same kind in it is kept, also one that was made
        for another protocol.

    Returns
    -------
    dict
        By name of the entry, metrics: what ``metrics-PROTOCOL.json`` says; times and errors: see
        `error_curve`; speaks and said: see `speaking_pairs`.

    Raises
    ------
    InputError
        When something of the recording, a model, or the tracks is missing or malformed.
    """
    cv2.setNumThreads(1)
    truth = read_truth(view.directory, view.camera, protocol.publication)
    if not truth.scored.any():
        raise InputError(f'nobody is annotated in the scored images of {view.run}')
    kind = out / kind_of(protocol)
    folders = {entry: kind / entry.name.replace(os.sep, '_') / view.run for entry in entries}
    models = {folders[entry]: entry.model for entry in entries if entry.results is None}
    track_view(models, view, protocol, truth)
    return {
        entry.name: _scored(entry, folder, view, protocol, truth)
        for entry, folder in folders.items()
    }


def _scored(entry: Entry, out: Path, view: View, protocol: Protocol, truth: Truth) -> dict:
    if entry.results is None:
        tracks = read_tracks(out)
    else:
        tracks = read_results(entry.results, view.open().name, view, truth)
        out.mkdir(parents=True, exist_ok=True)
    scoring = Scoring(protocol.target, protocol.gate_share, protocol.success_share)
    matching = Matching(truth, tracks, scoring)
    metrics = score(matching, read_run(out))
    if np.isnan(tracks.speaking).all():
        metrics = {k: None if k.startswith('speaking') else v for k, v in metrics.items()}
    write_json(out / f'metrics-{protocol.name}.json', metrics)
    times, errors = error_curve(matching)
    speaks, said = speaking_pairs(matching)
    return {'metrics': metrics, 'times': times, 'errors': errors, 'speaks': speaks, 'said': said}


def read_results(folder: Path, sequence: str, view: View, truth: Truth) -> TrackTable:
    """Read the tracks of somebody else.

    Parameters
    ----------
    folder : Path
        With ``<sequence>-cam<c>/tracks.csv``, or ``<sequence>-cam<c>.csv`` of the same form, or
        ``<sequence>-cam<c>.txt`` in the format of MOTChallenge, names full or short.
    sequence : str
        Full name.
    view : View
    truth : Truth

    Raises
    ------
    InputError
        When there is no such file, or it is malformed.
    """
    names = [f'{sequence}-cam{view.camera}', view.run]
    for name in names:
        for path in (folder / name / 'tracks.csv', folder / f'{name}.csv'):
            if path.is_file():
                tracks = read_tracks(path)
                return replace(tracks, stamp=_snapped(tracks.stamp, truth.stamps))
        if (folder / f'{name}.txt').is_file():
            return read_mot(folder / f'{name}.txt', truth.stamps)
    raise InputError(f'{folder} holds no tracks of {view.run}: {view.run}/tracks.csv or .txt')


def _snapped(stamps: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Replace stamps by those of images next to them; they may have been rounded."""
    after = np.clip(np.searchsorted(images, stamps), 1, len(images) - 1)
    nearest = np.where(
        stamps - images[after - 1] < images[after] - stamps, images[after - 1], images[after]
    )
    return np.where(np.abs(nearest - stamps) <= _SNAP, nearest, stamps)
