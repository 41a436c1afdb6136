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

"""Where training samples come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, find_candidates
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.reach import in_reach
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.research.training.clips import Clip, ClipFrame
from av_tracker_nodes.research.training.disturbances import Disturbance


class ClipSource(ABC):
    """Draws samples from the images of clips.

    Parameters
    ----------
    clips : sequence of Clip
    disturbance : Disturbance

    Attributes
    ----------
    clips : sequence of Clip
    index : list of (int, int)
        Clip and frame of each image.
    """

    def __init__(self, clips: Sequence[Clip], disturbance: Disturbance) -> None:
        self.clips = clips
        self._disturbance = disturbance
        self._geometric = GeometricFusion(size_alone=True)
        self.index = [(c, f) for c, clip in enumerate(clips) for f in range(len(clip.frames))]

    def __len__(self) -> int:
        """Count the images."""
        return len(self.index)

    def find(self, frame: ClipFrame, rig: Rig) -> list[Candidate]:
        """Name faces and voices, as at run time."""
        faces = in_reach(frame.faces, rig.camera)
        geometric = self._geometric.detect(faces, frame.sound, rig)
        return find_candidates(faces, frame.sound, geometric)

    @abstractmethod
    def draw(self, number: int, rng: np.random.Generator) -> Any:
        """Make a sample of an image.

        Parameters
        ----------
        number : int
            Of the image.
        rng : np.random.Generator
        """
