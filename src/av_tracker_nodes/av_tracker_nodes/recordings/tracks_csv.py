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

"""The files of a run: ``tracks.csv``, ``tracks_covariance.csv`` and ``run.json``.

``tracks.csv`` has a row for each confirmed or coasting track of each cycle: ``stamp`` (s, stream
clock), ``frame`` (0-based number of the image among all that came, whether they were answered or
not; -1 where audio alone set the stamp), ``id``, box
``u,v,w,h`` (left, top, width, height in 0-based pixels; empty for a head that is not in the
picture), mouth ``x,y,z`` (m, target frame), ``speaking`` and ``confidence`` (0..1).
``tracks_covariance.csv`` has the state and the covariance of the position (m^2) of the same rows.
"""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.json_files import partial_path, read_json, write_json
from av_tracker_nodes.recordings.plausible import LARGEST
from av_tracker_nodes.recordings.stamp_counter import StampCounter
from av_tracker_nodes.recordings.tables import NumberTable, as_numbers, read_rows
from av_tracker_nodes.types import NANOSECONDS, TOLD_AGAIN, Track, TrackFrame, TrackState

TRACKS = 'tracks.csv'
COVARIANCES = 'tracks_covariance.csv'
RUN = 'run.json'
TRACKS_HEADER = [*('stamp', 'frame', 'id'), *'uvwhxyz', 'speaking', 'confidence']
COVARIANCES_HEADER = ['stamp', 'id', 'state', 'xx', 'xy', 'xz', 'yy', 'yz', 'zz']
_NOTES = '.run.notes.json'
_TAIL = 1 << 16
AUDIO_CYCLE = -1
"""Frame number of rows whose stamp no image has set."""

_SECONDS = re.compile(r'-?[0-9]{1,10}(\.[0-9]*)?')
_LAST = np.iinfo(np.int64).max
_UPPER = np.triu_indices(3)
_PUBLISHED = (TrackState.CONFIRMED, TrackState.COASTING)


