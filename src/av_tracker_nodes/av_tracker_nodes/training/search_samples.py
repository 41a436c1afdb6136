# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Training samples for Siamese networks: people to be found again, with where they really are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, Kind, find_candidates
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import remembered
from av_tracker_nodes.fusion.search import (
    HISTORY,
    SearchArrays,
    search_arrays,
    template_crop,
)
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import face_box, mouth_pixel
from av_tracker_nodes.training.clips import Clip, ClipFrame
from av_tracker_nodes.training.disturbances import (
    Disturbance,
    disturbed_pictures,
    without_some_faces,
)
from av_tracker_nodes.training.truths import SEEN, faces_of_people, is_pictured, true_positions
from av_tracker_nodes.types import AcousticMap

_FARTHEST = 1.6
"""Offsets of the search crop stay below this (face heights): the mouth is in it."""


@dataclass(frozen=True)
class SearchSample:
    """People of one image, n of them, and where they are.

    Attributes
    ----------
    arrays : SearchArrays
    offset : np.ndarray, shape (n, 2)
        From the centre of the search crop to the mouth (face heights right, down).
    visible : np.ndarray, shape (n,), bool
        Whether the head is seen.
    speaking : np.ndarray, shape (n,)
        1 or 0; NaN without a label.
    """

    arrays: SearchArrays
    offset: np.ndarray
    visible: np.ndarray
    speaking: np.ndarray


@dataclass(frozen=True)
class Displacement:
    """How far a search is off; deviations.

    Attributes
    ----------
    search, template : float
        Of the centres of the crops (face heights).
    size : float
        Of their sizes (log).
    """

    search: float = 0.35
    template: float = 0.08
    size: float = 0.1


class SearchSource:
    """Draws people from clips, with templates from earlier images of the same take.

    Parameters
    ----------
    clips : sequence of Clip
    disturbance : Disturbance
    displacement : Displacement
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        disturbance: Disturbance,
        displacement: Displacement | None = None,
    ) -> None:
        self.clips = clips
        self._disturbance = disturbance
        self._displacement = displacement or Displacement()
        self._geometric = GeometricFusion()
        self.index = [(c, f) for c, clip in enumerate(clips) for f in range(len(clip.frames))]

    def __len__(self) -> int:
        """Count the images."""
        return len(self.index)

    def draw(self, number: int, rng: np.random.Generator) -> SearchSample:
        """Make a sample of an image: everybody in it who was seen before in its take.

        Parameters
        ----------
        number : int
            Of the image.
        rng : np.random.Generator
        """
        c, f = self.index[number]
        clip, how = self.clips[c], self._disturbance
        frame = without_some_faces(clip.frames[f], how.missed, rng)
        history = _history(clip, f)
        if rng.uniform() < how.deaf:
            history = [sound.silenced() for sound in history]
            frame = replace(frame, sound=history[-1])
        image = frame.image
        if rng.uniform() < how.blind:
            image = np.zeros_like(image)
        places = true_positions(frame.people, clip.rig)
        faces = self._faces(frame, places, clip.rig)
        rows, people = [], []
        for person in np.flatnonzero(is_pictured(frame.people, clip.rig)):
            template = self._template(clip, f, person, rng)
            if template is None:
                continue
            candidate = self._candidate(places[person], faces.get(person), clip.rig, rng)
            rows.append(search_arrays(candidate, template, image, history, clip.rig))
            people.append((person, candidate.base.box))
        offsets = [
            (frame.people.pixel[person] - mouth_pixel(box)) / box[3] for person, box in people
        ]
        who = [person for person, _ in people]
        arrays = SearchArrays.joined(rows)
        arrays = replace(arrays, searches=disturbed_pictures(arrays.searches, how, rng))
        return SearchSample(
            arrays,
            np.reshape(offsets, (-1, 2)),
            frame.people.visible[who] > SEEN,
            frame.people.speaking[who],
        )

    def _faces(self, frame: ClipFrame, places: np.ndarray, rig: Rig) -> dict[int, Candidate]:
        """Name the detected face of each person."""
        geometric = self._geometric.process(frame.faces, frame.sound, rig)
        candidates = find_candidates(frame.faces, frame.sound, geometric)
        return faces_of_people(candidates, places, rig)

    def _template(
        self, clip: Clip, f: int, person: int, rng: np.random.Generator
    ) -> np.ndarray | None:
        """Cut a head out of an image of the take in which it is seen, this one or an earlier."""
        take = clip.frames[f].take
        seen = [
            k
            for k in range(max(f - HISTORY, 0), f + 1)
            if clip.frames[k].take == take and clip.frames[k].people.visible[person] > SEEN
        ]
        if not seen:
            return None
        frame = clip.frames[int(rng.choice(seen))]
        place = true_positions(frame.people, clip.rig)[person]
        off = self._displacement
        place = _shifted(place, off.template, off.size, clip.rig, rng)
        return template_crop(frame.image, face_box(clip.rig.camera, place))

    def _candidate(
        self, place: np.ndarray, face: Candidate | None, rig: Rig, rng: np.random.Generator
    ) -> Candidate:
        """Think of somebody as near by, as a tracker does."""
        off = self._displacement
        unseen = 0.0 if face is not None else float(rng.exponential(0.5))
        candidate = remembered(_shifted(place, off.search, off.size, rig, rng), rig, unseen)
        if face is None:
            return candidate
        base = replace(candidate.base, speaking=face.base.speaking)
        return Candidate(Kind.FACE, base, sound=face.sound)


def _history(clip: Clip, f: int) -> list[AcousticMap]:
    """Return the maps of the take up to an image, the newest at the end."""
    take = clip.frames[f].take
    return [
        clip.frames[k].sound
        for k in range(max(f - HISTORY + 1, 0), f + 1)
        if clip.frames[k].take == take
    ]


def _shifted(
    place: np.ndarray, across: float, size: float, rig: Rig, rng: np.random.Generator
) -> np.ndarray:
    """Move a place (m) across the line of sight (face heights) and along it (log range)."""
    shift = rng.normal(size=3) * [across, across, size]
    shift[:2] = np.clip(shift[:2], -_FARTHEST, _FARTHEST)
    return SightFrame.towards(rig.camera, place).place(shift)
