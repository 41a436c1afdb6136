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

"""Faces that are no heads: posters, photographs, dolls.

Three things together tell them from silent people who sit still: they never move, never speak, and
at the distance that is measured they have not the size of a head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT, mouth_from_face
from av_tracker_nodes.geometry.head import range_of_box
from av_tracker_nodes.types import PROVES_NOBODY, AcousticMap, Face, FaceFrame

_HEAD_SIZES = 0.6, 1.6
"""Sizes of heads, relative to that of an average adult, as a detector draws them: the face of a
child of one year has 0.75, and boxes of one face differ by a fifth as the head turns."""
_MOVES = 0.15
"""What goes this far (m) to a side moves: who sits still sways less, and a face detector jitters
less."""
_MEMORY = 10_000_000_000
"""A tracklet that has been away for this long (ns) does not come back."""


@dataclass
class _Watched:
    """A face tracklet: where it was first (m, target frame), when last, and whether it lives."""

    first: np.ndarray
    last: int
    lives: bool = False


class PictureWatch:
    """Watches faces whose distance is measured, and doubts those that can be no heads."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all faces."""
        self._watched: dict[int, _Watched] = {}

    def doubted(self, faces: FaceFrame, sound: AcousticMap, rig: Rig) -> FaceFrame:
        """Lower the scores of pictures below the score that confirms a person.

        Parameters
        ----------
        faces : FaceFrame
            With tracklets.
        sound : AcousticMap
            Of the same stamp.
        rig : Rig
            With a camera.
        """
        self._watched = {
            tracklet: watched
            for tracklet, watched in self._watched.items()
            if faces.stamp - watched.last <= _MEMORY
        }
        speaks = {each.tracklet for each in sound.faces if each.speech >= 0.5}
        kept = tuple(
            self._doubted(face, faces.stamp, face.tracklet in speaks, rig) for face in faces.faces
        )
        return replace(faces, faces=kept)

    def _doubted(self, face: Face, stamp: int, speaks: bool, rig: Rig) -> Face:
        if not np.isfinite(face.range):
            return face
        by_size = float(range_of_box(rig.camera, face.box, DETECTOR_FACE_HEIGHT))
        smallest, largest = _HEAD_SIZES
        ray = rig.camera.rays(mouth_from_face(face.box, face.landmarks))
        place = rig.camera.centre + face.range * ray
        watched = self._watched.setdefault(face.tracklet, _Watched(place, stamp))
        watched.last = stamp
        aside = np.linalg.norm(np.cross(place - watched.first, ray))
        watched.lives |= speaks or bool(aside > _MOVES)
        if watched.lives or smallest <= face.range / by_size <= largest:
            return face
        return replace(face, score=min(face.score, PROVES_NOBODY))
