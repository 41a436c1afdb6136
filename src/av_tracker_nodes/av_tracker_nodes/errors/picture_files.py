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

"""Pictures from elsewhere, decoded within limits.

How many pixels a picture may have is looked at before memory is taken for them. OpenCV does so
itself, with the limit that :mod:`av_tracker_nodes` sets; where OpenCV was loaded first, it has a
higher one, so that pictures of the usual kinds are measured here, too.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import MEGABYTE, read_bytes

_LARGEST = 256 * MEGABYTE
_PNG_BEGIN, _JPEG_BEGIN, _JPEG_SCAN = b'\x89PNG', b'\xff\xd8', b'\xff\xda'
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
"""Markers of JPEG that nothing belongs to."""
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG that tell height and width."""
_MOST_SCANS = 100
"""A progressive JPEG has about ten; each goes over all pixels, however few bytes it has."""

_TOO_LARGE = 'it is too large'


def decode_image(data: bytes, flags: int | None = None) -> np.ndarray:
    """Decode a picture.

    Parameters
    ----------
    data : bytes
        Of a kind that OpenCV knows, such as JPEG and PNG.
    flags : int, optional
        Those of ``cv2.imdecode``; of 8 bits, blue, green, red where left out.

    Raises
    ------
    InputError
        It is damaged or too large, or no picture.
    """
    # Here, since those who read other files need no OpenCV.
    import cv2

    flags = cv2.IMREAD_COLOR if flags is None else flags
    if data.startswith(_JPEG_BEGIN) and data.count(_JPEG_SCAN) > _MOST_SCANS:
        raise InputError(f'it is a JPEG of more than {_MOST_SCANS} scans')
    if data.startswith(_PNG_BEGIN) and _is_cut_off(data):
        raise InputError('it is cut off')
    if _pixels(data) > int(os.environ['OPENCV_IO_MAX_IMAGE_PIXELS']):
        raise InputError(_TOO_LARGE)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as error:
        reason = _TOO_LARGE if 'CV_IO_MAX_IMAGE' in error.err else error.err
        raise InputError(reason) from error
    if image is None:
        raise InputError('it is damaged, or no JPEG, PNG or WebP')
    return image


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture (BGR) from a file.

    Raises
    ------
    InputError
        It cannot be read, is damaged or too large, or no picture.
    """
    data = read_bytes(path, 'picture', _LARGEST)
    try:
        return decode_image(data)
    except InputError as error:
        raise InputError(f'{path} is not a readable picture: {error}') from error


def _is_cut_off(png: bytes) -> bool:
    """Tell whether a chunk of a PNG is longer than what follows: OpenCV takes memory for it."""
    place = 8
    while place + 8 <= len(png):
        length, kind = struct.unpack('>I4s', png[place : place + 8])
        place += 12 + length
        if kind == b'IEND':
            break
    return place > len(png)


def _pixels(data: bytes) -> int:
    """Return how many pixels a PNG or JPEG says to have; 0 where it says nothing."""
    if data.startswith(_PNG_BEGIN) and len(data) >= 24:
        width, height = struct.unpack('>II', data[16:24])
        return width * height
    return _jpeg_pixels(data) if data.startswith(_JPEG_BEGIN) else 0


def _jpeg_pixels(data: bytes) -> int:
    # As libjpeg reads: what lies between segments is passed over.
    place = data.find(b'\xff', 2)
    while 0 <= place <= len(data) - 9:
        marker = data[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack('>HH', data[place + 5 : place + 9])
            return width * height
        if marker in (0x00, 0xFF):
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], 'big')
        place = data.find(b'\xff', place)
    return 0
