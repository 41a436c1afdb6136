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

"""Messages of images and of depth images."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.picture_files import decode_image
from av_tracker_nodes.recordings.messages.pixels import (
    ImageMemory,
    demosaic,
    pixels_of,
    to_bgr,
)
from av_tracker_nodes.recordings.messages.standard import Make, make, make_header, stamp_of
from av_tracker_nodes.types import NANOSECONDS, ImageFrame

_JPEG_BEGIN, _JPEG_SCAN, _JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'
_COLOUR = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
_DEPTH_FORMAT = 'compressedDepth'

# Type and unit (m) of depth images.
_DEPTH_ENCODINGS = {
    '16UC1': (np.uint16, 1e-3),
    'mono16': (np.uint16, 1e-3),
    '32FC1': (np.float32, 1.0),
}


def to_image(frame: ImageFrame, frame_id: str, make: Make = make) -> Any:
    """Make a ``sensor_msgs/Image`` (bgr8)."""
    height, width = frame.image.shape[:2]
    return make(
        'sensor_msgs/msg/Image',
        header=make_header(frame.stamp, frame_id, make),
        height=height,
        width=width,
        encoding='bgr8',
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(frame.image).ravel(),
    )


def to_compressed_image(frame: ImageFrame, frame_id: str, quality: int, make: Make = make) -> Any:
    """Make a ``sensor_msgs/CompressedImage`` (JPEG of a quality of 1..100)."""
    _, data = cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return make(
        'sensor_msgs/msg/CompressedImage',
        header=make_header(frame.stamp, frame_id, make),
        format='bgr8; jpeg compressed bgr8',
        data=data.ravel(),
    )


def from_image(message: object, memory: ImageMemory | None = None) -> ImageFrame:
    """Read a ``sensor_msgs/Image`` or ``sensor_msgs/CompressedImage``.

    Parameters
    ----------
    message : object
    memory : ImageMemory, optional
        Of the stream of which it is one; without, the image alone tells the range of 16-bit
        numbers.

    Raises
    ------
    InputError
        For another encoding, or data that do not make an image.
    """
    stamp = stamp_of(message.header)
    convert = to_bgr if hasattr(message, 'encoding') else _decompress
    try:
        return ImageFrame(stamp, convert(message, memory or ImageMemory()))
    except InputError as error:
        raise InputError(f'image at {stamp / NANOSECONDS:.3f} s: {error}') from error


def from_depth_image(message: object) -> tuple[int, np.ndarray]:
    """Read a depth image, a ``sensor_msgs/Image`` as REP 118 has it.

    Returns
    -------
    stamp : int
        Nanoseconds.
    depth : np.ndarray, shape (height, width), float32
        Metres along the optical axis; 0, NaN or infinite where nothing was measured.

    Raises
    ------
    InputError
        For another encoding, or data that do not make an image.
    """
    if message.encoding not in _DEPTH_ENCODINGS:
        raise InputError(
            f"depth encoding '{message.encoding}' is not supported; use one of "
            f'{", ".join(_DEPTH_ENCODINGS)}'
        )
    kind, metres = _DEPTH_ENCODINGS[message.encoding]
    depth = pixels_of(message, 1, kind)[..., 0]
    return stamp_of(message.header), np.float32(metres) * depth.astype(np.float32)


def _decompress(message: object, memory: ImageMemory) -> np.ndarray:
    """Decode JPEG, PNG or WebP to blue-green-red of 8 bits."""
    data = bytes(memoryview(message.data))
    kind = f"a compressed image ('{message.format}') that cannot be decoded"
    if _DEPTH_FORMAT in message.format:
        raise InputError(f'{kind} as a picture: it holds depth')
    if data.startswith(_JPEG_BEGIN) and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        # Some versions of OpenCV fill the rest with grey.
        raise InputError(f'{kind}: the JPEG is cut off')
    try:
        image = decode_image(data, _COLOUR)
    except InputError as error:
        raise InputError(f'{kind}: {error}') from error
    if image.dtype not in (np.uint8, np.uint16):
        raise InputError(f'{kind}: its pixels are of {image.dtype}')
    image = memory.to_8_bits(image)
    # compressed_image_transport compresses a Bayer mosaic as it is, as grey.
    source, _, stored = (part.strip() for part in message.format.partition(';'))
    is_mosaic = source.startswith('bayer_') and not stored.endswith(('bgr8', 'rgb8'))
    return demosaic(image[..., 0], source) if is_mosaic else image
