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

"""Captured images, and the interface of what they come from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np


@dataclass(frozen=True)
class CapturedImage:
    """An image and when it was taken.

    Attributes
    ----------
    image : np.ndarray, shape (height, width, 3), uint8
        Blue, green, red.
    taken : float
        Steady time, ``time.monotonic()`` (s): of the capture where the source tells it, else of
        the arrival.
    jpeg : bytes or None
        The image as it came, where it came as JPEG.
    """

    image: np.ndarray
    taken: float
    jpeg: bytes | None = None


class ImageSource(Protocol):
    """Something that images come from.

    Attributes
    ----------
    is_live : bool
        Whether images come by themselves, and go on after an interruption.
    frame_rate : float
        At which a recording is to be played (images a second); 0 for a live source.
    facts : dict
        What the driver made of what was asked of it.
    """

    is_live: bool
    frame_rate: float
    facts: dict[str, object]

    def open(self) -> None:
        """Open it, or open it anew.

        Raises
        ------
        InputError
            When that is not possible.
        """

    def read(self) -> CapturedImage | None:
        """Wait for the next image; None at the end, or when the source is cut off."""

    def close(self) -> None:
        """Let go of the device or file."""


class OpenCvSource:
    """A source that OpenCV reads; `open` of derived classes makes the capture."""

    def __post_init__(self) -> None:
        self.facts: dict[str, object] = {}
        self._capture: cv2.VideoCapture | None = None

    def read(self) -> CapturedImage | None:
        """Wait for the next image."""
        arrived, image = self._capture.read()
        return CapturedImage(image, self._taken()) if arrived else None

    def close(self) -> None:
        """Release the device, the stream or the file."""
        if self._capture is not None:
            self._capture.release()

    def _taken(self) -> float:
        """Steady time (s) of the image just read: that of its arrival."""
        return time.monotonic()
