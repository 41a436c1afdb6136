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
from av_tracker_nodes.recordings.tables import read_columns
from av_tracker_nodes.recordings.tracks_csv import TrackTable, check_tracks

_LEAST, _COLUMNS = 6, 10
_BOX, _CONFIDENCE, _POSITION = slice(2, 6), 6, slice(7, 10)


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
    table = read_columns(Path(path), 'file with tracks', _LEAST, _COLUMNS, comma=True)
    frame = table.whole(0, 'frame', 1) - 1
    if (frame >= len(stamps)).any():
        raise InputError(f'{path} names frames outside 1 to {len(stamps)}')
    position = table.numbers(_POSITION, 'x, y, z', empty=True)
    unknown = np.full(len(frame), np.nan)
    tracks = TrackTable(
        np.asarray(stamps)[frame],
        frame,
        table.whole(1, 'id', 0),
        table.numbers(_BOX, 'left, top, width, height') - [1, 1, 0, 0],
        np.where((position == -1).all(axis=1, keepdims=True), np.nan, position),
        unknown,
        table.numbers(slice(_CONFIDENCE, _CONFIDENCE + 1), 'confidence', empty=True)[:, 0],
        np.full((len(frame), 3, 3), np.nan),
    )
    check_tracks(tracks, table)
    return tracks
