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

"""Picture of a run: plan view and height over time, truth against tracks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.recordings.tracks_csv import TrackTable, read_tracks
from av_tracker_nodes.research.evaluation.speech_scores import SPEAKING_THRESHOLD
from av_tracker_nodes.research.evaluation.truth import Truth, read_truth
from av_tracker_nodes.types import NANOSECONDS
from av_tracker_nodes.viewing.palette import colour_of

_TRUTH = '0.55'
_GRID = '0.9'
_LONGEST_STEP = 0.1
_VIEW_DEPTH = 4.5
_MARGIN = 0.4


def plot_tracks(run_dir: str | Path, seq_dir: str | Path, camera: int, out: str | Path) -> Path:
    """Draw the tracks of a run over the truth.

    Parameters
    ----------
    run_dir : str or Path
        Folder with ``tracks.csv``.
    seq_dir : str or Path
        Folder of the sequence.
    camera : int
        1, 2 or 3.
    out : str or Path
        PNG file to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        When a file is missing or malformed.
    """
    truth = read_truth(seq_dir, camera, protocol=None)
    tracks = read_tracks(run_dir)
    # The clock of the video: its first image is at 0.
    start = int(truth.stamps[0])
    truth = replace(truth, stamps=truth.stamps - start)
    tracks = replace(tracks, stamp=tracks.stamp - start)
    figure = Figure(figsize=(12.5, 6.2), dpi=130, facecolor='white', layout='constrained')
    axes = figure.subplot_mosaic(
        [['plan', 'x'], ['plan', 'y'], ['plan', 'z'], ['plan', 'speech']],
        width_ratios=[1.0, 1.25],
        height_ratios=[1, 1, 1, 0.75],
    )
    _draw_plan(axes['plan'], truth, tracks)
    for column, name in enumerate('xyz'):
        _draw_coordinate(axes[name], truth, tracks, column)
        axes[name].set_ylabel(f'{name} (m)')
        axes[name].tick_params(labelbottom=False)
    _draw_speech(axes['speech'], truth, tracks)
    limits = _seconds(truth.stamps[[0, -1]])
    for name in ('x', 'y', 'z', 'speech'):
        axes[name].set_xlim(limits)
    kind = 'simulated recording' if truth.simulated else 'recording'
    figure.suptitle(f'{kind} {truth.sequence}, camera {camera}', fontsize=12)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
    return out


def draw_room(axes: Axes, truth: Truth) -> None:
    """Draw the sensors from above, with room for all people."""
    _draw_sensors(axes, truth.rig)
    axes.set(xlabel='x (m)', ylabel='y (m)', aspect='equal')
    _limit_to_people(axes, truth)
    axes.grid(color=_GRID, lw=0.6)


def _draw_plan(axes: Axes, truth: Truth, tracks: TrackTable) -> None:
    draw_room(axes, truth)
    for person in truth.people:
        axes.plot(*_split(truth.stamps, person.mouth)[:, :2].T, color=_TRUTH, lw=4, alpha=0.6)
        start = np.flatnonzero(~np.isnan(person.mouth[:, 0]))[:1]
        axes.plot(*person.mouth[start, :2].T, 'o', color=_TRUTH, ms=7)
    for number, rows in _by_id(tracks):
        colour = colour_of(number)
        path = _split(tracks.stamp[rows], tracks.position[rows])
        axes.plot(*path[:, :2].T, color=colour, lw=1.0)
        talks = rows[tracks.speaking[rows] >= SPEAKING_THRESHOLD]
        axes.plot(*tracks.position[talks, :2].T, '.', color=colour, ms=5)
    axes.set_title('from above')
    axes.legend(handles=_legend(tracks), loc='best', fontsize=8, framealpha=0.9)


def _limit_to_people(axes: Axes, truth: Truth) -> None:
    """Show people, cameras and arrays, however far off a track may be."""
    points = np.concatenate(
        [
            truth.mouth.reshape(-1, 3),
            truth.rig.camera.centre[None],
            truth.rig.target_from_array @ truth.rig.microphones.positions,
        ]
    )[:, :2]
    low, high = np.nanmin(points, axis=0) - _MARGIN, np.nanmax(points, axis=0) + _MARGIN
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _draw_sensors(axes: Axes, rig: Rig) -> None:
    microphones = rig.target_from_array @ rig.microphones.positions
    axes.plot(*microphones[:, :2].T, '.', color='0.25', ms=3)
    width, height = rig.camera.size
    edges = rig.camera.rays(np.array([[0.0, height / 2], [width - 1.0, height / 2]]))
    eye = rig.camera.centre[:2]
    corners = np.stack([eye, *(eye + _VIEW_DEPTH * edges[:, :2])])
    axes.fill(*corners.T, color='tab:blue', alpha=0.06, lw=0)
    axes.plot(*eye, 's', color='tab:blue', ms=6)
    axes.annotate('camera', eye, textcoords='offset points', xytext=(6, 6), fontsize=8)
    ears = (rig.target_from_array @ rig.microphones.group_centres())[:, :2]
    axes.annotate(
        'microphones', ears.mean(axis=0), ha='center', va='center', fontsize=8, color='0.25'
    )


def _draw_coordinate(axes: Axes, truth: Truth, tracks: TrackTable, column: int) -> None:
    for person in truth.people:
        axes.plot(_seconds(truth.stamps), person.mouth[:, column], color=_TRUTH, lw=4, alpha=0.6)
    for number, rows in _by_id(tracks):
        times = _split(tracks.stamp[rows], _seconds(tracks.stamp[rows])[:, None])[:, 0]
        path = _split(tracks.stamp[rows], tracks.position[rows])[:, column]
        axes.plot(times, path, color=colour_of(number), lw=1.2)
    values = truth.mouth[..., column]
    axes.set_ylim(np.nanmin(values) - _MARGIN, np.nanmax(values) + _MARGIN)
    axes.grid(color=_GRID, lw=0.6)


def _draw_speech(axes: Axes, truth: Truth, tracks: TrackTable) -> None:
    """Draw when each person speaks, with the tracks of each below, and all other tracks last."""
    names = []
    followed = {number: _whom(truth, tracks, rows) for number, rows in _by_id(tracks)}
    for index, person in enumerate([*truth.people, None]):
        if person is not None and person.speaking is not None:
            _draw_bars(axes, truth.stamps[person.speaking], len(names), _TRUTH)
            names.append(f'person {person.person}')
        whom = None if person is None else index
        for number, rows in _by_id(tracks):
            said = rows[tracks.speaking[rows] >= SPEAKING_THRESHOLD]
            if followed[number] == whom and len(said):
                _draw_bars(axes, tracks.stamp[said], len(names), colour_of(number))
                names.append(f'track {number}')
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel='time (s)')
    axes.tick_params(axis='y', labelsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_ylabel('speaks')
    axes.set_axisbelow(True)
    axes.grid(axis='x', color=_GRID, lw=0.6)


def _whom(truth: Truth, tracks: TrackTable, rows: np.ndarray) -> int | None:
    """Index of the person whom a track is nearest to, in the median; None for nobody."""
    at = np.searchsorted(truth.stamps, tracks.stamp[rows]).clip(0, len(truth.stamps) - 1)
    apart = np.linalg.norm(truth.mouth[:, at] - tracks.position[rows], axis=-1)
    known = ~np.isnan(apart).all(axis=1)
    if not known.any():
        return None
    distances = np.where(known, np.nanmedian(np.where(known[:, None], apart, 0), axis=1), np.inf)
    return int(np.argmin(distances))


def _draw_bars(axes: Axes, stamps: np.ndarray, row: int, colour: object) -> None:
    times = _seconds(stamps)
    breaks = np.flatnonzero(np.diff(times) > _LONGEST_STEP) + 1
    stretches = [stretch for stretch in np.split(times, breaks) if len(stretch)]
    spans = [(stretch[0], stretch[-1] - stretch[0] + 0.04) for stretch in stretches]
    axes.broken_barh(spans, (row - 0.35, 0.7), facecolors=[colour])


def _legend(tracks: TrackTable) -> list[Line2D]:
    lines = [Line2D([], [], color=_TRUTH, lw=4, alpha=0.6, label='truth')]
    lines += [
        Line2D([], [], color=colour_of(number), lw=1.5, label=f'track {number}')
        for number, _ in _by_id(tracks)
    ]
    dots = Line2D([], [], color='0.3', marker='.', ls='', ms=7, label='track speaks')
    return [*lines, dots]


def _by_id(tracks: TrackTable) -> list[tuple[int, np.ndarray]]:
    """Rows of each track, in order of time."""
    numbers = np.unique(tracks.id)
    return [(int(number), np.flatnonzero(tracks.id == number)) for number in numbers]


def _seconds(stamps: np.ndarray) -> np.ndarray:
    return np.asarray(stamps) / NANOSECONDS


def _split(stamps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Put NaN between values that are far apart in time, so that no line joins them."""
    breaks = np.flatnonzero(np.diff(_seconds(stamps)) > _LONGEST_STEP) + 1
    return np.insert(np.asarray(values, float), breaks, np.nan, axis=0)