class TrackWriter:
    """Writes the files of a run; they appear under their names only when they are whole.

    A cycle is written at once, so that whoever is killed leaves whole ones behind. Leaving a
    ``with`` block by an exception removes what was written; by its end, it does nothing yet.

    Parameters
    ----------
    directory : str or Path
        Made when it is not there.
    run : str
        Name of the run, which no other one has: a writer that is killed leaves what the next
        writer of the same run goes on with. Empty to begin anew.

    Attributes
    ----------
    frames : int
        Cycles of images that were written.
    images : StampCounter
        Images that came.
    noted : dict
        What :meth:`note` was given last where this writer goes on, else empty.

    Raises
    ------
    InputError
        When it cannot be written.
    """

    def __init__(self, directory: str | Path, run: str = '') -> None:
        self.directory = Path(directory)
        self._run = run
        self.frames = 0
        self.images = StampCounter()
        self.noted: dict[str, Any] = {}
        self._written_until: int | None = None
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for name in (TRACKS, COVARIANCES, RUN):
                (self.directory / name).unlink(missing_ok=True)
            goes_on = self._resume()
            self._tracks, self._covariances = (
                partial_path(self.directory / name).open('a' if goes_on else 'w')
                for name in (TRACKS, COVARIANCES)
            )
            if not goes_on:
                self._notes.unlink(missing_ok=True)
                _append(self._tracks, [TRACKS_HEADER])
                _append(self._covariances, [COVARIANCES_HEADER])
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> TrackWriter:
        """Return the writer itself."""
        return self

    def __exit__(self, kind: type | None, value: object, traceback: object) -> None:
        """Remove what was written, after an exception."""
        if kind is None:
            return
        for file in (self._tracks, self._covariances):
            with suppress(OSError):
                file.close()
        for name in (TRACKS, COVARIANCES):
            partial_path(self.directory / name).unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def note(self, state: dict[str, Any]) -> None:
        """Note how far the run is, for a writer that has to go on.

        Raises
        ------
        InputError
            When the disk is full.
        """
        if not self._run:
            return
        noted = {
            'run': self._run,
            'frames': self.frames,
            'images': self.images.as_json(),
            'state': state,
        }
        try:
            write_json(self._notes, noted)
        except OSError as error:
            raise self._unwritable(error) from error

    def saw(self, stamp: int) -> None:
        """Count an image (stamp in ns), before its cycle is written or lost."""
        self.images.add(stamp)

    def write(self, frame: TrackFrame) -> None:
        """Write the rows of one cycle; tentative tracks are left out.

        What another writer of this run has written already is passed over.

        Raises
        ------
        InputError
            When the disk is full.
        """
        number = self.images.number(frame.stamp) if frame.from_image else AUDIO_CYCLE
        if self._is_written(frame.stamp):
            return
        self.frames += frame.from_image
        stamp = _format_stamp(frame.stamp)
        told = [track for track in frame.tracks if track.state in _PUBLISHED]
        try:
            # In this order: rows of tracks tell how far both files are.
            _append(self._covariances, [[stamp, t.id, *_uncertain(t)] for t in told])
            _append(self._tracks, [[stamp, number, t.id, *_row(t)] for t in told])
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self, run: dict) -> None:
        """Finish the files.

        Parameters
        ----------
        run : dict
            What ``run.json`` says: frames_in, lost_frames, seconds, realtime_factor, model, mode,
            latency_ms, ...; frames_answered is the number of image cycles written unless given.

        Raises
        ------
        InputError
            When the disk is full.
        """
        try:
            for file in (self._tracks, self._covariances):
                file.close()
            for name in (TRACKS, COVARIANCES):
                partial_path(self.directory / name).rename(self.directory / name)
            write_json(self.directory / RUN, {'frames_answered': self.frames, **run})
            self._notes.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    @property
    def _notes(self) -> Path:
        return self.directory / _NOTES

    def _resume(self) -> bool:
        """Take over what a writer of the same run has left; tell whether there is something."""
        if not self._run or not self._notes.exists():
            return False
        try:
            notes = read_json(self._notes, 'notes of a run')
            if notes['run'] != self._run:
                return False
            images = StampCounter.resumed(notes['images'], estimates=True)
            frames, noted = int(notes['frames']), dict(notes['state'])
            last, _ = (
                _cut_to_whole_lines(partial_path(self.directory / name))
                for name in (TRACKS, COVARIANCES)
            )
        # Whatever else is there is no run of ours.
        except (InputError, KeyError, TypeError, ValueError, FileNotFoundError):
            return False
        self.images, self.frames, self.noted = images, frames, noted
        stamp = last.partition(',')[0]
        self._written_until = parse_stamp(stamp) if _SECONDS.fullmatch(stamp) else None
        return True

    def _is_written(self, stamp: int) -> bool:
        """Tell whether the writer before this one has written a cycle (stamp in ns)."""
        until = self._written_until
        if until is not None and -TOLD_AGAIN < stamp - until <= 0:
            return True
        self._written_until = None
        return False

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f'cannot write to {self.directory}: {error.strerror}')


@dataclass(frozen=True)
class TrackTable:
    """Rows of ``tracks.csv`` as columns.

    Attributes
    ----------
    stamp : np.ndarray, shape (n,), int
        Nanoseconds.
    frame, id : np.ndarray, shape (n,), int
    box : np.ndarray, shape (n, 4)
        Pixels; NaN for a head that is not in the picture.
    position : np.ndarray, shape (n, 3)
        Metres.
    speaking, confidence : np.ndarray, shape (n,)
    covariance : np.ndarray, shape (n, 3, 3)
        Square metres; NaN without ``tracks_covariance.csv``.
    """

    stamp: np.ndarray
    frame: np.ndarray
    id: np.ndarray
    box: np.ndarray
    position: np.ndarray
    speaking: np.ndarray
    confidence: np.ndarray
    covariance: np.ndarray

    def __len__(self) -> int:
        """Count rows."""
        return len(self.stamp)


