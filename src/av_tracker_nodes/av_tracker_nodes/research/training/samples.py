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

"""Training samples: candidates of single images, disturbed, with what is true of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.fusion.candidates import (
    Candidate,
    CandidateArrays,
    Kind,
    candidate_arrays,
)
from av_tracker_nodes.fusion.head_memory import remembered
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.research.training.clip_source import ClipSource
from av_tracker_nodes.research.training.clips import Clip, ClipFrame
from av_tracker_nodes.research.training.disturbances import (
    Disturbance,
    disturbed_pictures,
    without_some_faces,
)
from av_tracker_nodes.research.training.nobody import (
    Nobody,
    drifted,
    false_memories,
    with_false_faces,
)
from av_tracker_nodes.research.training.truths import (
    NOBODY,
    SEEN,
    faces_of_people,
    is_pictured,
    true_positions,
    truth_of,
)

SLOTS = 8
"""Candidates of one image at most."""


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
        From the candidate to the person, see `truths.truth_of`; zero for nobody.
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


class SampleSource(ClipSource):
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
        super().__init__(clips, disturbance)
        self._neighbours = neighbours

    def draw(self, number: int, rng: np.random.Generator) -> Sample:
        """Make a sample of an image; see `ClipSource.draw`."""
        c, f = self.index[number]
        clip, how = self.clips[c], self._disturbance
        frame = without_some_faces(clip.frames[f], how.missed, rng)
        places = true_positions(frame.people, clip.rig)
        nobody = Nobody(clip.rig, places[is_pictured(frame.people, clip.rig)])
        frame = with_false_faces(frame, clip, nobody, how, rng)
        if rng.uniform() < how.sound_dropout:
            frame = replace(frame, sound=frame.sound.silenced())
        candidates = self._candidates(frame, places, nobody, rng)
        image = None if rng.uniform() < how.image_dropout else frame.image
        arrays = candidate_arrays(candidates, frame.sound, clip.rig, image)
        seen = frame.people.visible > (SEEN if image is not None else np.inf)
        person, offset, visible = _truths(candidates, places, seen, clip.rig)
        somebody = person != NOBODY
        speaking = np.zeros(len(person))
        speaking[somebody] = frame.people.speaking[person[somebody]]
        rows, neighbour = self._neighbour(c, f, person, visible, rng)
        return Sample(
            replace(arrays, crops=disturbed_pictures(arrays.crops, how, rng)),
            np.array([candidate.kind for candidate in candidates], int),
            person,
            offset,
            visible,
            speaking,
            neighbour,
            rows,
        )

    def _candidates(
        self, frame: ClipFrame, places: np.ndarray, nobody: Nobody, rng: np.random.Generator
    ) -> list[Candidate]:
        """Name faces and voices, and heads that are remembered, rightly and wrongly."""
        how, rig = self._disturbance, nobody.rig
        candidates = self.find(frame, rig)
        found = faces_of_people(candidates, places, rig)
        memories = []
        for person, pictured in enumerate(is_pictured(frame.people, rig)):
            likely = how.remembered if person in found else how.unseen_remembered
            if pictured and rng.uniform() < likely:
                place = drifted(places[person], rig, how, rng)
                memories.append(remembered(place, rig, float(rng.exponential(1.0))))
        mistaken = [truth_of(each, places, rig)[0] == NOBODY for each in candidates]
        memories += false_memories(candidates, mistaken, nobody, how, rng)
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
        there = faces_of_people(self.find(frame, clip.rig), places, clip.rig)
        rows = [
            row for row, who in enumerate(person) if visible[row] and who in there and who >= 0
        ]
        if not rows:
            return nothing
        arrays = candidate_arrays(
            [there[person[row]] for row in rows], frame.sound, clip.rig, frame.image
        )
        crops = disturbed_pictures(arrays.crops, self._disturbance, rng)
        return np.array(rows), replace(arrays, crops=crops)


def _truths(
    candidates: Sequence[Candidate], places: np.ndarray, seen: np.ndarray, rig: Rig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tell whom candidates stand for, the offsets to them, and whether their heads are seen.

    Who is remembered and is not seen is nobody: a picture of what hides them shows no head, and a
    network that calls it one believes in every memory.

    Returns
    -------
    person : np.ndarray, shape (n,), int
    offset : np.ndarray, shape (n, 3)
    visible : np.ndarray, shape (n,), bool
    """
    truths = [truth_of(candidate, places, rig) for candidate in candidates]
    person = np.array([who for who, _ in truths], int)
    offset = np.array([offset for _, offset in truths]).reshape(-1, 3)
    somebody = person != NOBODY
    visible = np.zeros(len(person), bool)
    visible[somebody] = seen[person[somebody]]
    visible &= np.isfinite(offset).all(axis=1)
    memory = np.array([candidate.kind == Kind.MEMORY for candidate in candidates], bool)
    person[memory & ~visible] = NOBODY
    offset[memory & ~visible] = 0.0
    return person, offset, visible
