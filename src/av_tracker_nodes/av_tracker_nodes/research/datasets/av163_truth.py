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

"""Ground-truth files of AV16.3.

Everything with a time is on the timecode clock (s); 2-D files count frames and pixels from 1,
and are returned counted from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.tables import NumberTable, read_columns
from av_tracker_nodes.research.datasets.mat_files import load_mat, numbers_of

MAX_GAP = 0.2
"""Annotations further apart (s) are not interpolated: nothing is known between them."""

_HALF_FRAME = 0.02
_AUDIO_START = 10.0
_LONGEST = 86_400.0
"""No recording lasts longer than a day (s)."""


@dataclass(frozen=True)
class TimedValues:
    """Values at times (s), shape (n,) and (n, columns), times increasing."""

    times: np.ndarray
    values: np.ndarray

    def at(self, times: np.ndarray) -> np.ndarray:
        """Interpolate linearly, shape (m, columns).

        NaN where the neighbouring annotations are more than `MAX_GAP` apart, and more than half a
        frame beyond the ends.
        """
        times = np.atleast_1d(np.asarray(times, float))
        result = np.full((len(times), self.values.shape[1]), np.nan)
        if not len(self.times):
            return result
        after = np.searchsorted(self.times, times)
        last = len(self.times) - 1
        before, after = np.clip(after - 1, 0, last), np.clip(after, 0, last)
        gap = self.times[after] - self.times[before]
        distances = np.abs(times[:, None] - self.times[np.stack([before, after], axis=1)])
        known = ((before < after) & (gap <= MAX_GAP)) | (distances.min(axis=1) <= _HALF_FRAME)
        for column in range(self.values.shape[1]):
            interpolated = np.interp(times, self.times, self.values[:, column])
            result[known, column] = interpolated[known]
        far = known & (gap > MAX_GAP)
        nearer = np.where(distances[:, 0] <= distances[:, 1], before, after)
        result[far] = self.values[nearer[far]]
        return result


@dataclass(frozen=True)
class ImagePoints:
    """Mouths in the images of a camera.

    Attributes
    ----------
    frame : np.ndarray, shape (n,), int
        0-based.
    visible : np.ndarray, shape (n,), bool
    pixel : np.ndarray, shape (n, 2)
        0-based.
    """

    frame: np.ndarray
    visible: np.ndarray
    pixel: np.ndarray


def read_mouth(path: Path) -> TimedValues:
    """Read a ``.3dmouthgt``: column 1 the time (s), columns 3 to 5 the mouth (m, world)."""
    return _by_time(read_numbers(path, 5, known=1), slice(2, 5))


def read_prepared(path: Path, start: float, rate: float) -> TimedValues:
    """Read the ``DataGT3D`` of authors of trackers, in which rows name frames.

    Parameters
    ----------
    path : Path
        MAT file with columns time, x, y, z (m), and the 1-based frame of cameras 1, 2 and 3.
    start : float
        Time of the first frame of camera 1 (s).
    rate : float
        Frames a second.

    Raises
    ------
    InputError
        When the file is malformed.
    """
    try:
        rows = np.atleast_2d(np.asarray(load_mat(path)['DataGT3D'], float))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{path} has no DataGT3D') from error
    if np.isinf(rows).any():
        raise InputError(f'{path}: DataGT3D has infinite numbers')
    if rows.ndim != 2 or rows.shape[1] < 7:
        raise InputError(f'{path}: DataGT3D has {rows.shape[-1]} columns instead of 7')
    rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, 4] >= 1)]
    rows = rows[np.argsort(rows[:, 4], kind='stable')]
    return TimedValues(start + (rows[:, 4] - 1) / rate, rows[:, 1:4])


def read_image_mouth(path: Path) -> ImagePoints:
    """Read a ``.mouthgt``: column 1 the frame, 3 whether it is visible, 4 and 5 the pixel."""
    table = _table(path, 5, known=3)
    rows = table.values
    return ImagePoints(table.whole(0, 'frame', 0) - 1, rows[:, 2] > 0, rows[:, 3:5] - 1)


def read_boxes(path: Path) -> np.ndarray:
    """Read a ``_GT2D.txt``: face boxes, shape (frames, 4), one row a frame, 0-based pixels."""
    return read_numbers(path, 4, known=0)[:, :4] - [1, 1, 0, 0]


def read_head_pose(path: Path) -> TimedValues:
    """Read a ``.pose``: the time (s), and yaw, pitch, roll of the head (rad, world)."""
    return _by_time(read_numbers(path, 4, known=1), slice(1, 4))


def read_speech(path: Path) -> np.ndarray:
    """Read a ``.speech``: start and end (s) of each stretch of speech, shape (n, 2)."""
    return read_numbers(path, 2)[:, :2]


def read_static(path: Path, mouth: TimedValues | None) -> tuple[TimedValues, np.ndarray]:
    """Read the ``_gt.mat`` of a sequence where somebody talks at marked positions.

    Its segments count from the start of the audio or of the timecode: that under which more of
    the annotated instants, which cover speech alone, fall into the segments is taken, and the
    start of the audio without annotations.

    Parameters
    ----------
    path : Path
    mouth : TimedValues or None
        The ``.3dmouthgt`` of the same sequence, returned as it is when given.

    Returns
    -------
    mouth : TimedValues
        Metres, world.
    speech : np.ndarray, shape (n, 2)
        Start and end (s) of each stretch of speech.
    """
    truth = load_mat(path).get('static_gt')
    try:
        positions = np.atleast_2d(np.asarray(truth.p3d, float).T)[:, :3]
        segments = np.asarray(truth.sp_seg, float).reshape(2, -1).T
        places = positions[np.atleast_1d(np.asarray(truth.pos_ind, int)) - 1]
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise InputError(f'{path} has no static_gt with p3d, sp_seg and pos_ind') from error
    numbers_of(path, 'p3d', places)
    numbers_of(path, 'sp_seg', segments)
    if len(places) != len(segments) or places.shape[1] != 3:
        raise InputError(f'{path}: p3d, sp_seg and pos_ind do not go together')
    if (np.abs(segments) > _LONGEST).any():
        raise InputError(f'{path}: sp_seg has times beyond {_LONGEST:.0f} s')
    if mouth is not None:
        offsets = (_AUDIO_START, 0.0)
        segments = segments + max(
            offsets, key=lambda offset: within(mouth.times, segments + offset).sum()
        )
        return mouth, segments
    segments = segments + _AUDIO_START
    times = [np.arange(start, end, MAX_GAP / 2) for start, end in segments]
    values = [np.tile(place, (len(t), 1)) for t, place in zip(times, places, strict=True)]
    return TimedValues(np.concatenate(times), np.concatenate(values)), segments


def within(times: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Tell which times (n,) lie in any of the segments (m, 2), starts included, ends not."""
    times = np.asarray(times, float)[:, None]
    return ((times >= segments[:, 0]) & (times < segments[:, 1])).any(axis=1)


def read_numbers(path: Path, columns: int, known: int | None = None) -> np.ndarray:
    """Read whitespace-separated numbers, shape (rows, at least `columns`); blank lines may occur.

    Parameters
    ----------
    path : Path
    columns : int
    known : int, optional
        First columns that must not be NaN, which stands for what nobody knows; all of `columns`
        where left out.

    Raises
    ------
    InputError
        When the file is missing or malformed, or has infinite numbers.
    """
    return _table(path, columns, known).values


def _table(path: Path, columns: int, known: int | None = None) -> NumberTable:
    table = read_columns(path, 'file', columns)
    table.refuse(np.isinf(table.values).any(axis=1), 'infinite numbers')
    known = columns if known is None else known
    table.refuse(np.isnan(table.values[:, :known]).any(axis=1), 'numbers are missing (nan)')
    return table


def _by_time(rows: np.ndarray, columns: slice) -> TimedValues:
    rows = rows[np.argsort(rows[:, 0], kind='stable')]
    return TimedValues(rows[:, 0], rows[:, columns])
