# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Track one recording of a protocol, or take the tracks of somebody else, and score them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import __version__
from av_tracker_nodes.datasets.convert import records_in_log_order
from av_tracker_nodes.datasets.protocols import Protocol
from av_tracker_nodes.datasets.recordings import Recording
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.evaluation.curves import error_curve, speaking_pairs
from av_tracker_nodes.evaluation.matching import Matching
from av_tracker_nodes.evaluation.metrics import METRICS, score
from av_tracker_nodes.evaluation.mot_format import read_mot
from av_tracker_nodes.evaluation.scoring import Scoring
from av_tracker_nodes.evaluation.tracks_csv import (
    TrackTable,
    TrackWriter,
    read_run,
    read_tracks,
    write_json,
)
from av_tracker_nodes.evaluation.truth import Truth, read_truth
from av_tracker_nodes.fusion import BASELINES, create_fusion, open_fusion
from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.pipeline import Pipeline
from av_tracker_nodes.reproduction.views import View
from av_tracker_nodes.shipped import shipped_file
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, to_seconds

WARM_UP = 4.0
"""Seconds before the first scored image from which on a tracker sees and hears."""

_KEPT = (1, 3, 5, 7)
"""Microphones 2, 4, 6 and 8 of an array of eight."""
_GREY = 128
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


def run_view(entry: Entry, view: View, protocol: Protocol, out: Path) -> dict:
    """Track a recording unless that is done, and score the tracks.

    Parameters
    ----------
    entry : Entry
    view : View
    protocol : Protocol
    out : Path
        Folder of the run; a finished run of the same kind in it is kept.

    Returns
    -------
    dict
        metrics: what ``metrics.json`` says; times and errors: see `error_curve`; speaks and said:
        see `speaking_pairs`.

    Raises
    ------
    InputError
        When something of the recording, the model, or the tracks is missing or malformed.
    """
    cv2.setNumThreads(1)
    recording = view.open()
    truth = read_truth(view.directory, view.camera, protocol.publication)
    if not truth.scored.any():
        raise InputError(f'nobody is annotated in the scored images of {view.run}')
    scoring = Scoring(protocol.target, protocol.gate_share, protocol.success_share)
    if entry.results is None:
        _track(entry.model, recording, view, protocol, truth, out)
        tracks = read_tracks(out)
    else:
        tracks = read_results(entry.results, recording.name, view, truth)
        out.mkdir(parents=True, exist_ok=True)
    matching = Matching(truth, tracks, scoring)
    metrics = score(matching, read_run(out))
    if np.isnan(tracks.speaking).all():
        metrics = {k: None if k.startswith('speaking') else v for k, v in metrics.items()}
    write_json(out / METRICS, metrics)
    times, errors = error_curve(matching)
    speaks, said = speaking_pairs(matching)
    return {'metrics': metrics, 'times': times, 'errors': errors, 'speaks': speaks, 'said': said}


def _track(
    model: str, recording: Recording, view: View, protocol: Protocol, truth: Truth, out: Path
) -> None:
    asked = {
        'version': __version__,
        'data': str(view.directory.resolve()),
        'files': _files(view.directory),
        'camera': view.camera,
        'model': model,
        'network': _fingerprint(model),
        'protocol': protocol.publication,
        'incomplete': protocol.incomplete,
        'warm_up': WARM_UP,
    }
    if read_run(out).get('asked') == asked:
        return
    fusion = open_model(model)
    stamps = truth.stamps[truth.scored]
    window = int(stamps[0]) - round(WARM_UP * NANOSECONDS), int(stamps[-1])
    rig, records = truth.rig, _records(recording, view.camera, window)
    if protocol.incomplete:
        rig, records = half_of_the_microphones(rig), map(without_the_middle, records)
    pipeline = Pipeline(rig, fusion)
    writer, start = TrackWriter(out), time.perf_counter()
    for frame in pipeline.run(records):
        writer.write(frame)
    seconds = time.perf_counter() - start
    writer.close(
        {
            'mode': 'offline',
            'model': model,
            'frames_in': int(((truth.stamps >= window[0]) & (truth.stamps <= window[1])).sum()),
            'seconds': round(seconds, 3),
            'realtime_factor': round(to_seconds(window[1] - window[0]) / seconds, 3),
            'latency_ms': pipeline.times.summary(),
            'asked': asked,
        }
    )


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


def half_of_the_microphones(rig: Rig) -> Rig:
    """Leave microphones 2, 4, 6 and 8 of each array (GLDTracker section IV-A).

    Raises
    ------
    InputError
        When the arrays have not eight microphones each.
    """
    array = rig.microphones
    kept = []
    for group in np.unique(array.groups):
        members = np.flatnonzero(array.groups == group)
        if len(members) != 8:
            raise InputError('half of the microphones are published for arrays of eight only')
        kept += members[list(_KEPT)].tolist()
    half = replace(
        array,
        positions=array.positions[kept],
        groups=array.groups[kept],
        channels=array.channels[kept],
    )
    return replace(rig, microphones=half)


def without_the_middle(record: AudioBlock | ImageFrame) -> AudioBlock | ImageFrame:
    """Cover the middle third of a picture; sound stays as it is."""
    if isinstance(record, AudioBlock):
        return record
    image = record.image.copy()
    width = image.shape[1]
    image[:, width // 3 : 2 * width // 3] = _GREY
    return replace(record, image=image)


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


def open_model(model: str) -> FusionModel:
    """Make a fusion model of its name, or of an ONNX file.

    Raises
    ------
    InputError
        When there is no such model or file.
    """
    return open_fusion(Path(model)) if model.endswith('.onnx') else create_fusion(model)


def _fingerprint(model: str) -> str:
    """Tell networks apart; empty for models without one."""
    if model in BASELINES:
        return ''
    shipped = not model.endswith('.onnx')
    path = shipped_file(f'{model}/{model}.onnx', 'models') if shipped else Path(model)
    return sha256(path.read_bytes()).hexdigest()[:12]
