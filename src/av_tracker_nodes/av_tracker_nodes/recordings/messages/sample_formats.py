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

"""Samples as drivers write them: integers of 8 to 32 bits and floats, in either order of bytes.

Formats have the names of GStreamer: ``S24LE`` has three bytes a sample, ``S24_32LE`` has four.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.errors import InputError

_TYPES = {
    'S8': 'i1',
    'U8': 'u1',
    'S16LE': '<i2',
    'S16BE': '>i2',
    'S32LE': '<i4',
    'S32BE': '>i4',
    'F32LE': '<f4',
    'F32BE': '>f4',
    'F64LE': '<f8',
    'F64BE': '>f8',
    'FLOAT32LE': '<f4',
}
# Bytes of a sample, and which of them hold it, the least significant one first.
_24_BITS = {
    'S24LE': (3, [0, 1, 2]),
    'S24_3LE': (3, [0, 1, 2]),
    'S24BE': (3, [2, 1, 0]),
    'S24_32LE': (4, [0, 1, 2]),
    'S24_32BE': (4, [3, 2, 1]),
}
SAMPLE_FORMATS = (*_TYPES, *_24_BITS)


def sample_size(sample_format: str) -> int:
    """Bytes of a sample.

    Raises
    ------
    InputError
        The format is unknown.
    """
    name = sample_format.upper()
    if name in _24_BITS:
        return _24_BITS[name][0]
    if name not in _TYPES:
        raise InputError(
            f"audio encoding '{sample_format}' is not supported; use one of "
            f'{", ".join(SAMPLE_FORMATS)}'
        )
    return np.dtype(_TYPES[name]).itemsize


def to_samples(data: object, sample_format: str, channels: int) -> np.ndarray:
    """Read interleaved samples.

    Parameters
    ----------
    data : bytes-like
    sample_format : str
        One of `SAMPLE_FORMATS`, in capitals or not.
    channels : int

    Returns
    -------
    np.ndarray, shape (n, channels), float32
        In [-1, 1]; those of floats as they are.

    Raises
    ------
    InputError
        The format is unknown, or the data do not make whole samples of all channels.
    """
    octets = np.frombuffer(memoryview(data), np.uint8)
    size = sample_size(sample_format)
    if channels < 1 or octets.size % (size * channels):
        raise InputError(
            f'{octets.size} bytes do not make samples of {channels} channels of {sample_format}'
        )
    return _decode(octets, sample_format.upper()).reshape(-1, channels)


def _decode(octets: np.ndarray, name: str) -> np.ndarray:
    if name in _24_BITS:
        size, places = _24_BITS[name]
        wide = np.zeros((octets.size // size, 4), np.uint8)
        wide[:, 1:] = octets.reshape(-1, size)[:, places]
        return _scaled(wide.view('<i4'))
    values = octets.view(_TYPES[name])
    if values.dtype.kind == 'f':
        return values.astype(np.float32)
    if values.dtype.kind == 'u':
        values = (values ^ 0x80).view(np.int8)
    return _scaled(values)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Bring signed integers to [-1, 1)."""
    full = 2.0 ** (8 * values.itemsize - 1)
    return values.astype(np.float32) * np.float32(1 / full)
