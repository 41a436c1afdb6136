# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Training samples: candidates of single images, disturbed, with what is true of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from av_tracker_nodes.fusion.candidates import (
    Candidate,
    CandidateArrays,
    Kind,
    candidate_arrays,
    find_candidates,
)
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import remembered
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.training.clips import Clip, ClipFrame, PeopleTruth

SLOTS = 8
"""Candidates of one image at most."""

NOBODY = -1

_REACH = {Kind.FACE: 1.0, Kind.MEMORY: 1.0, Kind.VOICE: 3.0}
"""A candidate stands for somebody within this distance across (face heights)."""
_LONGEST_RANGE_ERROR = 0.7
_SEEN = 0.4


@dataclass(frozen=True)
class Disturbance:
    """How samples differ from what was recorded; probabilities unless said otherwise.

    Attributes
    ----------
    missed : float
        A face is overlooked.
    remembered, unseen_remembered : float
        There is a memory of somebody whose face is detected, and of somebody else.
    false_memory : float
        There is a memory of nobody.
    across, along : float
        Deviations of memories (face heights, log range).
    blind, deaf : float
        There is no picture, no sound.
    covered : float
        A part of a picture of a candidate is covered.
    blurred : float
        A picture of a candidate is blurred.
    light : float
        Deviation of brightness and contrast (log).
    """

    missed: float = 0.1
    remembered: float = 0.1
    unseen_remembered: float = 0.8
    false_memory: float = 0.5
    across: float = 0.25
    along: float = 0.1
    blind: float = 0.05
    deaf: float = 0.08
    covered: float = 0.1
    blurred: float = 0.1
    light: float = 0.15


