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

"""Images from a camera, a video, a folder or an address, one after the other."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from av_tracker_nodes.capture.image_source import CapturedImage, ImageSource, OpenCvSource
from av_tracker_nodes.capture.mjpeg import HttpImages
from av_tracker_nodes.capture.network_video import NetworkVideo
from av_tracker_nodes.capture.source_clock import SourceClock
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import check_file
from av_tracker_nodes.errors.picture_files import read_image

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.ppm', '.pgm', '.tif', '.tiff')

_FOLDER_RATE = 25.0
_MANUAL_EXPOSURE, _AUTOMATIC_EXPOSURE = 1, 3
_EXPOSURE_UNIT = 1e-4
"""V4L2_CID_EXPOSURE_ABSOLUTE counts in 100 microseconds."""
_TOLERANCE = 0.05


@dataclass(frozen=True)
class ImageSettings:
    """What is asked of a camera; a driver may do otherwise.

    Attributes
    ----------
    size : tuple of int or None
        Width and height (pixels).
    frame_rate : float
        Images a second; 0 leaves the choice to the camera.
    exposure : float
        Seconds; 0 for automatic exposure.
    pixel_format : str
        Four characters of V4L2, such as MJPG or YUYV; empty leaves the choice to the driver.
    """

    size: tuple[int, int] | None = None
    frame_rate: float = 0.0
    exposure: float = 0.0
    pixel_format: str = ''


def image_source(name: str, settings: ImageSettings | None = None) -> ImageSource:
    """Choose the source of a name; it is not opened yet.

    Parameters
    ----------
    name : str
        Index or path of a V4L2 device (links such as those in ``/dev/v4l/by-id`` too), a video, a
        folder of images, or an address: ``rtsp://``, or ``http://`` of a camera that sends MJPEG.
    settings : ImageSettings, optional

    Raises
    ------
    InputError
        When the name is empty or a folder or file does not exist.
    """
    settings = settings or ImageSettings()
    if name.isdigit() or name.startswith('/dev/'):
        return V4l2Camera(name, settings)
    if re.match('https?://', name):
        return HttpImages(name)
    if '://' in name:
        return NetworkVideo(name)
    if Path(name).is_dir():
        return ImageFolder(Path(name), settings.frame_rate or _FOLDER_RATE)
    if Path(name).is_file():
        return VideoFile(Path(name), settings.frame_rate)
    raise InputError(
        f"there is no camera or video '{name}'; give the path of a V4L2 device, a video, a folder "
        f'of images, or an address. {describe_devices()}'
    )


@dataclass
class V4l2Camera(OpenCvSource):
    """A camera of this machine; the driver tells when an image was taken."""

    name: str
    settings: ImageSettings = field(default_factory=ImageSettings)
    is_live = True
    frame_rate = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._clock = SourceClock()

    def open(self) -> None:
        """Open the device and ask for the settings."""
        self.close()
        path = f'/dev/video{int(self.name)}' if self.name.isdigit() else self.name
        if not os.path.exists(path):
            raise InputError(f"there is no camera '{self.name}'. {describe_devices()}")
        self._capture = cv2.VideoCapture(os.path.realpath(path), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise InputError(
                f"cannot open camera '{self.name}': another program uses it, you may not read it "
                f'(group video), or it is not a camera. {describe_devices()}'
            )
        self._clock = SourceClock()
        self.facts = self._configure(self._capture)

    def _taken(self) -> float:
        written = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        return self._clock.steady_time(written) if written > 0 else super()._taken()

    def _configure(self, capture: cv2.VideoCapture) -> dict[str, object]:
        """Ask the driver for the settings; return what it makes of them."""
        for setting, value in self.wishes():
            capture.set(setting, value)
        granted = {
            'width': round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            'height': round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            'frame rate': round(capture.get(cv2.CAP_PROP_FPS), 3),
            'exposure (s)': round(capture.get(cv2.CAP_PROP_EXPOSURE) * _EXPOSURE_UNIT, 6),
        }
        wanted = {
            'frame rate': self.settings.frame_rate,
            'exposure (s)': self.settings.exposure,
        }
        refused = [
            f'{name} {value:g}'
            for name, value in wanted.items()
            if value and abs(granted[name] - value) > _TOLERANCE * value
        ]
        return granted | ({'refused by the driver': ', '.join(refused)} if refused else {})

    def wishes(self) -> Iterator[tuple[int, float]]:
        """Properties of OpenCV that the driver is asked for, in the order that it needs."""
        # The format decides which sizes there are, and both decide which rates.
        wanted = self.settings
        if wanted.pixel_format:
            yield cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*wanted.pixel_format)
        if wanted.size is not None:
            yield cv2.CAP_PROP_FRAME_WIDTH, wanted.size[0]
            yield cv2.CAP_PROP_FRAME_HEIGHT, wanted.size[1]
        if wanted.frame_rate:
            yield cv2.CAP_PROP_FPS, wanted.frame_rate
        if wanted.exposure:
            yield cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL_EXPOSURE
            yield cv2.CAP_PROP_EXPOSURE, wanted.exposure / _EXPOSURE_UNIT
        else:
            yield cv2.CAP_PROP_AUTO_EXPOSURE, _AUTOMATIC_EXPOSURE


@dataclass
class VideoFile(OpenCvSource):
    """A video; `frame_rate` 0 is replaced by the one in the file."""

    path: Path
    frame_rate: float = 0.0
    is_live = False

    def open(self) -> None:
        """Open the file at its beginning."""
        self.close()
        self._capture = cv2.VideoCapture(str(check_file(self.path, 'video')))
        if not self._capture.isOpened():
            raise InputError(f'{self.path} is not a video that OpenCV can read')
        self.frame_rate = self.frame_rate or self._capture.get(cv2.CAP_PROP_FPS) or _FOLDER_RATE


@dataclass
class ImageFolder:
    """The images of a folder, in the order of their names."""

    path: Path
    frame_rate: float = _FOLDER_RATE
    is_live = False

    def __post_init__(self) -> None:
        self.facts: dict[str, object] = {}
        self._files: Iterator[Path] = iter(())

    def open(self) -> None:
        """List the folder."""
        files = sorted(f for f in self.path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES)
        if not files:
            raise InputError(f'no images in {self.path} (looked for {", ".join(IMAGE_SUFFIXES)})')
        self._files = iter(files)

    def read(self) -> CapturedImage | None:
        """Return the next image."""
        path = next(self._files, None)
        if path is None:
            return None
        return CapturedImage(read_image(path), time.monotonic())

    def close(self) -> None:
        """Do nothing: no file stays open."""


def describe_devices(root: Path = Path('/')) -> str:
    """Say which V4L2 devices there are: index, path, name, and links by id."""
    links: dict[str, str] = {}
    for link in sorted(root.glob('dev/v4l/by-id/*')):
        links.setdefault(link.resolve().name, f'/dev/v4l/by-id/{link.name}')
    devices = []
    for device in sorted(root.glob('sys/class/video4linux/video*'), key=_number):
        name = (device / 'name').read_text().strip() if (device / 'name').is_file() else '?'
        link = f', {links[device.name]}' if device.name in links else ''
        devices.append(f'/dev/{device.name} ({name}{link})')
    return f'There are: {"; ".join(devices)}' if devices else 'There are no V4L2 devices'


def _number(device: Path) -> int:
    return int(device.name.removeprefix('video') or 0)
