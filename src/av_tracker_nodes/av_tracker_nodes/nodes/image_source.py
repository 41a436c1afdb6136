# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Images from a device, a file, a folder or a URL, by OpenCV."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes.errors import InputError

_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.ppm', '.tif', '.tiff')
_OLDEST = 1.0


class ImageSource:
    """Reads images one by one, in real time.

    Parameters
    ----------
    name : str
        Index or path of a V4L2 device, a video, a folder of images, or a URL.
    size : tuple of int
        Width and height asked of a device.
    frame_rate : float
        Frames a second asked of a device, and kept when reading files.

    Attributes
    ----------
    is_live : bool
        Whether images come by themselves (a device or a URL).

    Raises
    ------
    InputError
        When it cannot be opened.
    """

    def __init__(self, name: str, size: tuple[int, int], frame_rate: float) -> None:
        self._name, self._size, self._rate = name, size, frame_rate
        self._is_device = name.isdigit() or name.startswith('/dev/')
        self.is_live = self._is_device or '://' in name
        self._next = time.monotonic()
        self._capture: cv2.VideoCapture | None = None
        self._files: Iterator[Path] | None = None
        if Path(name).is_dir():
            files = sorted(f for f in Path(name).iterdir() if f.suffix.lower() in _SUFFIXES)
            if not files:
                raise InputError(f'no images in {name} (looked for {", ".join(_SUFFIXES)})')
            self._files = iter(files)
        elif not self.reopen():
            raise InputError(f"cannot open camera or video '{name}'")

    def reopen(self) -> bool:
        """Open the device, video or URL anew; tell whether that worked."""
        self.close()
        if self._is_device:
            index = int(self._name) if self._name.isdigit() else self._name
            self._capture = cv2.VideoCapture(index, cv2.CAP_V4L2)
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
            self._capture.set(cv2.CAP_PROP_FPS, self._rate)
        else:
            self._capture = cv2.VideoCapture(self._name)
        return self._capture.isOpened()

    def close(self) -> None:
        """Close the device or file."""
        if self._capture is not None:
            self._capture.release()

    def read(self, stopped: threading.Event) -> tuple[np.ndarray, float] | None:
        """Return the next image (blue, green, red) and its age (s), None when there is none."""
        if not self.is_live:
            self._next = max(self._next + 1 / self._rate, time.monotonic() - 1 / self._rate)
            stopped.wait(max(self._next - time.monotonic(), 0.0))
        if self._files is not None:
            path = next(self._files, None)
            image = None if path is None else cv2.imread(str(path))
        else:
            _, image = self._capture.read()
        return None if image is None else (image, self._age())

    def _age(self) -> float:
        """Time since the driver took the image, where V4L2 tells it; else 0."""
        if not self._is_device:
            return 0.0
        age = time.monotonic() - self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        return age if 0 <= age < _OLDEST else 0.0
