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

"""Views of one simulated person, and what of them is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from av_tracker_nodes import DEFAULT_MODEL, FaceStage, ImageFrame, MicrophoneArray, Rig
from av_tracker_nodes.fusion import FusionModel, create_fusion
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT
from av_tracker_nodes.geometry.head import FACE_HEIGHT
from av_tracker_nodes.research.evaluation.statistics import median
from av_tracker_nodes.research.simulation.studio import FACE, VIEWS, Studio, View
from av_tracker_nodes.research.training.portrait_cameras import PortraitCamera
from av_tracker_nodes.types import AcousticMap

_ARRAY = MicrophoneArray(0.03 * np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]))
"""Hears nothing."""


@dataclass(frozen=True)
class Condition:
    """How people are seen.

    Attributes
    ----------
    face : int
        About the height of faces (pixels).
    camera : PortraitCamera or None
        None leaves pictures as they are drawn.
    """

    face: int
    camera: PortraitCamera | None = None

    def see(self, view: View, rng: np.random.Generator) -> View:
        """Take a picture of a view, reduced and spoilt."""
        if self.camera is None:
            return view
        side = round(self.face / FACE * len(view.picture))
        small = cv2.resize(view.picture, (side, side), interpolation=cv2.INTER_AREA)
        return replace(
            view,
            picture=self.camera.expose(small, rng),
            camera=view.camera.resized((side, side)),
        )


CONDITIONS = {
    'clear': Condition(FACE),
    'poor': Condition(16, PortraitCamera(np.ones(3), 0.4, 1.0, 0.8, 0.6, 6.0, 60)),
}
"""Pictures as they are drawn, and as a cheap camera takes them in dim light: at 0.4 of their grey
levels, with noise of 6. Four of five faces were found so (twelve validation people, identities
1000 to 1011), which leaves room for differences."""


@dataclass(frozen=True)
class Seen:
    """What is found of one person.

    Attributes
    ----------
    views, found, kept : int
        All, those with a face at the mouth, and those in which fusion takes it for somebody.
    score : float
        Median of the found faces, 0..1; NaN of none.
    size_error : float
        Median height of their boxes, relative to what a detector draws for a head of that size,
        less 1; NaN of none.
    """

    views: int
    found: int
    kept: int
    score: float
    size_error: float


class Eyes:
    """Face detector and fusion that look at each picture on its own, without any sound.

    Parameters
    ----------
    stage : FaceStage
    fusion : FusionModel
    """

    def __init__(self, stage: FaceStage, fusion: FusionModel) -> None:
        self._stage, self._fusion = stage, fusion

    def look(self, views: Sequence[View]) -> Seen:
        """Look for somebody in each of some views."""
        faces, kept = [], 0
        for view in views:
            self._stage.reset()
            self._fusion.reset()
            frame = self._stage.process(ImageFrame(0, view.picture))
            face = view.face_among(frame.faces)
            if face is None:
                continue
            faces.append((face.score, face.box[3] / view.face_height))
            silence = AcousticMap.blank(0, self._fusion.measure)
            rig = Rig(view.camera, _ARRAY)
            people = self._fusion.process(frame, silence, rig, view.picture).detections
            kept += any(person.tracklet == face.tracklet for person in people)
        scores, heights = np.array(faces).reshape(-1, 2).T
        error = median(heights) * FACE_HEIGHT / DETECTOR_FACE_HEIGHT - 1
        return Seen(len(views), len(faces), kept, median(scores), error)


def see_person(identity: int) -> dict[str, Seen]:
    """Draw a person, and look at them in each condition.

    Raises
    ------
    InputError
        The package that carries the mesh of humans is not installed.
    """
    rng = np.random.default_rng([identity, 0x1006])
    studio = Studio(identity, rng)
    views = [studio.portray(number, rng) for number in range(VIEWS)]
    return {
        name: _eyes().look([condition.see(view, rng) for view in views])
        for name, condition in CONDITIONS.items()
    }


@cache
def _eyes() -> Eyes:
    """Load the face detector and the default network once."""
    stage = FaceStage(reads_lips=False, sees_looks=False)
    return Eyes(stage, create_fusion(DEFAULT_MODEL, device='cpu'))
