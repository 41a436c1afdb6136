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

"""Heads that were there a moment ago: where to look for those that the face detector misses.

A memory lives from detected faces: a network believes many things that are round. So only a head
whose face was detected well is looked for, not for long after its last face, and never where the
picture shows the face of somebody else. What is found is weak evidence, see `followed_quality`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, Kind, in_picture
from av_tracker_nodes.fusion.config import FusionConfig
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Camera, Rig
from av_tracker_nodes.geometry.head import box_centre, visible_box
from av_tracker_nodes.types import PROVES_NOBODY, Detection, Modality, to_nanoseconds, to_seconds

_MEMORY_DEVIATIONS = 0.25, 0.1
"""Deviations that a remembered place is given, across (face heights) and along (log range)."""

_SAME_HEAD = 0.8, 0.35
"""Two places are those of one head within this, across (face heights) and along (log range)."""
_SURE_SCORE = 0.85
"""A head is looked for after one face with this score, as no bun, ear or fist has."""
_ENOUGH_FACES, _GOOD_SCORE = 3, 0.7
"""Else after so many images with its face, one of which scored this."""
_DOUBT = 10.0
"""Time constant (s) with which what is followed without a face is rather something else."""
_HEAD_MARGIN = 1.5
"""Size of a head relative to its face."""
_OWN_FACE = 0.7
"""A box is that of a face if the heights differ by no less than this ratio."""


@dataclass(frozen=True)
class Evidence:
    """Evidence that a place is a head: its detected faces.

    Attributes
    ----------
    faces : int
        Images in which its face was detected.
    best : float
        Best score of them.
    """

    faces: int = 0
    best: float = 0.0

    def with_face(self, score: float) -> Evidence:
        """Add an image with a face."""
        return Evidence(self.faces + 1, max(self.best, score))

    @property
    def is_head(self) -> bool:
        """Whether it is worth looking for without a face."""
        often = self.faces >= _ENOUGH_FACES and self.best >= _GOOD_SCORE
        return often or self.best >= _SURE_SCORE


@dataclass(frozen=True)
class _Head:
    """Where a head was seen last, when, when its face was detected last (ns), and its faces."""

    position: np.ndarray
    tracklet: int
    embedding: np.ndarray | None
    seen: int
    face: int
    evidence: Evidence


class HeadMemory:
    """Remembers seen heads from image to image.

    Attributes
    ----------
    config : FusionConfig
    """

    def __init__(self) -> None:
        self.config = FusionConfig()
        self.reset()

    def reset(self) -> None:
        """Forget all heads."""
        self._heads: list[_Head] = []
        self._with_face: list[_Head] = []

    def candidates(self, stamp: int, found: Sequence[Candidate], rig: Rig) -> list[Candidate]:
        """Name remembered heads that no detected face explains.

        Parameters
        ----------
        stamp : int
            Of the image (ns).
        found : sequence of Candidate
            Faces and voices of this image.
        rig : Rig
        """
        faces = [candidate.base for candidate in found if candidate.kind == Kind.FACE]
        tracklets = {face.tracklet for face in faces if face.tracklet}
        patience = to_nanoseconds(self.config.head_patience)
        longest = to_nanoseconds(self.config.head_memory)
        lately = [head for head in self._heads if 0 <= stamp - head.seen <= patience]
        self._heads, self._with_face = [], []
        for head in lately:
            has_face = head.tracklet in tracklets or any(
                is_same_head(head.position, face.position, rig.camera) for face in faces
            )
            (self._with_face if has_face else self._heads).append(head)
        boxes = [face.box for face in faces if face.box is not None]
        candidates = [
            self._candidate(head, stamp, rig)
            for head in self._heads
            if head.evidence.is_head and stamp - head.face <= longest
        ]
        return [
            each
            for each in candidates
            if in_picture(each.base.box, rig) and not is_of_a_face(each.base.box, boxes)
        ]

    def update(self, stamp: int, seen: Sequence[tuple[Kind, Detection]], rig: Rig) -> None:
        """Take in the heads that were seen in an image.

        Parameters
        ----------
        stamp : int
            Of the image (ns).
        seen : sequence of (Kind, Detection)
            What each was found by, and where.
        rig : Rig
        """
        before, self._heads = [*self._with_face, *self._heads], []
        for kind, detection in seen:
            old = self._take(before, detection, rig.camera)
            face = stamp if kind == Kind.FACE or old is None else old.face
            evidence = Evidence() if old is None else old.evidence
            if kind == Kind.FACE:
                evidence = evidence.with_face(detection.quality)
            tracklet = detection.tracklet or (old.tracklet if old else 0)
            self._heads.append(
                _Head(detection.position, tracklet, detection.embedding, stamp, face, evidence)
            )
        explained = {id(head) for head in self._with_face}
        self._heads += [head for head in before if id(head) not in explained]

    def _take(self, heads: list[_Head], detection: Detection, camera: Camera) -> _Head | None:
        """Take the head that a detection goes on with out of a list: by tracklet, or by place."""
        tracklet = detection.tracklet
        same = [k for k, head in enumerate(heads) if 0 < head.tracklet == tracklet]
        same += [
            k
            for k, head in enumerate(heads)
            if is_same_head(head.position, detection.position, camera)
        ]
        return heads.pop(same[0]) if same else None

    def _candidate(self, head: _Head, stamp: int, rig: Rig) -> Candidate:
        unseen = to_seconds(stamp - head.face)
        candidate = remembered(head.position, rig, unseen)
        base = replace(candidate.base, tracklet=head.tracklet, embedding=head.embedding)
        return replace(candidate, base=base)


def followed_quality(person: float, unseen: float) -> float:
    """Quality of a head that was found without a face, at most `PROVES_NOBODY`.

    Parameters
    ----------
    person : float
        Probability that it is a head, as a network says.
    unseen : float
        Seconds since a face was detected there.
    """
    return float(PROVES_NOBODY * person * np.exp(-unseen / _DOUBT))


def is_of_a_face(box: np.ndarray, faces: Sequence[np.ndarray]) -> bool:
    """Tell whether a remembered head cannot be seen at a box, as one of the faces fills it.

    What lies inside a larger face is an ear, hair or a hand of that person, and hidden else; what
    lies around a smaller one would hide that face.

    Parameters
    ----------
    box : np.ndarray, shape (4,)
    faces : sequence of np.ndarray, shape (4,)
        Of detected faces.
    """
    return any(
        _contains(face, box_centre(box)) or _contains(box, box_centre(face))
        for face in faces
        if not _OWN_FACE < box[3] / face[3] < 1 / _OWN_FACE
    )


def _contains(box: np.ndarray, pixel: np.ndarray) -> bool:
    """Tell whether a pixel lies in the head of a face box, hair and ears included."""
    return bool((np.abs(pixel - box_centre(box)) <= _HEAD_MARGIN * box[2:] / 2).all())


def remembered(position: np.ndarray, rig: Rig, unseen: float) -> Candidate:
    """Make a candidate of a place where a head was.

    Parameters
    ----------
    position : np.ndarray, shape (3,)
        Of the mouth (m, target frame).
    rig : Rig
    unseen : float
        Seconds since a face was detected there.
    """
    sight = SightFrame.towards(rig.camera, position)
    base = Detection(
        position=position,
        covariance=sight.covariance(*_MEMORY_DEVIATIONS),
        modalities=Modality.VISUAL,
        box=visible_box(rig.camera, position),
        size_gain=1.0,
    )
    return Candidate(Kind.MEMORY, base, unseen=unseen)


def is_same_head(first: np.ndarray, second: np.ndarray, camera: Camera) -> bool:
    """Tell whether two places (m) can be those of one head, as a camera sees them."""
    return head_distance(first, second, camera) < 1


def head_distance(first: np.ndarray, second: np.ndarray, camera: Camera) -> float:
    """Distance of two places (m), as a camera sees them; up to 1 they can be those of one head."""
    offset = SightFrame.towards(camera, first).offset(second)
    across, along = _SAME_HEAD
    return max(float(np.hypot(offset[0], offset[1])) / across, abs(float(offset[2])) / along)
