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

"""Tracks in the text format of MOTChallenge.

A row is ``frame, id, left, top, width, height, confidence, x, y, z``; frames and pixels count from
1. Columns from the seventh on may be missing; a position of three times -1 is unknown.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.tracks_csv import TrackTable

_LEAST, _CONFIDENCE, _POSITION = 6, 6, slice(7, 10)


def read_mot(path: str | Path, stamps: np.ndarray) -> TrackTable:
    """Read a file.

    Parameters
    ----------
    path : str or Path
    stamps : np.ndarray, shape (n,), int
        Of the images of the video (ns); the first is frame 1.

    Returns
    -------
    TrackTable
        Who speaks is unknown: NaN.

    Raises
    ------
    InputError
        When the file is missing or malformed, or names a frame that the video has not.
    """
    rows = _read_rows(Path(path))
    frame = rows[:, 0].astype(int) - 1
    if ((frame < 0) | (frame >= len(stamps))).any():
        raise InputError(f'{path} names frames outside 1 to {len(stamps)}')
    position = rows[:, _POSITION]
    unknown = np.full(len(rows), np.nan)
    return TrackTable(
        np.asarray(stamps)[frame],
        frame,
        rows[:, 1].astype(int),
        rows[:, 2:6] - [1, 1, 0, 0],
        np.where((position == -1).all(axis=1, keepdims=True), np.nan, position),
        unknown,
        rows[:, _CONFIDENCE],
        np.full((len(rows), 3, 3), np.nan),
    )


def _read_rows(path: Path) -> np.ndarray:
    """Numbers of each row, shape (n, 10), columns that are missing NaN."""
    if not path.is_file():
        raise InputError(f'no file {path} with tracks')
    rows = np.full((0, 10), np.nan)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = [float(value) for value in line.replace(',', ' ').split()]
        except ValueError as error:
            raise InputError(f'{path}, line {number}: not numbers') from error
        if len(values) < _LEAST:
            raise InputError(f'{path}, line {number}: {len(values)} numbers, 6 or more are needed')
        row = np.full(10, np.nan)
        row[: min(len(values), 10)] = values[:10]
        rows = np.vstack([rows, row])
    return rows
