# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Reader of the AV16.3 corpus, and of everything laid out like it.

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
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, Room
from av_tracker_nodes.research.datasets import av163_truth as truth
from av_tracker_nodes.research.datasets.av163_calibration import (
    IMAGE_SIZE,
    has_calibration,
    read_array,
    read_camera,
    read_microphones,
    read_shift,
)
from av_tracker_nodes.research.datasets.av163_protocol import (
    SESSIONS,
    check_lag,
    frame_range,
    refuse_copied_lags,
)
from av_tracker_nodes.research.datasets.pictures import numbered_pictures, video_pictures
from av_tracker_nodes.research.datasets.sequence_names import find_sequence, short_name
from av_tracker_nodes.research.datasets.sound import cut_blocks
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, to_seconds

AUDIO_START = 10 * NANOSECONDS
"""Timecode of the first audio sample of every sequence (ns)."""
AUDIO_RATE = 16_000
FRAME_RATE = 25
FRAME_PERIOD = NANOSECONDS // FRAME_RATE
CAMERAS = 1, 2, 3
ARRAYS, MICROPHONES = 2, 8

ROOM = Room(np.array([-1.8, -6.0, -0.73]), np.array([1.8, 2.2, 1.67]))
"""Walls, floor and ceiling (m); the floor is 0.73 m below the table top."""

_NAME = re.compile(r'[A-Za-z]+\d+-(\d+)p-[01]{4}')
_TIMECODE = re.compile(r'(\d+):(\d+):(\d+)\.(\d+)')
_RATE_FOLDER = '16kHz'
_READ_SECONDS = 1

_LOG = logging.getLogger(__name__)


def table_microphones() -> np.ndarray:
    """Positions (m, shape (16, 3)) of the microphones on the table, in the order of the channels.

    Two circles of 0.1 m radius with centres at y = 0.4 m (microphones 1 to 8) and y = -0.4 m,
    numbered from -x by steps of 45 degrees, counter-clockwise seen from above.
    """
    angles = np.pi + np.arange(MICROPHONES) * np.pi / 4
    circle = 0.1 * np.column_stack([np.cos(angles), np.sin(angles), np.zeros(MICROPHONES)])
    centre = np.array([0, 0.4, 0])
    return np.concatenate([circle + centre, circle - centre])


class Av163:
    """The corpus.

    Parameters
    ----------
    root : str or Path
        Directory with a folder for each sequence.

    Raises
    ------
    InputError
        When there is no such directory.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError(f'no directory {self.root} with AV16.3 sequences')

    def sequences(self) -> list[str]:
        """Names of the sequences that are there, sorted."""
        folders = (entry for entry in self.root.iterdir() if entry.is_dir())
        return sorted(folder.name for folder in folders if _is_sequence(folder))

    def sequence(self, name: str) -> Sequence:
        """Open a sequence by its full or short name (``seq24-2p-0111`` or ``seq24``).

        Raises
        ------
        InputError
            When it is not there.
        """
        return Sequence(self.root / find_sequence(self.sequences(), name, self.root))


def open_sequence(directory: str | Path) -> Sequence:
    """Open the folder of a sequence.

    Raises
    ------
    InputError
        When there is no such folder.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError(f'no sequence folder {directory}')
    return Sequence(directory)


def _is_sequence(folder: Path) -> bool:
    """Tell whether a folder is named like a sequence, or holds the timings of one."""
    named = _NAME.fullmatch(folder.name) is not None
    return named or any(folder.glob(f'{folder.name}_timings_cam[0-9]'))


