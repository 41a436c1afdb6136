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

"""Tables of numbers in text files, in which every number is checked before it is used."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import read_text
from av_tracker_nodes.recordings.plausible import LARGEST

_LARGEST_WHOLE = 2**53
"""Whole numbers up to here are exact as floats."""


@dataclass(frozen=True)
class NumberTable:
    """Rows of numbers, and where they stand.

    Attributes
    ----------
    path : Path
    values : np.ndarray, shape (n, columns)
        NaN where nothing stands.
    lines : np.ndarray, shape (n,), int
        Numbers of their lines, from 1.
    """

    path: Path
    values: np.ndarray
    lines: np.ndarray

    def refuse(self, wrong: np.ndarray, problem: str) -> None:
        """Refuse rows.

        Parameters
        ----------
        wrong : np.ndarray, shape (n,), bool
        problem : str

        Raises
        ------
        InputError
            There are some: the first one is named.
        """
        if wrong.any():
            raise InputError(f'{self.path}, line {self.lines[np.argmax(wrong)]}: {problem}')

    def whole(self, column: int, name: str, least: int) -> np.ndarray:
        """Return a column of whole numbers, shape (n,), int.

        Raises
        ------
        InputError
            One is none, or below `least`.
        """
        values = self.values[:, column]
        # NaN compares false.
        good = (values >= least) & (values <= _LARGEST_WHOLE) & (values == np.floor(values))
        self.refuse(~good, f'{name} must be a whole number, {least} or more')
        return values.astype(np.int64)

    def numbers(
        self, columns: slice, names: str, *, empty: bool = False, most: float = LARGEST
    ) -> np.ndarray:
        """Return columns of plausible numbers, shape (n, k).

        Parameters
        ----------
        columns : slice
        names : str
            What they are, for messages.
        empty : bool
            All columns of a row may have no number.
        most : float
            Largest magnitude of a number.

        Raises
        ------
        InputError
            One is missing, not finite, or larger.
        """
        values = self.values[:, columns]
        good = (np.abs(values) <= most).all(axis=1)
        if empty:
            good |= np.isnan(values).all(axis=1)
        self.refuse(~good, f'{names} must be finite, and {most:.0e} at most')
        return values

    def shares(self, column: int, name: str, *, empty: bool = False) -> np.ndarray:
        """Return a column of numbers within 0 and 1, shape (n,).

        Raises
        ------
        InputError
            One is none, unless it is `empty` and may be.
        """
        values = self.values[:, column]
        good = ((values >= 0) & (values <= 1)) | (empty & np.isnan(values))
        self.refuse(~good, f'{name} must be within 0 and 1')
        return values


def read_rows(path: Path, header: Sequence[str]) -> list[list[str]]:
    """Read the rows of a CSV file below its header, which stands in line 1.

    Raises
    ------
    InputError
        It cannot be read, has another header, or a row has not as many fields.
    """
    lines = csv.reader(io.StringIO(read_text(path, 'table'), newline=''))
    rows: list[list[str]] = []
    try:
        if next(lines, None) != list(header):
            raise InputError(f"{path} does not begin with '{','.join(header)}'")
        for row in lines:
            if len(row) != len(header):
                raise InputError(
                    f'{path}, line {len(rows) + 2}: {len(row)} fields instead of {len(header)}'
                )
            rows.append(row)
    except csv.Error as error:
        raise InputError(f'{path}, line {len(rows) + 2}: {error}') from error
    return rows


def as_numbers(path: Path, rows: Sequence[Sequence[str]]) -> NumberTable:
    """Take rows of as many fields each, from line 2 on, for numbers; empty fields are NaN.

    Raises
    ------
    InputError
        A field is no number.
    """
    values = [_floats(path, number, row) for number, row in enumerate(rows, 2)]
    width = len(rows[0]) if rows else 0
    return NumberTable(path, np.array(values).reshape(len(rows), width), 2 + np.arange(len(rows)))


def read_columns(
    path: Path, what: str, least: int, most: int | None = None, comma: bool = False
) -> NumberTable:
    """Read numbers between spaces; blank lines may occur.

    Parameters
    ----------
    path : Path
    what : str
        The file is, in the words of messages.
    least : int
        Numbers that each line must have.
    most : int, optional
        Columns that are returned, those that are missing NaN; otherwise all lines must have
        equally many, and all are returned.
    comma : bool
        Commas stand between numbers, too.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    rows: list[list[float]] = []
    lines: list[int] = []
    for number, line in enumerate(read_text(path, what, foreign=True).splitlines(), 1):
        fields = (line.replace(',', ' ') if comma else line).split()
        if not fields:
            continue
        row = _floats(path, number, fields[:most])
        if len(row) < least:
            raise InputError(
                f'{path}, line {number}: {len(row)} numbers, at least {least} are needed'
            )
        if most is not None:
            row += [np.nan] * (most - len(row))
        elif rows and len(row) != len(rows[0]):
            raise InputError(
                f'{path}, line {number}: {len(row)} numbers, those above have {len(rows[0])}'
            )
        rows.append(row)
        lines.append(number)
    width = len(rows[0]) if rows else most or least
    return NumberTable(path, np.array(rows).reshape(len(rows), width), np.array(lines, int))


def _floats(path: Path, number: int, fields: Sequence[str]) -> list[float]:
    try:
        return [float(field) if field else np.nan for field in fields]
    except ValueError as error:
        raise InputError(f'{path}, line {number}: not numbers') from error
