# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Messages of images and of depth images."""

from __future__ import annotations

import cv2
import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.messages.standard import make, make_header, stamp_of
from av_tracker_nodes.types import NANOSECONDS, ImageFrame

# Encoding: numbers a pixel, their type, and how OpenCV makes blue-green-red of them.
_ENCODINGS = {
    'bgr8': (3, np.uint8, None),
    'rgb8': (3, np.uint8, cv2.COLOR_RGB2BGR),
    'bgra8': (4, np.uint8, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, np.uint8, cv2.COLOR_RGBA2BGR),
    'mono8': (1, np.uint8, cv2.COLOR_GRAY2BGR),
    'mono16': (1, np.uint16, cv2.COLOR_GRAY2BGR),
    'yuv422': (2, np.uint8, cv2.COLOR_YUV2BGR_UYVY),
    'uyvy': (2, np.uint8, cv2.COLOR_YUV2BGR_UYVY),
    'yuv422_yuy2': (2, np.uint8, cv2.COLOR_YUV2BGR_YUY2),
    'yuyv': (2, np.uint8, cv2.COLOR_YUV2BGR_YUY2),
}

# Type and unit (m) of depth images.
_DEPTH_ENCODINGS = {
    '16UC1': (np.uint16, 1e-3),
    'mono16': (np.uint16, 1e-3),
    '32FC1': (np.float32, 1.0),
}


def to_image(frame: ImageFrame, frame_id: str) -> object:
    """Make a ``sensor_msgs/Image`` (bgr8)."""
    height, width = frame.image.shape[:2]
    return make(
        'sensor_msgs/msg/Image',
        header=make_header(frame.stamp, frame_id),
        height=height,
        width=width,
        encoding='bgr8',
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(frame.image).ravel(),
    )


def to_compressed_image(frame: ImageFrame, frame_id: str, quality: int) -> object:
    """Make a ``sensor_msgs/CompressedImage`` (JPEG of a quality of 1..100)."""
    _, data = cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return make(
        'sensor_msgs/msg/CompressedImage',
        header=make_header(frame.stamp, frame_id),
        format='bgr8; jpeg compressed bgr8',
        data=data.ravel(),
    )


def from_image(message: object) -> ImageFrame:
    """Read a ``sensor_msgs/Image`` or ``sensor_msgs/CompressedImage``.

    16-bit grey is scaled to 8 bits.

    Raises
    ------
    InputError
        For another encoding, or data that do not make an image.
    """
    stamp = stamp_of(message.header)
    if not hasattr(message, 'encoding'):
        data = np.frombuffer(memoryview(message.data), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is None:
            raise InputError(f'compressed image at {stamp / NANOSECONDS:.3f} s cannot be decoded')
        return ImageFrame(stamp, image)
    if message.encoding not in _ENCODINGS:
        raise InputError(
            f"image encoding '{message.encoding}' is not supported; use one of "
            f'{", ".join(_ENCODINGS)}'
        )
    channels, kind, conversion = _ENCODINGS[message.encoding]
    pixels = _pixels(message, channels, kind)
    if kind == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    image = pixels if conversion is None else cv2.cvtColor(pixels, conversion)
    return ImageFrame(stamp, np.ascontiguousarray(image))


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
    depth = _pixels(message, 1, kind)[..., 0]
    return stamp_of(message.header), np.float32(metres) * depth.astype(np.float32)


def _pixels(message: object, channels: int, kind: type) -> np.ndarray:
    """Numbers of an image, shape (height, width, channels)."""
    data = np.frombuffer(memoryview(message.data), np.uint8)
    width = message.width * channels * np.dtype(kind).itemsize
    if message.step < width or data.size < message.step * message.height:
        stamp = stamp_of(message.header)
        raise InputError(f'image at {stamp / NANOSECONDS:.3f} s is shorter than its header says')
    rows = data[: message.step * message.height].reshape(message.height, message.step)
    numbers = np.ascontiguousarray(rows[:, :width]).view(kind)
    if message.is_bigendian and numbers.itemsize > 1:
        numbers = numbers.byteswap()
    return numbers.reshape(message.height, message.width, channels)
