# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Heads that were there a moment ago: where to look for those that the face detector misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, Kind, in_picture
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Camera, Rig
from av_tracker_nodes.geometry.head import visible_box
from av_tracker_nodes.types import Detection, Modality, to_nanoseconds, to_seconds

_MEMORY_DEVIATIONS = 0.25, 0.1
"""Deviations that a remembered place is given, across (face heights) and along (log range)."""

_SAME_HEAD = 0.8, 0.35
"""Two places are those of one head within this, across (face heights) and along (log range)."""
_PATIENCE = to_nanoseconds(0.6)
"""A head that is not seen is looked for this long (ns): somebody may have walked past it."""


@dataclass(frozen=True)
class _Head:
    """Where a head was seen last, when, and when its face was detected last (ns)."""

    position: np.ndarray
    tracklet: int
    embedding: np.ndarray | None
    seen: int
    face: int


class HeadMemory:
    """Remembers seen heads from image to image."""

    def __init__(self) -> None:
        self._heads: list[_Head] = []

    def reset(self) -> None:
        """Forget all heads."""
        self._heads = []

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
        tracklets = {face.tracklet for face in faces}
        self._heads = [
            head
            for head in self._heads
            if 0 <= stamp - head.seen <= _PATIENCE
            and (head.tracklet == 0 or head.tracklet not in tracklets)
            and not any(is_same_head(head.position, face.position, rig.camera) for face in faces)
        ]
        candidates = [self._candidate(head, stamp, rig) for head in self._heads]
        return [each for each in candidates if in_picture(each.base.box, rig)]

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
        before, self._heads = self._heads, []
        for kind, detection in seen:
            old = self._take(before, detection, rig.camera)
            face = stamp if kind == Kind.FACE or old is None else old.face
            tracklet = detection.tracklet or (old.tracklet if old else 0)
            self._heads.append(
                _Head(detection.position, tracklet, detection.embedding, stamp, face)
            )
        self._heads += before

    def _take(self, heads: list[_Head], detection: Detection, camera: Camera) -> _Head | None:
        """Take the head that a detection goes on with out of a list."""
        for index, head in enumerate(heads):
            if is_same_head(head.position, detection.position, camera):
                return heads.pop(index)
        return None

    def _candidate(self, head: _Head, stamp: int, rig: Rig) -> Candidate:
        unseen = to_seconds(stamp - head.face)
        candidate = remembered(head.position, rig, unseen)
        base = replace(candidate.base, tracklet=head.tracklet, embedding=head.embedding)
        return replace(candidate, base=base)


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
