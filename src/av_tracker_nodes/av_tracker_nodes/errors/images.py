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

How many pixels a picture may have is looked at before memory is taken for them; OpenCV does so
itself, with the limit that :mod:`av_tracker_nodes` sets.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import MEGABYTE, read_bytes

_LARGEST = 256 * MEGABYTE
_JPEG_BEGIN, _JPEG_SCAN = b'\xff\xd8', b'\xff\xda'
_MOST_SCANS = 100
"""A progressive JPEG has about ten; each goes over all pixels, however few bytes it has."""


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
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as error:
        reason = 'it is too large' if 'CV_IO_MAX_IMAGE' in error.err else error.err
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