UNDISTURBED = Disturbance(0.0, 0.0, 1.0, 0.5, 0.15, 0.08, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Recordings as they are, with the memories that a tracker would have: for validation."""


@dataclass(frozen=True)
class Sample:
    """Candidates of one image, n of them, and what is true.

    Attributes
    ----------
    arrays : CandidateArrays
    kind : np.ndarray, shape (n,), int
    person : np.ndarray, shape (n,), int
        Row of the person of the clip; `NOBODY` for none.
    offset : np.ndarray, shape (n, 3)
        From the candidate to the person, see `SightFrame`; zero for nobody.
    visible : np.ndarray, shape (n,), bool
    speaking : np.ndarray, shape (n,)
        1 or 0; NaN without a label.
    neighbour : CandidateArrays or None
        The same people up to n+ images away, for the rows of `neighbour_of`.
    neighbour_of : np.ndarray, shape (m,), int
    """

    arrays: CandidateArrays
    kind: np.ndarray
    person: np.ndarray
    offset: np.ndarray
    visible: np.ndarray
    speaking: np.ndarray
    neighbour: CandidateArrays | None
    neighbour_of: np.ndarray


class SampleSource:
    """Draws samples from clips.

    Parameters
    ----------
    clips : sequence of Clip
    disturbance : Disturbance
    neighbours : int
        Images that a positive sample is away at most (n+); 0 for none.
    """

    def __init__(
        self, clips: Sequence[Clip], disturbance: Disturbance, neighbours: int = 3
    ) -> None:
        self.clips = clips
        self._disturbance = disturbance
        self._neighbours = neighbours
        self._geometric = GeometricFusion()
        self.index = [(c, f) for c, clip in enumerate(clips) for f in range(len(clip.frames))]

    def __len__(self) -> int:
        """Count the images."""
        return len(self.index)

    def draw(self, number: int, rng: np.random.Generator) -> Sample:
        """Make a sample of an image.

        Parameters
        ----------
        number : int
            Of the image.
        rng : np.random.Generator
        """
        c, f = self.index[number]
        clip, how = self.clips[c], self._disturbance
        frame = _without_some_faces(clip.frames[f], how.missed, rng)
        if rng.uniform() < how.deaf:
            frame = replace(frame, sound=frame.sound.silenced())
        places = true_positions(frame.people, clip.rig)
        candidates = self._candidates(frame, places, clip.rig, rng)
        image = None if rng.uniform() < how.blind else frame.image
        arrays = candidate_arrays(candidates, frame.sound, clip.rig, image)
        truths = [truth_of(candidate, places, clip.rig) for candidate in candidates]
        person = np.array([who for who, _ in truths], int)
        somebody = person != NOBODY
        visible = np.zeros(len(person), bool)
        visible[somebody] = (frame.people.visible > _SEEN)[person[somebody]] & (image is not None)
        speaking = np.zeros(len(person))
        speaking[somebody] = frame.people.speaking[person[somebody]]
        rows, neighbour = self._neighbour(c, f, person, visible, rng)
        return Sample(
            replace(arrays, crops=_pictures(arrays.crops, how, rng)),
            np.array([candidate.kind for candidate in candidates], int),
            person,
            np.array([offset for _, offset in truths]).reshape(-1, 3),
            visible,
            speaking,
            neighbour,
            rows,
        )

    def _find(self, frame: ClipFrame, rig: Rig) -> list[Candidate]:
        """Name faces and voices, as at run time."""
        geometric = self._geometric.process(frame.faces, frame.sound, rig)
        return find_candidates(frame.faces, frame.sound, geometric)

    def _candidates(
        self, frame: ClipFrame, places: np.ndarray, rig: Rig, rng: np.random.Generator
    ) -> list[Candidate]:
        candidates = self._find(frame, rig)
        found = _people_with_faces(candidates, places, rig)
        how = self._disturbance
        memories = []
        for person, pictured in enumerate(_pictured(frame.people, rig)):
            likely = how.remembered if person in found else how.unseen_remembered
            if pictured and rng.uniform() < likely:
                memories.append(_memory_of(places[person], rig, how, rng))
        if rng.uniform() < how.false_memory:
            memories.append(_memory_of_nobody(rig, rng))
        return [*candidates, *memories][:SLOTS]

    def _neighbour(
        self,
        c: int,
        f: int,
        person: np.ndarray,
        visible: np.ndarray,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, CandidateArrays | None]:
        """Measure the faces of the same people in an image close by."""
        clip, nothing = self.clips[c], (np.zeros(0, int), None)
        if self._neighbours == 0:
            return nothing
        step = int(rng.integers(1, self._neighbours + 1)) * int(rng.choice([-1, 1]))
        if not 0 <= f + step < len(clip.frames) or clip.frames[f + step].take != (
            clip.frames[f].take
        ):
            return nothing
        frame = clip.frames[f + step]
        places = true_positions(frame.people, clip.rig)
        there = _people_with_faces(self._find(frame, clip.rig), places, clip.rig)
        rows = [
            row for row, who in enumerate(person) if visible[row] and who in there and who >= 0
        ]
        if not rows:
            return nothing
        arrays = candidate_arrays(
            [there[person[row]] for row in rows], frame.sound, clip.rig, frame.image
        )
        crops = _pictures(arrays.crops, self._disturbance, rng)
        return np.array(rows), replace(arrays, crops=crops)


def true_positions(people: PeopleTruth, rig: Rig) -> np.ndarray:
    """Where the mouths are: along the rays on which the picture shows them, if it does.

    Returns
    -------
    np.ndarray, shape (people, 3)
        Metres, target frame.
    """
    places, pictured = people.mouth.copy(), _pictured(people, rig)
    centre = rig.camera.centre
    ranges = np.linalg.norm(people.mouth[pictured] - centre, axis=1, keepdims=True)
    places[pictured] = centre + ranges * rig.camera.rays(people.pixel[pictured])
    return places


def _pictured(people: PeopleTruth, rig: Rig) -> np.ndarray:
    return rig.camera.contains(np.nan_to_num(people.pixel, nan=-1.0))


def truth_of(candidate: Candidate, places: np.ndarray, rig: Rig) -> tuple[int, np.ndarray]:
    """Tell whom a candidate stands for, and the offset to that person.

    Parameters
    ----------
    candidate : Candidate
    places : np.ndarray, shape (people, 3)
        See `true_positions`.
    rig : Rig

    Returns
    -------
    int
        Row of the person; `NOBODY` for none.
    np.ndarray, shape (3,)
        See `SightFrame`.
    """
    sight = SightFrame.towards(rig.camera, candidate.base.position)
    best, nearest, offset = NOBODY, _REACH[candidate.kind], np.zeros(3)
    for person, place in enumerate(places):
        towards = sight.offset(place)
        across = float(np.hypot(*towards[:2]))
        if across < nearest and abs(towards[2]) < _LONGEST_RANGE_ERROR:
            best, nearest, offset = person, across, towards
    return best, offset


def _people_with_faces(
    candidates: Sequence[Candidate], places: np.ndarray, rig: Rig
) -> dict[int, Candidate]:
    """Name the face of each person; `NOBODY` has those that are none."""
    return {
        truth_of(candidate, places, rig)[0]: candidate
        for candidate in candidates
        if candidate.kind == Kind.FACE
    }


def _memory_of(
    place: np.ndarray, rig: Rig, how: Disturbance, rng: np.random.Generator
) -> Candidate:
    sight = SightFrame.towards(rig.camera, place)
    shift = rng.normal(size=3) * [how.across, how.across, how.along]
    return remembered(sight.place(shift), rig, float(rng.exponential(1.0)))


def _memory_of_nobody(rig: Rig, rng: np.random.Generator) -> Candidate:
    pixel = rng.uniform([0.0, 0.0], np.array(rig.camera.size) - 1.0)
    position = rig.camera.centre + rng.uniform(1.0, 5.0) * rig.camera.rays(pixel)
    return remembered(position, rig, float(rng.exponential(1.0)))


def _without_some_faces(frame: ClipFrame, missed: float, rng: np.random.Generator) -> ClipFrame:
    kept = [face for face in frame.faces.faces if rng.uniform() >= missed]
    if len(kept) == len(frame.faces.faces):
        return frame
    tracklets = {face.tracklet for face in kept}
    sounds = tuple(heard for heard in frame.sound.faces if heard.tracklet in tracklets)
    return replace(
        frame,
        faces=replace(frame.faces, faces=tuple(kept)),
        sound=replace(frame.sound, faces=sounds),
    )


def _pictures(crops: np.ndarray, how: Disturbance, rng: np.random.Generator) -> np.ndarray:
    """Change light, sharpness and cover of pictures (n, size, size, 3)."""
    changed = crops.copy()
    for crop in changed:
        if how.light:
            gain, shift = np.exp(rng.normal(0, how.light)), rng.normal(0, 60 * how.light)
            tint = np.exp(rng.normal(0, how.light / 3, 3))
            levels = np.clip((np.arange(256.0)[:, None] - 128) * gain * tint + 128 + shift, 0, 255)
            cv2.LUT(crop, levels.astype(np.uint8).reshape(256, 1, 3), dst=crop)
        if rng.uniform() < how.blurred:
            crop[:] = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.6, 2.0))
        if rng.uniform() < how.covered:
            _cover(crop, rng)
    return changed


def _cover(crop: np.ndarray, rng: np.random.Generator) -> None:
    size = len(crop)
    width, height = rng.integers(size // 6, size // 2, 2)
    left, top = rng.integers(0, size - width), rng.integers(0, size - height)
    crop[top : top + height, left : left + width] = rng.integers(0, 256, 3)
