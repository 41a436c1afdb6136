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

"""Candidates where nobody is: what a tracker must learn to turn away.

A face detector fires on ears, buns, fists and patterns, and a head that is remembered beside a
head, or at another size, is none. Such places are drawn about people, at the wrong scale or beside
them, and anywhere in the picture; whether they are nobody's, `truths.truth_of` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, Kind, coherence_over
from av_tracker_nodes.fusion.head_memory import remembered
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import box_centre, face_box, range_of_box, visible_box
from av_tracker_nodes.research.training.clips import Clip, ClipFrame
from av_tracker_nodes.research.training.disturbances import Disturbance
from av_tracker_nodes.types import Face, FaceSound

_WRONG_SIZE = 0.55, 1.2
"""Log of how much smaller, or larger, than a head something on it is."""
_SMALLER = 0.75
"""Share of what is smaller: features of a face, hair, ears, fists."""
_BESIDE = 1.1, 2.5
"""How far beside a head (face heights)."""
_LEAST_HEIGHT, _LARGEST_SHARE = 12.0, 0.5
"""Heights of boxes anywhere: in pixels at least, in heights of the picture at most."""
_LEAST_SCORE, _SCORES = 0.6, 0.35
"""Of false alarms, and how far above it they reach."""
_TRACKLET = 1 << 30
"""False faces have tracklets from here on."""
_QUIET = 0.02


@dataclass(frozen=True)
class Nobody:
    """Draws places where nobody is, in one image.

    Attributes
    ----------
    rig : Rig
    heads : np.ndarray, shape (n, 3)
        Mouths of those in the picture (m, target frame).
    """

    rig: Rig
    heads: np.ndarray

    def place(self, rng: np.random.Generator) -> np.ndarray | None:
        """Draw a place (m), shape (3,): a third each on a head, beside one, and anywhere.

        None where it lies outside the picture.
        """
        how = rng.integers(3) if len(self.heads) else 2
        if how == 2:
            return self._anywhere(rng)
        sight = SightFrame.towards(self.rig.camera, self.heads[rng.integers(len(self.heads))])
        place = sight.place(_on_head(rng) if how == 0 else _beside_head(rng))
        return place if self.rig.camera.contains(self.rig.camera.project(place)) else None

    def _anywhere(self, rng: np.random.Generator) -> np.ndarray | None:
        """Draw the place of a head that would fill a box of any height, anywhere."""
        width, height = self.rig.camera.size
        most = max(_LARGEST_SHARE * height, _LEAST_HEIGHT)
        high = np.exp(rng.uniform(np.log(_LEAST_HEIGHT), np.log(most)))
        x, y = rng.uniform([0.0, 0.0], [width - 1.0, height - 1.0])
        box = np.array([x - high / 2, y - high / 2, high, high])
        place = range_of_box(self.rig.camera, box) * self.rig.camera.rays(np.array([x, y]))
        return self.rig.camera.centre + place if np.isfinite(place).all() else None


def _on_head(rng: np.random.Generator) -> np.ndarray:
    """Offset to something on a head that is smaller or larger than it; see `SightFrame`."""
    sign = 1.0 if rng.uniform() < _SMALLER else -1.0
    return np.append(rng.uniform(-0.7, 0.7, 2), sign * rng.uniform(*_WRONG_SIZE))


def _beside_head(rng: np.random.Generator) -> np.ndarray:
    """Offset to something as large as a head beside it."""
    angle, away = rng.uniform(-np.pi, np.pi), rng.uniform(*_BESIDE)
    return np.array([away * np.cos(angle), away * np.sin(angle), rng.normal(0.0, 0.2)])


def with_false_faces(
    frame: ClipFrame, clip: Clip, nobody: Nobody, how: Disturbance, rng: np.random.Generator
) -> ClipFrame:
    """Add false alarms of the detector: faces of the clip, moved to where nobody is.

    Parameters
    ----------
    frame : ClipFrame
    clip : Clip
        That it is of.
    nobody : Nobody
    how : Disturbance
    rng : np.random.Generator
    """
    faces, sounds = [], []
    for number in range(rng.poisson(how.false_face)):
        donors = clip.frames[rng.integers(len(clip.frames))].faces.faces
        place = nobody.place(rng)
        box = None if place is None else visible_box(clip.rig.camera, place)
        if not donors or box is None:
            continue
        face = _moved(donors[rng.integers(len(donors))], box)
        score = _LEAST_SCORE + _SCORES * rng.beta(1.0, 2.5)
        faces.append(replace(face, score=float(score), tracklet=_TRACKLET + number))
        sounds.append(_sound_of(faces[-1], place, frame, clip.rig, rng))
    heard = [sound for sound in sounds if sound is not None]
    return replace(
        frame,
        faces=replace(frame.faces, faces=(*frame.faces.faces, *faces)),
        sound=replace(frame.sound, faces=(*frame.sound.faces, *heard)),
    )


def _moved(face: Face, box: np.ndarray) -> Face:
    """Move a face, with its landmarks, to a box of another size."""
    scale, centre = box[3] / face.box[3], box_centre(box)
    size = scale * face.box[2:]
    marks = face.landmarks
    if marks is not None:
        marks = centre + scale * (marks - box_centre(face.box))
    return replace(face, box=np.concatenate([centre - size / 2, size]), landmarks=marks)


def _sound_of(
    face: Face, place: np.ndarray, frame: ClipFrame, rig: Rig, rng: np.random.Generator
) -> FaceSound | None:
    """Lend a false face the sound of a face of the image, or what the global map has there.

    Without a sound, or with one that real faces never have, it would be told by that alone.
    """
    lenders = frame.sound.faces
    if not lenders or not frame.sound.values.size:
        return None
    if rng.uniform() < 0.5:
        return replace(lenders[rng.integers(len(lenders))], tracklet=face.tracklet)
    size = len(lenders[0].values)
    values = coherence_over(frame.sound, face.box, size)
    distance = float(np.linalg.norm(place - rig.camera.centre))
    return FaceSound(
        face.tracklet,
        values,
        float(values.max()),
        float(values.mean()),
        rig.target_from_array.inverse @ place,
        distance,
        distance * float(rng.uniform(0.05, 0.5)),
        _QUIET,
    )


def false_memories(
    candidates: Sequence[Candidate],
    mistaken: Sequence[bool],
    nobody: Nobody,
    how: Disturbance,
    rng: np.random.Generator,
) -> list[Candidate]:
    """Remember heads where nobody is: of false alarms, about people and anywhere.

    Parameters
    ----------
    candidates : sequence of Candidate
        Faces and voices of the image.
    mistaken : sequence of bool
        Which of them are nobody's.
    nobody : Nobody
    how : Disturbance
    rng : np.random.Generator
    """
    places = [
        drifted(candidate.base.position, nobody.rig, how, rng)
        for candidate, wrong in zip(candidates, mistaken, strict=True)
        if wrong and candidate.kind == Kind.FACE and rng.uniform() < how.false_memory
    ]
    places += [nobody.place(rng) for _ in range(rng.poisson(how.false_memory))]
    return [
        remembered(place, nobody.rig, float(rng.exponential(1.0)))
        for place in places
        if place is not None and np.isfinite(face_box(nobody.rig.camera, place)).all()
    ]


def drifted(place: np.ndarray, rig: Rig, how: Disturbance, rng: np.random.Generator) -> np.ndarray:
    """Move a place (m) as far as memories drift."""
    shift = rng.normal(size=3) * [how.across, how.across, how.along]
    return SightFrame.towards(rig.camera, place).place(shift)
