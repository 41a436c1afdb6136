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

"""Pixels of raw images, in the encodings that cameras send, as blue-green-red of 8 bits.

Names and layouts are those of ``sensor_msgs/image_encodings.hpp``; YUV is BT.601 of studio range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from av_tracker_nodes.errors import InputError

_BIT_DEPTHS = 8, 10, 12, 14, 16
_CLEARLY = 2.0
"""By this factor values two pixels apart are more alike where U and V take turns."""

# ROS names a Bayer pattern by its first four pixels, as OpenCV's four-letter names do.
_BAYER = {
    'rggb': cv2.COLOR_BayerRGGB2BGR,
    'bggr': cv2.COLOR_BayerBGGR2BGR,
    'gbrg': cv2.COLOR_BayerGBRG2BGR,
    'grbg': cv2.COLOR_BayerGRBG2BGR,
}
_SMALLEST_MOSAIC = 3
_UYVY, _YUYV = cv2.COLOR_YUV2BGR_UYVY, cv2.COLOR_YUV2BGR_YUY2
_YUV_444 = np.array(
    [
        [1.164, 2.018, 0.0, -1.164 * 16 - 2.018 * 128],
        [1.164, -0.391, -0.813, -1.164 * 16 + (0.391 + 0.813) * 128],
        [1.164, 0.0, 1.596, -1.164 * 16 - 1.596 * 128],
    ]
)
"""Blue, green and red from Y, U, V and 1; OpenCV has no conversion for it in studio range."""


@dataclass
class ImageMemory:
    """What the images of a stream have told about those to come.

    Cameras put 10 or 12 bits into the low bits of 16. No message says how many there are, so the
    largest value seen does, and the scale never goes back: pictures do not flicker.

    Attributes
    ----------
    bits : int
        Bits used of 16-bit numbers, as far as is known.
    packing : int or None
        OpenCV's conversion of two bytes a pixel (``8UC2``); None before a picture told it.
    """

    bits: int = _BIT_DEPTHS[0]
    packing: int | None = None

    def to_8_bits(self, pixels: np.ndarray) -> np.ndarray:
        """Scale numbers of 16 bits by the range that the stream uses."""
        if pixels.dtype == np.uint8:
            return pixels
        needed = int(pixels.max(initial=0)).bit_length()
        self.bits = max(self.bits, next(bits for bits in _BIT_DEPTHS if bits >= needed))
        return (pixels >> (self.bits - 8)).astype(np.uint8)


@dataclass(frozen=True)
class _Packed:
    """An encoding whose pixels follow each other: numbers a pixel, their type, the conversion."""

    numbers: int
    kind: type = np.uint8
    conversion: int | None = None

    def to_bgr(self, message: object, memory: ImageMemory) -> np.ndarray:
        pixels = pixels_of(message, self.numbers, self.kind)
        if self.numbers == 2 and message.width % 2:
            raise InputError(f'{message.encoding} needs an even width, not {message.width}')
        if self.numbers == 4:
            # An opaque alpha channel would pass for the range of the colours.
            pixels = np.ascontiguousarray(pixels[..., :3])
        pixels = memory.to_8_bits(pixels)
        return pixels if self.conversion is None else cv2.cvtColor(pixels, self.conversion)


def _bayer(kind: type) -> Callable[[object, ImageMemory], np.ndarray]:
    def to_bgr(message: object, memory: ImageMemory) -> np.ndarray:
        mosaic = memory.to_8_bits(pixels_of(message, 1, kind))
        return demosaic(mosaic[..., 0], message.encoding)

    return to_bgr


def demosaic(mosaic: np.ndarray, encoding: str) -> np.ndarray:
    """Colours of a Bayer mosaic, shape (height, width), of an encoding ``bayer_...``.

    Raises
    ------
    InputError
        For another encoding, or a mosaic that is too small to have colours.
    """
    pattern = encoding.removeprefix('bayer_').rstrip('0123456789')
    if pattern not in _BAYER:
        raise InputError(f"image encoding '{encoding}' is not supported: no such Bayer pattern")
    if min(mosaic.shape) < _SMALLEST_MOSAIC:
        height, width = mosaic.shape
        raise InputError(f'{encoding} of {width} x {height} pixels is too small for colours')
    return cv2.cvtColor(mosaic, _BAYER[pattern])


def _two_bytes(message: object, memory: ImageMemory) -> np.ndarray:
    """Convert ``8UC2``, YUV 4:2:2 whose name does not tell the order: the picture does."""
    pixels = pixels_of(message, 2, np.uint8)
    if message.width % 2:
        raise InputError(f'{message.encoding} needs an even width, not {message.width}')
    alternates = [_alternates(pixels[..., byte]) for byte in (0, 1)]
    if memory.packing is None and sum(alternates) == 1:
        memory.packing = _UYVY if alternates[0] else _YUYV
    if memory.packing is None:
        raise InputError(
            '8UC2 does not say which byte is luma, and the picture has too little colour to tell: '
            'have the driver send yuv422_yuy2 or uyvy'
        )
    return cv2.cvtColor(pixels, memory.packing)


def _alternates(values: np.ndarray) -> bool:
    """Tell whether U and V take turns in every row: then neighbours are the least alike."""
    if values.shape[1] <= 2:
        return False
    next_ones, second_next = (cv2.absdiff(values[:, n:], values[:, :-n]).mean() for n in (1, 2))
    return bool(next_ones > _CLEARLY * second_next)


def _nv12(conversion: int) -> Callable[[object, ImageMemory], np.ndarray]:
    def to_bgr(message: object, _: ImageMemory) -> np.ndarray:
        if message.width % 2 or message.height % 2:
            raise InputError(
                f'{message.encoding} needs even sides, not {message.width} x {message.height}'
            )
        planes = _planes(message, message.height * 3 // 2)
        return cv2.cvtColor(np.ascontiguousarray(planes[:, : message.width]), conversion)

    return to_bgr


def _nv24(message: object, _: ImageMemory) -> np.ndarray:
    height, width = message.height, message.width
    planes = _planes(message, 3 * height)
    luma, colours = planes[:height, :width], planes[height:].reshape(height, -1)[:, : 2 * width]
    return cv2.transform(np.dstack([luma, colours[:, ::2], colours[:, 1::2]]), _YUV_444)


def _planes(message: object, rows: int) -> np.ndarray:
    """Rows of luma, then of colour, shape (rows, step).

    Drivers disagree about ``step`` where no rows are padded: the size of the data decides.
    """
    data = np.frombuffer(memoryview(message.data), np.uint8)
    step = message.width if data.size == rows * message.width else message.step
    _check_size(message, data.size, message.width, step, rows)
    return data[: rows * step].reshape(rows, step)


_MONO8, _MONO16 = (_Packed(1, kind, cv2.COLOR_GRAY2BGR) for kind in (np.uint8, np.uint16))
_ENCODINGS: dict[str, Callable[[object, ImageMemory], np.ndarray]] = {
    'mono8': _MONO8.to_bgr,
    '8UC1': _MONO8.to_bgr,
    'mono16': _MONO16.to_bgr,
    '16UC1': _MONO16.to_bgr,
    **{
        name: _Packed(numbers, kind, conversion).to_bgr
        for bits, kind in ((8, np.uint8), (16, np.uint16))
        for name, numbers, conversion in (
            (f'bgr{bits}', 3, None),
            (f'rgb{bits}', 3, cv2.COLOR_RGB2BGR),
            (f'bgra{bits}', 4, None),
            (f'rgba{bits}', 4, cv2.COLOR_RGB2BGR),
            (f'{bits}UC3', 3, None),
            (f'{bits}UC4', 4, None),
        )
    },
    **{
        f'bayer_{pattern}{bits}': _bayer(kind)
        for pattern in _BAYER
        for bits, kind in ((8, np.uint8), (16, np.uint16))
    },
    'yuv422': _Packed(2, conversion=_UYVY).to_bgr,
    'uyvy': _Packed(2, conversion=_UYVY).to_bgr,
    'yuv422_yuy2': _Packed(2, conversion=_YUYV).to_bgr,
    'yuyv': _Packed(2, conversion=_YUYV).to_bgr,
    'yuy2': _Packed(2, conversion=_YUYV).to_bgr,
    '8UC2': _two_bytes,
    'nv12': _nv12(cv2.COLOR_YUV2BGR_NV12),
    'nv21': _nv12(cv2.COLOR_YUV2BGR_NV21),
    'nv24': _nv24,
}


def to_bgr(message: object, memory: ImageMemory) -> np.ndarray:
    """Convert the pixels of a ``sensor_msgs/Image``, to shape (height, width, 3), uint8.

    Raises
    ------
    InputError
        For another encoding, or data that do not make an image.
    """
    if message.encoding not in _ENCODINGS:
        raise InputError(
            f"image encoding '{message.encoding}' is not supported; use one of "
            f'{", ".join(_ENCODINGS)}'
        )
    if not (message.width and message.height):
        raise InputError(f'an image of {message.width} x {message.height} pixels')
    return np.ascontiguousarray(_ENCODINGS[message.encoding](message, memory))


def pixels_of(message: object, numbers: int, kind: type) -> np.ndarray:
    """Numbers of an image whose pixels follow each other, shape (height, width, numbers).

    Raises
    ------
    InputError
        The data are too short for them.
    """
    data = np.frombuffer(memoryview(message.data), np.uint8)
    needed = message.width * numbers * np.dtype(kind).itemsize
    _check_size(message, data.size, needed, message.step, message.height)
    rows = data[: message.step * message.height].reshape(message.height, message.step)
    values = np.ascontiguousarray(rows[:, :needed]).view(kind)
    if message.is_bigendian and values.itemsize > 1:
        values = values.byteswap()
    return values.reshape(message.height, message.width, numbers)


def _check_size(message: object, size: int, needed: int, step: int, rows: int) -> None:
    """Refuse rows that are too short for their pixels, and data that are too short for them."""
    what = f'{message.encoding} of {message.width} x {message.height} pixels'
    if step < needed:
        raise InputError(f'{what} has rows (step) of {step} bytes and needs {needed}')
    if size < step * rows:
        raise InputError(f'{what} has {size} bytes, its header says {step * rows}')