@dataclass(frozen=True)
class Sequence:
    """One recording.

    Files are read when they are asked for; whatever is missing raises an
    :class:`~av_tracker_nodes.errors.InputError` that names it.

    Attributes
    ----------
    directory : Path
    """

    directory: Path

    @property
    def name(self) -> str:
        """Full name, which begins the names of the files."""
        return self.directory.resolve().name

    @property
    def simulated(self) -> bool:
        """Whether the simulator has written it."""
        return self.name.startswith('sim') or (self.directory / 'scenario.json').is_file()

    @cached_property
    def people(self) -> tuple[int, ...]:
        """Numbers of the persons: as many as the name says, else those with ground truth."""
        named = _NAME.fullmatch(self.name)
        if named:
            return tuple(range(1, int(named[1]) + 1))
        files = self.directory.glob(f'{self.name}-person*-interpolated.3dmouthgt')
        return tuple(sorted(int(re.search(r'-person(\d+)-', f.name)[1]) for f in files))

    @property
    def cameras(self) -> tuple[int, ...]:
        """Cameras that a sequence has."""
        return CAMERAS

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
            there = [each for each in CAMERAS if self._timings_path(each).is_file()]
            starts = {each: self._first_timecode(each) for each in there}
            lags = {each: to_seconds(at - AUDIO_START) for each, at in starts.items()}
            refuse_copied_lags(self.name, lags)
            check_lag(self.name, camera, lags[camera])
        return start

    def _first_timecode(self, camera: int) -> int:
        path = self._timings_path(camera)
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

    # Sensors

    def audio_files(self) -> list[Path]:
        """Files of the 16 microphones, array 1 first.

        Raises
        ------
        InputError
            When one is missing.
        """
        names = [
            f'{self.name}_array{array}_mic{microphone}.wav'
            for array in range(1, ARRAYS + 1)
            for microphone in range(1, MICROPHONES + 1)
        ]
        folder = self.directory
        if not any((folder / name).is_file() for name in names):
            folder = folder / _RATE_FOLDER if (folder / _RATE_FOLDER).is_dir() else folder
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            more = f' and {len(missing) - 1} more' if len(missing) > 1 else ''
            raise InputError(f'microphone file {missing[0]}{more} missing in {folder}')
        return [folder / name for name in names]

    def audio_lengths(self) -> dict[Path, int]:
        """Count the samples of each file of `audio_files`.

        Raises
        ------
        InputError
            When a file is missing or unreadable.
        """
        lengths = {}
        for path in self.audio_files():
            with _open_audio(path) as file:
                lengths[path] = file.frames
        return lengths

    def audio_blocks(self, samples: int = AUDIO_RATE // 100) -> Iterator[AudioBlock]:
        """Yield the sound of all microphones in blocks of `samples`, the last one shorter.

        Raises
        ------
        InputError
            When a file is missing, is not mono, or has another rate than 16 kHz.
        """
        chunks = self._audio_chunks(_READ_SECONDS * AUDIO_RATE)
        return cut_blocks(chunks, samples, AUDIO_RATE, AUDIO_START)

    def audio(self) -> np.ndarray:
        """Sound of all microphones at once, shape (samples, 16), float32 in [-1, 1]."""
        return np.concatenate(list(self._audio_chunks(AUDIO_RATE)))

    def _audio_chunks(self, samples: int) -> Iterator[np.ndarray]:
        with ExitStack() as stack:
            files = [stack.enter_context(_open_audio(path)) for path in self.audio_files()]
            remaining = min(file.frames for file in files)
            while remaining > 0:
                count = min(samples, remaining)
                yield np.stack([file.read(count, 'float32') for file in files], axis=1)
                remaining -= count

    @property
    def microphones(self) -> MicrophoneArray:
        """Microphones on the table: of ``gt.mat`` or ``MA1_pos.mat``, else of the drawings."""
        return MicrophoneArray(
            self._microphone_positions(),
            np.repeat(np.arange(ARRAYS), MICROPHONES),
            rate=AUDIO_RATE,
            name='AV16.3',
        )

    def _microphone_positions(self) -> np.ndarray:
        for folder in self._calibration_candidates():
            if (folder / 'gt.mat').is_file():
                return read_microphones(folder / 'gt.mat')
            arrays = [folder / f'MA{array}_pos.mat' for array in range(1, ARRAYS + 1)]
            if all(path.is_file() for path in arrays):
                return np.concatenate([read_array(path, MICROPHONES) for path in arrays])
        return table_microphones()

    def require(self, camera: int) -> None:
        """Make sure that the sound and the video of a camera are there.

        Raises
        ------
        InputError
            When a file is missing.
        """
        self.audio_files()
        if self._picture_folder(camera) is None:
            self.video_file(camera)

    def video_file(self, camera: int) -> Path:
        """Video of a camera.

        Raises
        ------
        InputError
            When it is missing.
        """
        path = self._video_path(camera)
        if not path.is_file():
            raise InputError(f'video {path.name} of camera {camera} missing in {self.directory}')
        return path

    def _video_path(self, camera: int) -> Path:
        return self.directory / f'{self.name}_cam{_checked(camera)}_divx_audio.avi'

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
        if count != listed:
            _LOG.warning(
                '%s, camera %d: the video holds %d frames, its timings file lists %d',
                self.name,
                camera,
                count,
                listed,
            )

    def _pictures(self, camera: int) -> Iterator[np.ndarray]:
        """Yield the pictures of the video, or those that somebody has taken out of it."""
        folder = self._picture_folder(camera)
        if folder is None:
            return video_pictures(self.video_file(camera), FRAME_RATE, IMAGE_SIZE)
        return numbered_pictures(folder, IMAGE_SIZE)

    def _picture_folder(self, camera: int) -> Path | None:
        """Where pictures are that stand for a missing video; None where they do not."""
        if self._video_path(camera).is_file():
            return None
        name = f'{self.name}_cam{camera}_jpg'
        folders = self.directory / name / 'img', self.directory / f'C{camera}'
        return next((folder for folder in folders if folder.is_dir()), None)

    def camera(self, camera: int) -> Camera:
        """Calibrated camera in the world frame, of the session of this sequence."""
        session = SESSIONS.get(short_name(self.name))
        folder = self._calibration_folder()
        shift = np.zeros(2)
        if session is not None:
            name = f'session{session:02d}_shift.mat'
            shift = read_shift(self.directory.resolve().parent / name, _checked(camera))
        return read_camera(folder, _checked(camera), shift=shift)

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
        path = self._mouth_path(person)
        if path.is_file():
            return truth.read_mouth(path)
        prepared = self._prepared_path(person)
        if prepared is not None:
            return truth.read_prepared(prepared, to_seconds(self.video_start(1)), FRAME_RATE)
        if person == 1 and self._static_path().is_file():
            return truth.read_static(self._static_path(), None)[0]
        raise InputError(f'ground truth {path.name} missing in {self.directory}')

    def speech(self, person: int) -> np.ndarray | None:
        """Start and end (s, timecode clock) of each stretch of speech, shape (n, 2).

        None without labels.
        """
        path = self.directory / f'{self.name}-person{person}.speech'
        if path.is_file():
            return truth.read_speech(path)
        if person == 1 and self._static_path().is_file():
            mouth = self._mouth_path(person)
            known = truth.read_mouth(mouth) if mouth.is_file() else None
            return truth.read_static(self._static_path(), known)[1]
        return None

    def head_pose(self, person: int) -> truth.TimedValues | None:
        """Yaw, pitch and roll of the head (rad, world) over time (s); None without labels."""
        path = self.directory / f'{self.name}-person{person}.pose'
        return truth.read_head_pose(path) if path.is_file() else None

    def image_mouth(self, person: int, camera: int) -> truth.ImagePoints | None:
        """Annotated mouth of a person in the images of a camera; None without the file."""
        name = f'{self.name}-cam{camera}-person{person}-interpolated-reprojected.mouthgt'
        path = self.directory / name
        return truth.read_image_mouth(path) if path.is_file() else None

    def boxes(self, person: int, camera: int) -> np.ndarray | None:
        """Labelled face boxes, shape (frames, 4), 0-based pixels; None without the file."""
        names = [f'{self.name}_cam{camera}-person{person}_GT2D.txt']
        if len(self.people) == 1:
            names.append(f'{self.name}_cam{camera}_GT2D.txt')
        paths = (self.directory / name for name in names)
        path = next((path for path in paths if path.is_file()), None)
        return None if path is None else truth.read_boxes(path)

    def _mouth_path(self, person: int) -> Path:
        return self.directory / f'{self.name}-person{person}-interpolated.3dmouthgt'

    def _prepared_path(self, person: int) -> Path | None:
        """3-D truth that authors of trackers made of that of the corpus."""
        names = [f'{self.name}-person{person}_myDataGT3D.mat']
        if len(self.people) == 1:
            names.append(f'{self.name}_myDataGT3D.mat')
        paths = (self.directory / name for name in names)
        return next((path for path in paths if path.is_file()), None)

    def _static_path(self) -> Path:
        return self.directory / f'{self.name}_gt.mat'

    def _timings_path(self, camera: int) -> Path:
        return self.directory / f'{self.name}_timings_cam{_checked(camera)}'

    def _timings(self, camera: int) -> list[str]:
        path = self._timings_path(camera)
        if not path.is_file():
            raise InputError(f'timings {path.name} of camera {camera} missing in {self.directory}')
        return [line for line in path.read_text(errors='replace').splitlines() if line.strip()]

    def _calibration_candidates(self) -> list[Path]:
        """Folders that may hold the calibration, that of the sequence itself first."""
        here = self.directory.resolve()
        folders = [here / 'CAM', here]
        session = SESSIONS.get(short_name(self.name))
        if session is not None:
            name = f'session{session:02d}'
            folders += [here.parent / 'CAM' / name, here.parent / name / 'CAM', here.parent / name]
        return [*folders, here.parent / 'CAM', here.parent]

    def _calibration_folder(self) -> Path:
        candidates = self._calibration_candidates()
        found = next((folder for folder in candidates if has_calibration(folder)), None)
        if found is None:
            places = ', '.join(map(str, candidates))
            raise InputError(f'calibration of {self.name} missing; looked in {places}')
        known = short_name(self.name) in SESSIONS and not self.simulated
        if known and found in candidates[-2:]:
            _LOG.warning(
                '%s has no calibration of its session %02d; %s is used',
                self.name,
                SESSIONS[short_name(self.name)],
                found,
            )
        return found


def _checked(camera: int) -> int:
    if camera not in CAMERAS:
        raise InputError(f'no camera {camera}; AV16.3 has cameras 1, 2 and 3')
    return camera


def _open_audio(path: Path) -> soundfile.SoundFile:
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f'{path} is not a readable WAV file') from error
    if file.channels != 1 or file.samplerate != AUDIO_RATE:
        found = f'{file.channels} channels at {file.samplerate} Hz'
        file.close()
        raise InputError(f'{path} has {found}; one channel at {AUDIO_RATE} Hz is needed')
    return file
