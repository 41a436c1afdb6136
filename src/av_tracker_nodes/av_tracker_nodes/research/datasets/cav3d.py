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

"""Reader of the CAV3D corpus: one circular array with a camera above it.

Sound and pictures are joined by a table. Here the first sample of the sound is at 10 s, as in
AV16.3. Frames and pixels count from 0, here and in the files; the rows of the 3-D truth are
frames.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, Room
from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.research.datasets import av163_truth as truth
from av_tracker_nodes.research.datasets.cav3d_calibration import (
    View,
    calibration_of,
    read_positions,
    read_room,
    read_view,
)
from av_tracker_nodes.research.datasets.corpus import Corpus
from av_tracker_nodes.research.datasets.pictures import read_picture
from av_tracker_nodes.research.datasets.protocols import CAV3D
from av_tracker_nodes.research.datasets.sound_files import decimated, open_sound, read_sound
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame

AUDIO_START = 10 * NANOSECONDS
"""Stamp that the first sample is given (ns)."""
NATIVE_RATE = 96_000
AUDIO_RATE = 16_000
"""Rate that the sound is read at: speech has nothing to tell above."""
FRAME_RATE = 15
CAMERA = 5
MICROPHONES = 8
IMAGE_SIZE = 1024, 768

ROOM = Room(np.zeros(3), np.array([4.77, 5.95, 4.5]))
"""Published walls, floor and ceiling (m); the origin is a corner of the floor."""

TABLE = 'CAV3D_AVsync_content.txt'

_NAME = re.compile(r'seq(\d+)')
_READ_SECONDS = 1
_DRIFT = 0.01
_PEOPLE = ((25, 3), (22, 2))
"""From which sequence on there are how many speakers."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Synchronisation:
    """What the table says of a sequence.

    Attributes
    ----------
    first, last : int
        Frames of the video.
    start, end : float
        When they were taken, after the first sample (s).
    tracked : (int, int)
        First and last frame of the published evaluations.
    """

    first: int
    last: int
    start: float
    end: float
    tracked: tuple[int, int]


def is_sequence(folder: Path) -> bool:
    """Tell whether a folder holds a sequence of CAV3D."""
    if _NAME.fullmatch(folder.name) is None or not folder.is_dir():
        return False
    return (folder / f'{folder.name}_MA0.wav').is_file() or (folder / f'cam{CAMERA}').is_dir()


