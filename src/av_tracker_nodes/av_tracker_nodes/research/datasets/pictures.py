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

"""Pictures of a recording: of a video file, or one file each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings import check_file, read_image

_RATE_TOLERANCE = 0.01


def video_pictures(path: Path, rate: float, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yield the pictures (BGR) of a video.

    Parameters
    ----------
    path : Path
    rate : float
        Frames a second that it must have.
    size : tuple of int
        Width and height that it must have (pixels).

    Raises
    ------
    InputError
        When it is unreadable, or has another rate or size.
    """
    video = cv2.VideoCapture(str(check_file(path, 'video')))
    try:
        if not video.isOpened():
            raise InputError(f'{path} is not a readable video')
        # Before a picture is decoded.
        sides = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        _check_size(path, tuple(int(video.get(side)) for side in sides), size)
        found = video.get(cv2.CAP_PROP_FPS)
        if not abs(found - rate) <= _RATE_TOLERANCE:
            raise InputError(f'{path} has {found:g} frames a second instead of {rate:g}')
        read, image = video.read()
        if not read:
            raise InputError(f'{path} is not a readable video')
        while read:
            yield image
            read, image = video.read()
    finally:
        video.release()


def numbered_pictures(folder: Path, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yield the JPEG or PNG pictures (BGR) of a folder, in the order of their names.

    Parameters
    ----------
    folder : Path
    size : tuple of int
        Width and height that they must have (pixels).

    Raises
    ------
    InputError
        When there are none, or one is unreadable or has another size.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix in ('.jpg', '.png'))
    if not paths:
        raise InputError(f'no pictures in {folder}')
    for path in paths:
        yield read_picture(path, size)


def read_picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Read a picture (BGR) of a width and height (pixels).

    Raises
    ------
    InputError
        When it is unreadable or has another size.
    """
    image = read_image(path)
    _check_size(path, image.shape[1::-1], size)
    return image


def _check_size(path: Path, found: tuple[int, int], size: tuple[int, int]) -> None:
    if found != size:
        raise InputError(f'{path} has images of {found}, not {size}')
