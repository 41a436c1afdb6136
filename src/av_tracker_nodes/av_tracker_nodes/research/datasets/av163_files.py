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

"""The files of a sequence of AV16.3: how they are named, and where they are."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.av163_arrays import ARRAYS, MICROPHONES
from av_tracker_nodes.research.datasets.av163_calibration import has_calibration
from av_tracker_nodes.research.datasets.av163_protocol import SESSIONS
from av_tracker_nodes.research.datasets.sequence_names import short_name

CAMERAS = 1, 2, 3
"""Numbers of the cameras of every sequence."""

_NAME = re.compile(r'[A-Za-z]+\d+-(\d+)p-[01]{4}')
_RATE_FOLDER = '16kHz'

_LOG = logging.getLogger(__name__)


def is_sequence(folder: Path) -> bool:
    """Tell whether a folder is named like a sequence, or holds the timings of one."""
    named = folder.is_dir() and _NAME.fullmatch(folder.name) is not None
    return named or any(folder.glob(f'{folder.name}_timings_cam[0-9]'))


@dataclass(frozen=True)
class SequenceFiles:
    """Files of one recording.

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
    def session(self) -> int | None:
        """Recording session; None where it is not published."""
        return SESSIONS.get(short_name(self.name))

    @property
    def cameras(self) -> tuple[int, ...]:
        """Cameras that a sequence has."""
        return CAMERAS

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

    def timings_path(self, camera: int) -> Path:
        """Where the timings of a camera belong."""
        return self.directory / f'{self.name}_timings_cam{checked_camera(camera)}'

    def video_file(self, camera: int) -> Path:
        """Video of a camera.

        Raises
        ------
        InputError
            When it is missing.
        """
        path = self.video_path(camera)
        if not path.is_file():
            raise InputError(f'video {path.name} of camera {camera} missing in {self.directory}')
        return path

    def video_path(self, camera: int) -> Path:
        """Where the video of a camera belongs."""
        return self.directory / f'{self.name}_cam{checked_camera(camera)}_divx_audio.avi'

    def picture_folder(self, camera: int) -> Path | None:
        """Where pictures are that stand for a missing video; None where they do not."""
        if self.video_path(camera).is_file():
            return None
        name = f'{self.name}_cam{camera}_jpg'
        folders = self.directory / name / 'img', self.directory / f'C{camera}'
        return next((folder for folder in folders if folder.is_dir()), None)

    def mouth_path(self, person: int) -> Path:
        """Mouth of a person in 3-D."""
        return self.directory / f'{self.name}-person{person}-interpolated.3dmouthgt'

    def prepared_path(self, person: int) -> Path | None:
        """3-D truth that authors of trackers made of that of the corpus."""
        return self._of_person(self.name, person, '_myDataGT3D.mat')

    def static_path(self) -> Path:
        """Truth of somebody who stands still."""
        return self.directory / f'{self.name}_gt.mat'

    def speech_path(self, person: int) -> Path:
        """Labels of when a person speaks."""
        return self.directory / f'{self.name}-person{person}.speech'

    def pose_path(self, person: int) -> Path:
        """Labels of how a person holds the head."""
        return self.directory / f'{self.name}-person{person}.pose'

    def image_mouth_path(self, person: int, camera: int) -> Path:
        """Annotated mouth of a person in the images of a camera."""
        name = f'{self.name}-cam{camera}-person{person}-interpolated-reprojected.mouthgt'
        return self.directory / name

    def boxes_path(self, person: int, camera: int) -> Path | None:
        """Labelled face boxes; None where there are none."""
        return self._of_person(f'{self.name}_cam{camera}', person, '_GT2D.txt')

    def _of_person(self, stem: str, person: int, ending: str) -> Path | None:
        """File of a person, who is not named where there is no other; None where it is missing."""
        names = [f'{stem}-person{person}', *([stem] if len(self.people) == 1 else [])]
        paths = (self.directory / f'{name}{ending}' for name in names)
        return next((path for path in paths if path.is_file()), None)

    def calibration_candidates(self) -> list[Path]:
        """Folders that may hold the calibration, that of the sequence itself first."""
        here = self.directory.resolve()
        folders = [here / 'CAM', here]
        if self.session is not None:
            name = f'session{self.session:02d}'
            folders += [here.parent / 'CAM' / name, here.parent / name / 'CAM', here.parent / name]
        return [*folders, here.parent / 'CAM', here.parent]

    def calibration_folder(self) -> Path:
        """First folder that holds calibration files.

        Raises
        ------
        InputError
            When there is none.
        """
        candidates = self.calibration_candidates()
        found = next((folder for folder in candidates if has_calibration(folder)), None)
        if found is None:
            places = ', '.join(map(str, candidates))
            raise InputError(f'calibration of {self.name} missing; looked in {places}')
        known = self.session is not None and not self.simulated
        if known and found in candidates[-2:]:
            _LOG.warning(
                '%s has no calibration of its session %02d; %s is used',
                self.name,
                self.session,
                found,
            )
        return found


def checked_camera(camera: int) -> int:
    """Return the number of a camera that there is.

    Raises
    ------
    InputError
        When there is none of that number.
    """
    if camera not in CAMERAS:
        raise InputError(f'no camera {camera}; AV16.3 has cameras 1, 2 and 3')
    return camera