def read_tracks(path: str | Path) -> TrackTable:
    """Read ``tracks.csv`` and, where it is there, ``tracks_covariance.csv``.

    Parameters
    ----------
    path : str or Path
        The file, or the directory of the run.

    Raises
    ------
    InputError
        When the file is missing or malformed.
    """
    path = Path(path)
    path = path / TRACKS if path.is_dir() else path
    if not path.exists():
        raise InputError(f'no {path.name} in {path.parent}; run the tracker with that directory')
    rows = read_rows(path, TRACKS_HEADER)
    table = as_numbers(path, [row[1:] for row in rows])
    if not rows:
        table = NumberTable(path, np.zeros((0, len(TRACKS_HEADER) - 1)), table.lines)
    tracks = TrackTable(
        np.array([_stamp(path, number, row[0]) for number, row in enumerate(rows, 2)], np.int64),
        table.whole(0, 'frame', AUDIO_CYCLE),
        table.whole(1, 'id', 0),
        table.numbers(slice(2, 6), 'u, v, w, h', empty=True),
        table.numbers(slice(6, 9), 'x, y, z'),
        table.shares(9, 'speaking'),
        table.shares(10, 'confidence'),
        _read_covariances(path.with_name(COVARIANCES), rows),
    )
    check_tracks(tracks, table)
    return tracks


def check_tracks(tracks: TrackTable, table: NumberTable) -> None:
    """Refuse a track that is in an image twice, and boxes of less than no width or height.

    Parameters
    ----------
    tracks : TrackTable
    table : NumberTable
        What they were read from.

    Raises
    ------
    InputError
        There is one.
    """
    keys = np.stack([tracks.stamp, tracks.id], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    again = np.ones(len(keys), bool)
    again[first] = False
    table.refuse(again, 'this id has a row at this time already')
    table.refuse((tracks.box[:, 2:] < 0).any(axis=1), 'width and height must be 0 or more')


def read_run(directory: str | Path) -> dict:
    """Read ``run.json`` of a run; empty when it is not there.

    Raises
    ------
    InputError
        It is malformed.
    """
    path = Path(directory) / RUN
    return read_json(path, 'summary') if path.exists() else {}


def parse_stamp(text: str) -> int:
    """Nanoseconds of a time in decimal seconds, without rounding to a float."""
    whole, _, fraction = text.partition('.')
    sign = -1 if whole.startswith('-') else 1
    return int(whole) * NANOSECONDS + sign * int((fraction + '0' * 9)[:9])


def _append(file: TextIO, rows: list[list]) -> None:
    """Write rows in one piece, and let the system have them: it outlives this process."""
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows(rows)
    file.write(text.getvalue())
    file.flush()


def _cut_to_whole_lines(path: Path) -> str:
    """Take a line that was not finished off the end of a file; return the last one."""
    with path.open('rb+') as file:
        begin = max(file.seek(0, io.SEEK_END) - _TAIL, 0)
        file.seek(begin)
        text = file.read()
        whole = text[: text.rfind(b'\n') + 1]
        file.truncate(begin + len(whole))
    return whole.decode(errors='replace').rstrip('\n').rpartition('\n')[2]


def _format_stamp(stamp: int) -> str:
    seconds, nanoseconds = divmod(abs(stamp), NANOSECONDS)
    return f'{"-" if stamp < 0 else ""}{seconds}.{nanoseconds:09d}'


def _row(track: Track) -> list[str]:
    box = [''] * 4 if track.box is None else [f'{value:.3f}' for value in track.box]
    position = [f'{value:.5f}' for value in track.position]
    return [*box, *position, f'{track.speaking:.4f}', f'{track.existence:.4f}']


def _uncertain(track: Track) -> list[str]:
    covariance = track.covariance[:3, :3][_UPPER]
    return [track.state.name.lower(), *(f'{value:.9g}' for value in covariance)]


def _stamp(path: Path, line: int, text: str) -> int:
    if _SECONDS.fullmatch(text) and abs(stamp := parse_stamp(text)) <= _LAST:
        return stamp
    raise InputError(f'{path}, line {line}: stamp must be a time in decimal seconds')


def _read_covariances(path: Path, tracks: list[list[str]]) -> np.ndarray:
    covariance = np.full((len(tracks), 3, 3), np.nan)
    if not path.exists():
        return covariance
    rows = read_rows(path, COVARIANCES_HEADER)
    values = as_numbers(path, [row[3:] for row in rows])
    values.numbers(slice(None), 'covariances', most=LARGEST**2)
    known = {(row[0], row[1]): value for row, value in zip(rows, values.values, strict=True)}
    for matrix, track in zip(covariance, tracks, strict=True):
        if (track[0], track[2]) in known:
            matrix[_UPPER] = known[track[0], track[2]]
            matrix.T[_UPPER] = matrix[_UPPER]
    return covariance
