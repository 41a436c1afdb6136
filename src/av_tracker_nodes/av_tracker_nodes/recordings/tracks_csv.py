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
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.json_files import partial_path, write_json
from av_tracker_nodes.recordings.tally import Tally
from av_tracker_nodes.types import NANOSECONDS, Track, TrackFrame, TrackState

TRACKS = 'tracks.csv'
COVARIANCES = 'tracks_covariance.csv'
RUN = 'run.json'
TRACKS_HEADER = [*('stamp', 'frame', 'id'), *'uvwhxyz', 'speaking', 'confidence']
COVARIANCES_HEADER = ['stamp', 'id', 'state', 'xx', 'xy', 'xz', 'yy', 'yz', 'zz']
AUDIO_CYCLE = -1
"""Frame number of rows whose stamp no image has set."""

_UPPER = np.triu_indices(3)
_PUBLISHED = (TrackState.CONFIRMED, TrackState.COASTING)


class TrackWriter:
    """Writes the files of a run; they appear under their names only when they are whole.

    Parameters
    ----------
    directory : str or Path
        Made when it is not there.

    Attributes
    ----------
    frames : int
        Cycles of images that were written.
    images : Tally
        Images that came.

    Raises
    ------
    InputError
        When it cannot be written.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.frames = 0
        self.images = Tally()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for name in (TRACKS, COVARIANCES, RUN):
                (self.directory / name).unlink(missing_ok=True)
            self._files = [
                partial_path(self.directory / n).open('w') for n in (TRACKS, COVARIANCES)
            ]
        except OSError as error:
            raise InputError(f'cannot write to {self.directory}: {error.strerror}') from error
        self._tracks, self._covariances = (
            csv.writer(file, lineterminator='\n') for file in self._files
        )
        self._tracks.writerow(TRACKS_HEADER)
        self._covariances.writerow(COVARIANCES_HEADER)

    def saw(self, stamp: int) -> None:
        """Count an image (stamp in ns), before its cycle is written or lost."""
        self.images.add(stamp)

    def write(self, frame: TrackFrame) -> None:
        """Write the rows of one cycle; tentative tracks are left out."""
        number = self.images.number(frame.stamp) if frame.from_image else AUDIO_CYCLE
        self.frames += frame.from_image
        stamp = _format_stamp(frame.stamp)
        for track in frame.tracks:
            if track.state in _PUBLISHED:
                self._tracks.writerow([stamp, number, track.id, *_row(track)])
                covariance = track.covariance[:3, :3][_UPPER]
                self._covariances.writerow(
                    [stamp, track.id, track.state.name.lower(), *(f'{c:.9g}' for c in covariance)]
                )

    def close(self, run: dict) -> None:
        """Finish the files.

        Parameters
        ----------
        run : dict
            What ``run.json`` says: frames_in, lost_frames, seconds, realtime_factor, model, mode,
            latency_ms, ...; frames_answered is the number of image cycles written unless given.
        """
        for file in self._files:
            file.close()
        for name in (TRACKS, COVARIANCES):
            partial_path(self.directory / name).rename(self.directory / name)
        write_json(self.directory / RUN, {'frames_answered': self.frames, **run})


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
    rows = _read_rows(path, TRACKS_HEADER)
    numbers = np.array([[float(v) if v else np.nan for v in row[1:]] for row in rows])
    numbers = numbers.reshape(-1, len(TRACKS_HEADER) - 1)
    return TrackTable(
        np.array([parse_stamp(row[0]) for row in rows], np.int64),
        numbers[:, 0].astype(int),
        numbers[:, 1].astype(int),
        numbers[:, 2:6],
        numbers[:, 6:9],
        numbers[:, 9],
        numbers[:, 10],
        _read_covariances(path.with_name(COVARIANCES), rows),
    )


def read_run(directory: str | Path) -> dict:
    """Read ``run.json`` of a run; empty when it is not there."""
    path = Path(directory) / RUN
    return json.loads(path.read_text()) if path.is_file() else {}


def parse_stamp(text: str) -> int:
    """Nanoseconds of a time in decimal seconds, without rounding to a float."""
    whole, _, fraction = text.partition('.')
    sign = -1 if whole.startswith('-') else 1
    return int(whole) * NANOSECONDS + sign * int((fraction + '0' * 9)[:9])


def _format_stamp(stamp: int) -> str:
    seconds, nanoseconds = divmod(abs(stamp), NANOSECONDS)
    return f'{"-" if stamp < 0 else ""}{seconds}.{nanoseconds:09d}'


def _row(track: Track) -> list[str]:
    box = [''] * 4 if track.box is None else [f'{value:.3f}' for value in track.box]
    position = [f'{value:.5f}' for value in track.position]
    return [*box, *position, f'{track.speaking:.4f}', f'{track.existence:.4f}']


def _read_rows(path: Path, header: list[str]) -> list[list[str]]:
    if not path.is_file():
        raise InputError(f'no {path.name} in {path.parent}; run the tracker with that directory')
    with path.open(newline='') as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != header:
        raise InputError(f"{path} does not begin with '{','.join(header)}'")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise InputError(f'{path}, line {number}: {len(row)} fields instead of {len(header)}')
    return rows[1:]


def _read_covariances(path: Path, tracks: list[list[str]]) -> np.ndarray:
    covariance = np.full((len(tracks), 3, 3), np.nan)
    if not path.is_file():
        return covariance
    rows = {(row[0], row[1]): row[3:] for row in _read_rows(path, COVARIANCES_HEADER)}
    for matrix, track in zip(covariance, tracks, strict=True):
        if (track[0], track[2]) in rows:
            matrix[_UPPER] = [float(value) for value in rows[track[0], track[2]]]
            matrix.T[_UPPER] = matrix[_UPPER]
    return covariance
