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

"""A sequence of AV16.3: its sensors and truth.

All sensors share one timecode clock. The audio starts at 10 s; the first line of a timings file
says when the video of a camera starts; frames follow each other by 1/25 s. Frames and pixels are
counted from 0 here, cameras and persons from 1 as the files do.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, Room
from av_tracker_nodes.recordings import read_text
from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.research.datasets import av163_truth as truth
from av_tracker_nodes.research.datasets.av163_arrays import ARRAYS, MICROPHONES, find_microphones
from av_tracker_nodes.research.datasets.av163_calibration import (
    IMAGE_SIZE,
    read_camera,
    read_shift,
)
from av_tracker_nodes.research.datasets.av163_files import CAMERAS, SequenceFiles, checked_camera
from av_tracker_nodes.research.datasets.av163_protocol import (
    check_lag,
    frame_range,
    refuse_copied_lags,
)
from av_tracker_nodes.research.datasets.pictures import numbered_pictures, video_pictures
from av_tracker_nodes.research.datasets.sound_files import open_sound, read_sound
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, to_seconds

AUDIO_START = 10 * NANOSECONDS
"""Timecode of the first audio sample of every sequence (ns)."""
AUDIO_RATE = 16_000
FRAME_RATE = 25
FRAME_PERIOD = NANOSECONDS // FRAME_RATE

ROOM = Room(np.array([-1.8, -6.0, -0.73]), np.array([1.8, 2.2, 1.67]))
"""Walls, floor and ceiling (m); the floor is 0.73 m below the table top."""

_TIMECODE = re.compile(r'(\d{1,4}):(\d\d?):(\d\d?)\.(\d\d?)')
_READ_SECONDS = 1
_CUT_SOUND, _CUT_VIDEO = 0.1, 1.0
"""Files of one card end within the former of each other, videos within the latter of their timings
(s), unless one was cut off."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sequence(SequenceFiles):
    """One recording.

    Files are read when they are asked for; whatever is missing raises an
    :class:`~av_tracker_nodes.errors.InputError` that names it.

    Attributes
    ----------
    directory : Path
    allow_short : bool
        Take what there is of sound and video that were cut off, and tell so.
    """

    allow_short: bool = False

    @property
    def frame_rate(self) -> int:
        """Frames a second of every camera."""
        return FRAME_RATE

    # Time

    @property
    def audio_start(self) -> int:
        """Stamp of the first audio sample (ns)."""
        return AUDIO_START

    def video_start(self, camera: int) -> int:
        """Stamp of the first frame of a camera (ns), from its timings file.

        Raises
        ------
        InputError
            When the file is missing or malformed, or was made from a list of lags in circulation
            that is known to be wrong.
        """
        start = self._first_timecode(camera)
        if not self.simulated:
            there = [each for each in CAMERAS if self.timings_path(each).is_file()]
            starts = {each: self._first_timecode(each) for each in there}
            lags = {each: to_seconds(at - AUDIO_START) for each, at in starts.items()}
            refuse_copied_lags(self.name, lags)
            check_lag(self.name, camera, lags[camera])
        return start

    def _first_timecode(self, camera: int) -> int:
        path = self.timings_path(camera)
        lines = self._timings(camera)
        found = _TIMECODE.fullmatch(lines[0].split()[0]) if lines else None
        if found is None:
            raise InputError(f'{path} does not begin with a timecode hh:mm:ss.ff')
        hours, minutes, seconds, frames = (int(part) for part in found.groups())
        if frames >= FRAME_RATE:
            raise InputError(
                f'{path}: timecode {found[0]} counts {frames} frames; a second has {FRAME_RATE}'
            )
        return (3600 * hours + 60 * minutes + seconds) * NANOSECONDS + frames * FRAME_PERIOD

    def audio_lag(self, camera: int) -> float:
        """Start of the video after the start of the audio (s); negative when it starts before."""
        return to_seconds(self.video_start(camera) - AUDIO_START)

    def image_stamps(self, camera: int) -> np.ndarray:
        """Stamps of the frames of a camera (ns), one a line of its timings file."""
        count = len(self._timings(camera))
        return self.video_start(camera) + FRAME_PERIOD * np.arange(count, dtype=np.int64)

    def _timings(self, camera: int) -> list[str]:
        path = self.timings_path(camera)
        if not path.is_file():
            raise InputError(f'timings {path.name} of camera {camera} missing in {self.directory}')
        lines = read_text(path, 'timings', foreign=True).splitlines()
        return [line for line in lines if line.strip()]

    # Sensors

    def audio_lengths(self) -> dict[Path, int]:
        """Count the samples of each file of `audio_files`.

        Raises
        ------
        InputError
            When a file is missing or unreadable.
        """
        lengths = {}
        for path in self.audio_files():
            with open_sound(path, 1, AUDIO_RATE) as file:
                lengths[path] = file.frames
        return lengths

    def audio_blocks(self, samples: int = AUDIO_RATE // 100) -> Iterator[AudioBlock]:
        """Yield the sound of all microphones in blocks of `samples`, the last one shorter.

        Raises
        ------
        InputError
            When a file is missing, is not mono, has another rate than 16 kHz, or was cut off.
        """
        chunks = self._audio_chunks(_READ_SECONDS * AUDIO_RATE)
        return cut_blocks(chunks, samples, AUDIO_RATE, AUDIO_START)

    def audio(self) -> np.ndarray:
        """Sound of all microphones at once, shape (samples, 16), float32 in [-1, 1]."""
        return np.concatenate(list(self._audio_chunks(AUDIO_RATE)))

    def _audio_chunks(self, samples: int) -> Iterator[np.ndarray]:
        with ExitStack() as stack:
            paths = self.audio_files()
            files = [stack.enter_context(open_sound(path, 1, AUDIO_RATE)) for path in paths]
            remaining = min(file.frames for file in files)
            surplus = (max(file.frames for file in files) - remaining) / AUDIO_RATE
            if surplus > _CUT_SOUND:
                shortest = min(files, key=lambda file: file.frames).name
                self._cut_off(f'{shortest} ends {surplus:.1f} s before others')
            while remaining > 0:
                chunks = [read_sound(file, min(samples, remaining)) for file in files]
                count = min(map(len, chunks))
                if count < min(samples, remaining):
                    raise InputError(f'the sound in {self.directory} ends before it says')
                yield np.concatenate(chunks, axis=1)
                remaining -= count

    def _cut_off(self, problem: str) -> None:
        """Tell of a file that is not whole, which is refused unless what is there is wanted."""
        if not self.allow_short:
            raise InputError(f'{problem}: it was cut off; get it anew, or give --allow-short')
        _LOG.warning('%s: the rest is left out', problem)

    @property
    def microphones(self) -> MicrophoneArray:
        """Microphones on the table: of ``gt.mat`` or ``MA1_pos.mat``, else of the drawings."""
        return MicrophoneArray(
            find_microphones(self.calibration_candidates()),
            np.repeat(np.arange(ARRAYS), MICROPHONES),
            rate=AUDIO_RATE,
            name='AV16.3',
        )

    def require(self, camera: int) -> None:
        """Make sure that the sound and the video of a camera are there.

        Raises
        ------
        InputError
            When a file is missing.
        """
        self.audio_files()
        if self.picture_folder(camera) is None:
            self.video_file(camera)

    def frames(self, camera: int) -> Iterator[ImageFrame]:
        """Yield the frames of a camera.

        Without the video, pictures that were taken out of it are read: those of
        ``<name>_cam<c>_jpg/img/`` or ``C<c>/``, in the order of their names.

        Raises
        ------
        InputError
            When the video is missing or unreadable, or has another rate than 25 Hz or another
            size than 360 x 288.
        """
        stamp, count = self.video_start(camera), 0
        for image in self._pictures(camera):
            yield ImageFrame(stamp + count * FRAME_PERIOD, image)
            count += 1
        listed = len(self._timings(camera))
        told = f'{self.name}, camera {camera}: the video holds {count} frames, its timings file '
        told += f'lists {listed}'
        if abs(count - listed) > _CUT_VIDEO * FRAME_RATE:
            self._cut_off(told)
        elif count != listed:
            _LOG.warning(told)

    def _pictures(self, camera: int) -> Iterator[np.ndarray]:
        """Yield the pictures of the video, or those that somebody has taken out of it."""
        folder = self.picture_folder(camera)
        if folder is None:
            return video_pictures(self.video_file(camera), FRAME_RATE, IMAGE_SIZE)
        return numbered_pictures(folder, IMAGE_SIZE)

    def camera(self, camera: int) -> Camera:
        """Calibrated camera in the world frame, of the session of this sequence."""
        folder = self.calibration_folder()
        shift = np.zeros(2)
        if self.session is not None:
            name = f'session{self.session:02d}_shift.mat'
            shift = read_shift(self.directory.resolve().parent / name, checked_camera(camera))
        return read_camera(folder, checked_camera(camera), shift=shift)

    def published_range(self, camera: int, publication: str) -> np.ndarray | None:
        """Tell which images a publication scores, shape (images,); None when it does not say.

        Parameters
        ----------
        camera : int
        publication : str
            ``stnet`` or ``av3t``; others are unknown.
        """
        limits = frame_range(self.name, camera, publication)
        if limits is None:
            return None
        frames = np.arange(len(self._timings(camera)))
        return (frames >= limits[0]) & (frames <= limits[1])

    def rig(self, camera: int, room: Room | None = ROOM) -> Rig:
        """Camera and microphones in the world frame, which is also the array frame."""
        return Rig(self.camera(camera), self.microphones, room=room)

    # Truth

    def mouth(self, person: int) -> truth.TimedValues:
        """Mouth of a person (m, world) over the timecode clock (s)."""
        path = self.mouth_path(person)
        if path.is_file():
            return truth.read_mouth(path)
        prepared = self.prepared_path(person)
        if prepared is not None:
            return truth.read_prepared(prepared, to_seconds(self.video_start(1)), FRAME_RATE)
        if person == 1 and self.static_path().is_file():
            return truth.read_static(self.static_path(), None)[0]
        raise InputError(f'ground truth {path.name} missing in {self.directory}')

    def speech(self, person: int) -> np.ndarray | None:
        """Start and end (s, timecode clock) of each stretch of speech, shape (n, 2).

        None without labels.
        """
        path = self.speech_path(person)
        if path.is_file():
            return truth.read_speech(path)
        if person == 1 and self.static_path().is_file():
            mouth = self.mouth_path(person)
            known = truth.read_mouth(mouth) if mouth.is_file() else None
            return truth.read_static(self.static_path(), known)[1]
        return None

    def head_pose(self, person: int) -> truth.TimedValues | None:
        """Yaw, pitch and roll of the head (rad, world) over time (s); None without labels."""
        path = self.pose_path(person)
        return truth.read_head_pose(path) if path.is_file() else None

    def image_mouth(self, person: int, camera: int) -> truth.ImagePoints | None:
        """Annotated mouth of a person in the images of a camera; None without the file."""
        path = self.image_mouth_path(person, camera)
        return truth.read_image_mouth(path) if path.is_file() else None

    def boxes(self, person: int, camera: int) -> np.ndarray | None:
        """Labelled face boxes, shape (frames, 4), 0-based pixels; None without the file."""
        path = self.boxes_path(person, camera)
        return None if path is None else truth.read_boxes(path)
