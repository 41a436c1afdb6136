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

"""MAT files of corpora, of Level 5 and 4, as "MAT-File Format" of The MathWorks describes them.

SciPy believes what a file says of its sizes, and a damaged one ends the process or asks for all
its memory. Here nothing is taken to be larger than what is there: numbers, texts, cells and
structs are read, and whatever else a variable holds is left out.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings import read_bytes

_LARGEST = 32_000_000
"""Bytes of a file, and of what is compressed in it."""
_MOST_PARTS, _MOST_ROWS = 100_000, 10_000
"""Cells and fields of structs in a file, and lines of a text."""
_DEEPEST, _MOST_DIMENSIONS = 16, 32
_HEADER, _TAG = 128, 8
_MATRIX, _COMPRESSED = 14, 15
_STORED = {
    1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 9: 'f8', 12: 'i8', 13: 'u8',
    16: 'u1', 17: 'u2', 18: 'u4',
}  # fmt: skip
"""Types of numbers and letters on disk."""
_CELL, _STRUCT, _CHARS = 1, 2, 4
_COMPLEX = 0x0800
_CLASSES = {
    6: 'f8', 7: 'f4', 8: 'i1', 9: 'u1', 10: 'i2', 11: 'u2', 12: 'i4', 13: 'u4', 14: 'i8', 15: 'u8',
}  # fmt: skip
"""Types of numbers in memory."""
_LEVEL_4 = 'f8', 'f4', 'i4', 'i2', 'u2', 'u1'


class _DamagedError(Exception):
    """The file is no MAT file, or says of itself what cannot be."""


def load_mat(path: Path) -> dict[str, Any]:
    """Read the variables of a MAT file.

    Returns
    -------
    dict
        Arrays without dimensions of 1, numbers where nothing else is left; texts; structs as
        objects with attributes, several in arrays of objects, as cells are. None for other kinds.

    Raises
    ------
    InputError
        When the file is missing or unreadable.
    """
    if not path.exists():
        raise InputError(f'calibration file {path.name} is missing in {path.parent}')
    content = read_bytes(path, 'MAT file', _LARGEST)
    try:
        return dict(_level_4(content) if 0 in content[:4] else _level_5(content))
    except (_DamagedError, zlib.error) as error:
        raise InputError(f'{path} is not a readable MAT file: {error}') from error


def numbers_of(path: Path, name: str, value: object) -> np.ndarray:
    """Take what a file holds under a name for finite numbers.

    Raises
    ------
    InputError
        It is something else.
    """
    try:
        numbers = np.asarray(value, float)
    except (TypeError, ValueError) as error:
        raise InputError(f'{path}: {name} is no matrix of numbers') from error
    if not np.isfinite(numbers).all():
        raise InputError(f'{path}: {name} has numbers that are not finite')
    return numbers


def _level_5(content: bytes) -> Iterator[tuple[str, Any]]:
    order = {b'IM': '<', b'MI': '>'}.get(content[126:_HEADER])
    if order is None:
        raise _DamagedError('it does not begin as one')
    if content[124:126] in (b'\x00\x02', b'\x02\x00'):
        raise _DamagedError('it is of version 7.3; save it anew with -v7')
    left, parts = _LARGEST, iter(range(_MOST_PARTS))
    elements = _Elements(content[_HEADER:], order, parts)
    while elements:
        kind, data = elements.take()
        if kind == _COMPRESSED:
            plain = zlib.decompressobj().decompress(data, left)
            left -= len(plain)
            if left <= 0:
                raise _DamagedError(f'it holds more than {_LARGEST // 1_000_000} MB')
            kind, data = _Elements(plain, order, parts).take()
        if kind == _MATRIX:
            yield _array(_Elements(data, order, parts), 0)


class _Elements:
    """Data elements, one after the other; `parts` counts those that the file may still have."""

    def __init__(self, data: bytes | memoryview, order: str, parts: Iterator[int]) -> None:
        self.order, self.parts = order, parts
        self._rest = memoryview(data)

    def __len__(self) -> int:
        return len(self._rest)

    def take(self) -> tuple[int, memoryview]:
        """Return the kind of the next element, and its data."""
        if len(self) < _TAG:
            raise _DamagedError('it is cut off')
        first, size = np.frombuffer(self._rest[:_TAG], f'{self.order}u4').tolist()
        begin, kind = _TAG, first
        if first >> 16:
            # Four bytes or less stand in the tag itself.
            begin, size, kind = _TAG // 2, first >> 16, first & 0xFFFF
            if size > _TAG // 2:
                raise _DamagedError('a small element is not small')
        if begin + size > len(self):
            raise _DamagedError('it is cut off')
        data = self._rest[begin : begin + size]
        padding = 0 if kind == _COMPRESSED else -(begin + size) % _TAG
        self._rest = self._rest[begin + size + padding :]
        return kind, data

    def numbers(self) -> np.ndarray:
        """Take an element of numbers or letters."""
        kind, data = self.take()
        if kind not in _STORED:
            raise _DamagedError(f'numbers are of kind {kind}')
        stored = np.dtype(self.order + _STORED[kind])
        if len(data) % stored.itemsize:
            raise _DamagedError('a number is cut off')
        return np.frombuffer(data, stored)

    def text(self) -> str:
        """Take an element of letters of one byte."""
        return bytes(self.take()[1]).decode('latin-1')


def _array(elements: _Elements, depth: int) -> tuple[str, Any]:
    """Read the name and the value of an array."""
    if not elements:
        return '', np.zeros(0)
    if depth > _DEEPEST:
        raise _DamagedError('it is nested too deeply')
    flags, shape = elements.numbers(), tuple(elements.numbers().tolist())
    name = elements.text()
    is_shape = len(shape) <= _MOST_DIMENSIONS and all(isinstance(n, int) and n >= 0 for n in shape)
    if not flags.size or not is_shape:
        raise _DamagedError(f'{name} has no shape')
    kind, count = int(flags[0]) & 0xFF, math.prod(shape)
    if kind == _CHARS:
        return name, _texts(elements.numbers(), shape)
    if kind in _CLASSES and not int(flags[0]) & _COMPLEX:
        values = elements.numbers()
        if len(values) != count:
            raise _DamagedError(f'{name} has {len(values)} values instead of {count}')
        return name, _squeezed(values.astype(_CLASSES[kind]), shape)
    if kind == _CELL:
        return name, _squeezed(_filled(count, lambda: _part(elements, depth)), shape)
    if kind == _STRUCT:
        names = _field_names(elements)
        return name, _squeezed(_filled(count, lambda: _fields(elements, names, depth)), shape)
    return name, None


def _filled(count: int, read: Callable[[], Any]) -> np.ndarray:
    """Read the parts of a cell array or of an array of structs, shape (count,), object."""
    if count > _MOST_PARTS:
        raise _DamagedError(f'{count} parts are too many')
    parts = np.empty(count, object)
    for k in range(count):
        parts[k] = read()
    return parts


def _fields(elements: _Elements, names: list[str], depth: int) -> SimpleNamespace:
    return SimpleNamespace(**{name: _part(elements, depth) for name in names})


def _part(elements: _Elements, depth: int) -> Any:
    if next(elements.parts, None) is None:
        raise _DamagedError(f'it has more than {_MOST_PARTS} parts')
    kind, data = elements.take()
    if kind != _MATRIX:
        raise _DamagedError(f'an array is of kind {kind}')
    return _array(_Elements(data, elements.order, elements.parts), depth + 1)[1]


def _field_names(elements: _Elements) -> list[str]:
    length, text = elements.numbers(), elements.text()
    if length.size != 1 or length[0] < 1:
        raise _DamagedError('names of fields have no length')
    step = int(length[0])
    return [text[k : k + step].partition('\0')[0] for k in range(0, len(text), step)]


def _squeezed(values: np.ndarray, shape: tuple[int, ...]) -> Any:
    """Give values, column by column, their shape, less the dimensions of 1."""
    if not values.size:
        return np.zeros(0)
    kept = values.reshape([n for n in shape if n != 1], order='F')
    return kept if kept.shape else kept.item()


def _texts(letters: np.ndarray, shape: tuple[int, ...]) -> str | list[str] | None:
    """Return the lines of a text; None where letters have more bytes than one, or lines abound."""
    if not letters.size:
        return ''
    if letters.size != math.prod(shape) or shape[0] > _MOST_ROWS:
        return None
    rows = letters.astype('<u4').reshape(shape[0], -1, order='F')
    texts = [row.tobytes().decode('utf-32-le', 'replace') for row in rows]
    return texts[0] if len(texts) == 1 else texts


def _level_4(content: bytes) -> Iterator[tuple[str, Any]]:
    """Read matrices of numbers, each behind a header of five numbers and its name."""
    rest = memoryview(content)
    # The first number is below 5000.
    order = '<' if content[2:4] == b'\0\0' else '>'
    header = np.dtype(f'{order}i4')
    while rest:
        if len(rest) < 5 * header.itemsize:
            raise _DamagedError('it is cut off')
        numbers = np.frombuffer(rest[: 5 * header.itemsize], header).tolist()
        rest = rest[5 * header.itemsize :]
        kind, rows, columns, is_complex, length = numbers
        form, precision, matrix = kind // 1000, kind // 10 % 10, kind % 10
        plain = form == (order == '>') and kind // 100 % 10 == 0 and precision < len(_LEVEL_4)
        if not plain or matrix > 2 or min(rows, columns, length) < 0:
            raise _DamagedError('it does not begin as one')
        stored = np.dtype(order + _LEVEL_4[precision])
        size = rows * columns * stored.itemsize * (2 if is_complex else 1)
        if length + size > len(rest):
            raise _DamagedError('it is cut off')
        name = bytes(rest[:length]).partition(b'\0')[0].decode('latin-1')
        values = np.frombuffer(rest[length : length + rows * columns * stored.itemsize], stored)
        rest = rest[length + size :]
        yield name, _squeezed(values.astype(float), (rows, columns)) if matrix == 0 else None