@dataclass(frozen=True)
class Cav3dSequence:
    """One recording.

    Files are read when they are asked for; whatever is missing raises an
    :class:`~av_tracker_nodes.errors.InputError` that names it.

    Attributes
    ----------
    directory : Path
    rate : int
        Samples a second of the sound that is read: 96 000, or a whole part of it.
    allow_short : bool
        As in AV16.3; here one file has all sound, and pictures are files of their own.
    """

    directory: Path
    rate: int = AUDIO_RATE
    allow_short: bool = False

    @property
    def name(self) -> str:
        """Name, which begins the names of the files."""
        return self.directory.resolve().name

    @property
    def simulated(self) -> bool:
        """Whether the simulator has written it: it writes no CAV3D."""
        return False

    @property
    def cameras(self) -> tuple[int, ...]:
        """Cameras that a sequence has: the one above the array."""
        return (CAMERA,)

    @property
    def frame_rate(self) -> int:
        """Frames a second."""
        return FRAME_RATE

    @cached_property
    def people(self) -> tuple[int, ...]:
        """Numbers of the persons: those with ground truth, else as many as are published."""
        names = (
            path.name for folder in self._truth_folders() for path in folder.glob('*.3dmouthgt')
        )
        found = (re.fullmatch(rf'{self.name}_id(\d+)\.3dmouthgt', name) for name in names)
        numbers = {int(match[1]) for match in found if match}
        published = next((count for first, count in _PEOPLE if self._number >= first), 1)
        return tuple(sorted(numbers)) or tuple(range(1, published + 1))

    @property
    def _number(self) -> int:
        return int(_NAME.fullmatch(self.name)[1])

    # Time

    @cached_property
    def synchronisation(self) -> Synchronisation:
        """Row of the table for this sequence.

        Raises
        ------
        InputError
            When the table is missing or malformed, or has no such row.
        """
        path = self._find(TABLE, 'sync')
        rows = truth.read_numbers(path, 9)
        rows = rows[rows[:, 0] == self._number]
        if len(rows) != 1:
            raise InputError(f'{path} has {len(rows)} rows for {self.name} instead of one')
        row = rows[0]
        found = Synchronisation(
            int(row[1]), int(row[2]), row[4], row[5], (int(row[7]), int(row[8]))
        )
        if not (found.first < found.last and found.start < found.end):
            raise InputError(f'{path}: the row of {self.name} does not go forward')
        rate = (found.last - found.first) / (found.end - found.start)
        if abs(rate / FRAME_RATE - 1) > _DRIFT:
            _LOG.warning('%s: %s gives %.2f frames a second', self.name, path, rate)
        return found

    @property
    def audio_start(self) -> int:
        """Stamp of the first audio sample (ns)."""
        return AUDIO_START

    def frame_numbers(self, camera: int = CAMERA) -> np.ndarray:
        """Numbers of the pictures that are there, in order, shape (n,)."""
        folder = self.directory / f'cam{_checked(camera)}'
        numbers = [int(path.stem) for path in folder.glob('*.jpg') if path.stem.isdigit()]
        if not numbers:
            raise InputError(f'no pictures in {folder}')
        return np.sort(np.array(numbers, np.int64))

    def image_stamps(self, camera: int = CAMERA) -> np.ndarray:
        """Stamps of the pictures (ns)."""
        seconds = self._seconds(self.frame_numbers(camera))
        return AUDIO_START + np.rint(NANOSECONDS * seconds).astype(np.int64)

    def _seconds(self, frames: np.ndarray) -> np.ndarray:
        """Turn frames into times after the first sample (s)."""
        table = self.synchronisation
        return table.start + (np.asarray(frames) - table.first) / FRAME_RATE

    def published_range(self, camera: int, publication: str) -> np.ndarray:
        """Tell which images are scored, shape (images,): by the table, in every publication."""
        frames = self.frame_numbers(camera)
        first, last = self.synchronisation.tracked
        return (frames >= first) & (frames <= last)

    # Sensors

    def require(self, camera: int = CAMERA) -> None:
        """Make sure that sound and pictures are there.

        Raises
        ------
        InputError
            When they are missing.
        """
        self.audio_file()
        self.frame_numbers(camera)

    def audio_file(self) -> Path:
        """Sound of the eight microphones.

        Raises
        ------
        InputError
            When it is missing.
        """
        path = self.directory / f'{self.name}_MA0.wav'
        if not path.is_file():
            raise InputError(f'sound {path.name} missing in {self.directory}')
        return path

    def audio_lengths(self) -> dict[Path, int]:
        """Count the samples of the file.

        Raises
        ------
        InputError
            When it is missing or unreadable.
        """
        with self._open_audio() as file:
            return {self.audio_file(): file.frames}

    def audio_blocks(self, samples: int | None = None) -> Iterator[AudioBlock]:
        """Yield the sound in blocks of `samples`, of 10 ms where left out.

        Raises
        ------
        InputError
            When the file is missing, has not eight channels, or has another rate than 96 kHz.
        """
        if NATIVE_RATE % self.rate:
            raise InputError(f'{self.rate} Hz is no whole part of {NATIVE_RATE} Hz')
        chunks = decimated(self._audio_chunks(), NATIVE_RATE // self.rate)
        return cut_blocks(chunks, samples or self.rate // 100, self.rate, AUDIO_START)

    def _audio_chunks(self) -> Iterator[np.ndarray]:
        with self._open_audio() as file:
            while len(chunk := read_sound(file, _READ_SECONDS * NATIVE_RATE)):
                yield chunk

    def _open_audio(self) -> soundfile.SoundFile:
        return open_sound(self.audio_file(), MICROPHONES, NATIVE_RATE)

    @property
    def microphones(self) -> MicrophoneArray:
        """The circle of microphones, in the world frame."""
        positions = read_positions(self._find('MA0_pos.mat'))
        return MicrophoneArray(positions, rate=self.rate, name='CAV3D')

    def frames(self, camera: int = CAMERA) -> Iterator[ImageFrame]:
        """Yield the pictures.

        Raises
        ------
        InputError
            When there are none, or one is unreadable or has another size than 1024 x 768.
        """
        folder = self.directory / f'cam{_checked(camera)}'
        stamps = self.image_stamps(camera).tolist()
        for number, stamp in zip(self.frame_numbers(camera), stamps, strict=True):
            yield ImageFrame(stamp, read_picture(folder / f'{number:06d}.jpg', IMAGE_SIZE))

    @cached_property
    def view(self) -> View:
        """Camera, with the map of where its model holds, of the calibration of this sequence."""
        name = calibration_of(self._number)
        return read_view(self._find(f'C{CAMERA}{name}.mat'), name)

    def camera(self, camera: int = CAMERA) -> Camera:
        """Calibrated camera in the world frame."""
        _checked(camera)
        return self.view.camera

    def rig(self, camera: int = CAMERA) -> Rig:
        """Camera and microphones in the world frame, which is also the array frame."""
        return Rig(self.camera(camera), self.microphones, room=self._room())

    def _room(self) -> Room:
        paths = self._places('CAV3D_RoomRg.mat')
        return read_room(paths[0]) if paths else ROOM

    # Truth

    def mouth(self, person: int) -> truth.TimedValues:
        """Mouth of a person (m, world) over time (s): row r of the file is frame r.

        Rows of zeros, which would be a mouth in a corner of the floor, know nothing.
        """
        rows = truth.read_numbers(self._mouth_path(person), 5, known=0)[:, 2:5]
        known = np.isfinite(rows).all(axis=1) & (rows != 0).any(axis=1)
        times = AUDIO_START / NANOSECONDS + self._seconds(np.flatnonzero(known))
        return truth.TimedValues(times, rows[known])

    def speech(self, person: int) -> None:
        """Return None: nobody has labelled who speaks."""
        return None

    def head_pose(self, person: int) -> None:
        """Return None: nobody has labelled where people look."""
        return None

    def boxes(self, person: int, camera: int) -> None:
        """Return None: no boxes have been published."""
        return None

    def image_mouth(self, person: int, camera: int = CAMERA) -> truth.ImagePoints:
        """Mouth of a person in the pictures: the 3-D truth, projected where the model holds."""
        mouth = self.mouth(person).at(self.image_stamps(camera) / NANOSECONDS)
        visible = np.zeros(len(mouth), bool)
        known = ~np.isnan(mouth).any(axis=1)
        visible[known] = self.view.sees(mouth[known])
        flags = self._field_of_view()
        numbers = self.frame_numbers(camera)
        visible &= np.array([flags.get(int(number), True) for number in numbers])
        return truth.ImagePoints(np.arange(len(mouth)), visible, self.view.camera.project(mouth))

    def _field_of_view(self) -> dict[int, bool]:
        """Read the flags of older copies by frame; none without them, or with several people."""
        paths = [folder / 'fov.txt' for folder in (self.directory / 'annotation', self.directory)]
        path = next((path for path in paths if path.is_file()), None)
        if path is None or len(self.people) > 1:
            return {}
        return {int(row[0]): row[1] > 0 for row in truth.read_numbers(path, 2)}

    def _mouth_path(self, person: int) -> Path:
        names = [f'{self.name}_id{person}.3dmouthgt']
        if person == 1:
            names.append(f'{self.name}.3dmouthgt')
        paths = (folder / name for name in names for folder in self._truth_folders())
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise InputError(f'ground truth {names[0]} missing in {self.directory}')
        return found

    def _truth_folders(self) -> list[Path]:
        root = self.directory.resolve().parent
        return [self.directory / 'annotation', self.directory, root, root / 'annotation']

    def _places(self, name: str) -> list[Path]:
        """Files of a name beside the sequences, or in a folder there."""
        root = self.directory.resolve().parent
        return [path for path in (root / name, *sorted(root.glob(f'*/{name}'))) if path.is_file()]

    def _find(self, name: str, folder: str = '') -> Path:
        places = self._places(name)
        if not places:
            root = self.directory.resolve().parent
            raise InputError(f'{Path(folder) / name} missing in {root}')
        return places[0]


def _checked(camera: int) -> int:
    if camera != CAMERA:
        raise InputError(f'no camera {camera}; that of CAV3D above the array is camera {CAMERA}')
    return camera


class Cav3d(Corpus):
    """The corpus."""

    name = CAV3D
    open = Cav3dSequence
    holds = staticmethod(is_sequence)
