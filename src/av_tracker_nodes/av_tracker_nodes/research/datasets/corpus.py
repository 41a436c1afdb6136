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

"""What the corpora have in common.

A new one is a reader: its recordings are a `Recording`, and `recordings.CORPORA` names it.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.research.datasets.av163_truth import ImagePoints, TimedValues
from av_tracker_nodes.research.datasets.sequence_names import find_sequence
from av_tracker_nodes.types import AudioBlock, ImageFrame


class Recording(typing.Protocol):
    """A sequence: sensors and truth on one clock, persons numbered from 1.

    A frozen dataclass, whose files are read when they are asked for; what is missing or malformed
    raises an :class:`~av_tracker_nodes.errors.InputError` that names it.
    """

    directory: Path
    allow_short: bool
    """Take what there is of files that were cut off."""

    @property
    def name(self) -> str:
        """Full name."""

    @property
    def simulated(self) -> bool:
        """Whether the simulator has written it."""

    @property
    def cameras(self) -> tuple[int, ...]:
        """Numbers of the cameras."""

    @property
    def people(self) -> tuple[int, ...]:
        """Numbers of the persons."""

    @property
    def frame_rate(self) -> int:
        """Images a second of every camera."""

    @property
    def audio_start(self) -> int:
        """Stamp of the first sample (ns)."""

    @property
    def microphones(self) -> MicrophoneArray:
        """In the world frame."""

    def camera(self, camera: int) -> Camera:
        """Calibrated, in the world frame."""

    def rig(self, camera: int) -> Rig:
        """Camera and microphones in the world frame, which is also the array frame."""

    def require(self, camera: int) -> None:
        """Make sure that there are the sound and the images of a camera."""

    def image_stamps(self, camera: int) -> np.ndarray:
        """Stamps of the images (ns), shape (images,)."""

    def published_range(self, camera: int, publication: str) -> np.ndarray | None:
        """Tell which images a publication scores, shape (images,); None if it does not say."""

    def audio_lengths(self) -> dict[Path, int]:
        """Count the samples of each file."""

    def audio_blocks(self) -> Iterator[AudioBlock]:
        """Yield the sound in blocks of 10 ms."""

    def frames(self, camera: int) -> Iterator[ImageFrame]:
        """Yield the images of a camera."""

    def mouth(self, person: int) -> TimedValues:
        """Mouth (m, world) over time (s)."""

    def speech(self, person: int) -> np.ndarray | None:
        """Start and end (s) of each stretch of speech, shape (n, 2); None without labels."""

    def head_pose(self, person: int) -> TimedValues | None:
        """Yaw, pitch and roll (rad, world) over time (s); None without labels."""

    def boxes(self, person: int, camera: int) -> np.ndarray | None:
        """Labelled boxes of the face (0-based pixels), shape (images, 4); None without labels."""

    def image_mouth(self, person: int, camera: int) -> ImagePoints | None:
        """Mouth in the images of a camera; None without labels."""


class Corpus:
    """A directory with a folder for each sequence.

    Parameters
    ----------
    root : str or Path

    Attributes
    ----------
    name : str
        Of the corpus, as in `Protocol.corpus`.
    open : callable
        Makes a `Recording` of a folder.
    holds : callable
        Tells whether a path is the folder of a sequence.

    Raises
    ------
    InputError
        When there is no such directory.
    """

    name: ClassVar[str]
    open: ClassVar[Callable[[Path], Recording]]
    holds: ClassVar[Callable[[Path], bool]]

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError(f'no directory {self.root} with sequences')

    def sequences(self) -> list[str]:
        """Names of the sequences that are there, sorted."""
        return sorted(entry.name for entry in self.root.iterdir() if self.holds(entry))

    def sequence(self, name: str) -> Recording:
        """Open a sequence by its full or short name (``seq24-2p-0111`` or ``seq24``).

        Raises
        ------
        InputError
            When it is not there.
        """
        return self.open(self.root / find_sequence(self.sequences(), name, self.root))
