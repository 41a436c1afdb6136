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

"""Truth of a sequence as one camera sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.research.datasets.person_truth import PersonTruth, person_truth
from av_tracker_nodes.research.datasets.recordings import open_recording
from av_tracker_nodes.types import NANOSECONDS


@dataclass(frozen=True)
class Truth:
    """Everybody at the n images of a camera.

    Attributes
    ----------
    sequence : str
    camera : int
    simulated : bool
    rig : Rig
    stamps : np.ndarray, shape (n,), int
        Nanoseconds.
    people : tuple of PersonTruth
    scored : np.ndarray, shape (n,), bool
        Frames of the protocol where somebody is annotated.
    """

    sequence: str
    camera: int
    simulated: bool
    rig: Rig
    stamps: np.ndarray
    people: tuple[PersonTruth, ...]
    scored: np.ndarray

    @cached_property
    def mouth(self) -> np.ndarray:
        """Mouths (m), shape (people, n, 3)."""
        return np.stack([person.mouth for person in self.people])

    @cached_property
    def box(self) -> np.ndarray:
        """Face boxes (pixels), shape (people, n, 4)."""
        return np.stack([person.box for person in self.people])

    @cached_property
    def centre(self) -> np.ndarray:
        """Centres of the face boxes (pixels), shape (people, n, 2)."""
        return box_centre(self.box)

    @cached_property
    def pixel(self) -> np.ndarray:
        """Mouths in the image (pixels), shape (people, n, 2)."""
        return np.stack([person.pixel for person in self.people])

    @property
    def frame_rate(self) -> float:
        """Images a second, from their stamps."""
        return NANOSECONDS / float(np.median(np.diff(self.stamps)))

    @cached_property
    def visible(self) -> np.ndarray:
        """Whose face is in the image, shape (people, n)."""
        return np.stack([person.visible for person in self.people])

    @cached_property
    def speaking(self) -> np.ndarray | None:
        """Who speaks, shape (people, n); None unless everybody is labelled."""
        if any(person.speaking is None for person in self.people):
            return None
        return np.stack([person.speaking for person in self.people])


def read_truth(directory: str | Path, camera: int, protocol: str | None = 'stnet') -> Truth:
    """Read the truth of a sequence.

    Parameters
    ----------
    directory : str or Path
        Folder of the sequence.
    camera : int
        1, 2 or 3 of AV16.3, 5 of CAV3D.
    protocol : str or None
        Publication whose frame ranges are scored (``stnet`` or ``av3t``); sequences that it does
        not know, and None, are scored wherever they are annotated.

    Raises
    ------
    InputError
        When something is missing.
    """
    recording = open_recording(directory)
    if not recording.people:
        raise InputError(f'no ground truth (*.3dmouthgt) in {recording.directory}')
    people = tuple(person_truth(recording, person, camera) for person in recording.people)
    stamps = recording.image_stamps(camera)
    scored = np.any([~np.isnan(person.mouth).any(axis=1) for person in people], axis=0)
    published = recording.published_range(camera, protocol) if protocol else None
    if published is not None:
        scored &= published
    return Truth(
        recording.name,
        camera,
        recording.simulated,
        recording.rig(camera),
        stamps,
        people,
        scored,
    )
