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

"""Training samples for Siamese networks: people to be found again, with where they really are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, Kind, in_picture
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
from av_tracker_nodes.research.training.clip_source import ClipSource
from av_tracker_nodes.research.training.clips import Clip, ClipFrame
from av_tracker_nodes.research.training.disturbances import (
    Disturbance,
    disturbed_pictures,
    occluded,
    without_some_faces,
)
from av_tracker_nodes.research.training.truths import (
    SEEN,
    faces_of_people,
    is_pictured,
    true_positions,
)
from av_tracker_nodes.types import AcousticMap

_FARTHEST = 1.6
"""Offsets of the search crop stay below this (face heights): the mouth is in it."""


@dataclass(frozen=True)
class SearchSample:
    """People of one image, n of them, and where they are.

    Attributes
    ----------
    arrays : SearchArrays
        What a network is given.
    complete : SearchArrays
        The same crops of what was recorded, nothing taken away.
    offset : np.ndarray, shape (n, 2)
        From the centre of the search crop to the mouth (face heights right, down).
    visible : np.ndarray, shape (n,), bool
        Whether the head is seen in the complete picture.
    speaking : np.ndarray, shape (n,)
        1 or 0; NaN without a label.
    """

    arrays: SearchArrays
    complete: SearchArrays
    offset: np.ndarray
    visible: np.ndarray
    speaking: np.ndarray


@dataclass(frozen=True)
class _View:
    """An image with what was heard, as a network is given it."""

    image: np.ndarray
    history: list[AcousticMap]
    faces: dict[int, Candidate]


@dataclass(frozen=True)
class _Sought:
    """Somebody who is searched for: truth, thought place (m), template, seconds unseen."""

    person: int
    place: np.ndarray
    template: np.ndarray
    unseen: float

    def arrays(self, view: _View, rig: Rig) -> SearchArrays:
        face = view.faces.get(self.person)
        candidate = remembered(self.place, rig, 0.0 if face is not None else self.unseen)
        if face is not None:
            base = replace(candidate.base, speaking=face.base.speaking)
            candidate = Candidate(Kind.FACE, base, sound=face.sound)
        return search_arrays(candidate, self.template, view.image, view.history, rig)


@dataclass(frozen=True)
class Displacement:
    """How far a search is off; deviations.

    Attributes
    ----------
    search, template : float
        Of the centres of the crops (face heights); people whose face is detected are searched for
        about that. Templates are off by so much because they drift while they are renewed.
    size : float
        Of their sizes (log).
    """

    search: float = 0.35
    template: float = 0.2
    size: float = 0.1


class SearchSource(ClipSource):
    """Draws people from clips, with templates from earlier images of the same take.

    Parameters
    ----------
    clips : sequence of Clip
    disturbance : Disturbance
    displacement : Displacement
    paired : bool
        Samples hold what is complete too; else it is empty.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        disturbance: Disturbance,
        displacement: Displacement | None = None,
        paired: bool = False,
    ) -> None:
        super().__init__(clips, disturbance)
        self._displacement = displacement or Displacement()
        self._paired = paired

    def draw(self, number: int, rng: np.random.Generator) -> SearchSample:
        """Make a sample of an image: everybody in it who was seen before in its take."""
        c, f = self.index[number]
        clip, how = self.clips[c], self._disturbance
        rig, frame = clip.rig, clip.frames[f]
        places = true_positions(frame.people, rig)
        whole = _View(frame.image, _history(clip, f), self._faces(frame, places, rig))
        view = self._disturbed(whole, clip, f, places, rng)
        sought = [
            self._seek(clip, f, int(person), places[person], view, rng)
            for person in np.flatnonzero(is_pictured(frame.people, rig))
        ]
        sought = [each for each in sought if each is not None]
        arrays = SearchArrays.joined([each.arrays(view, rig) for each in sought])
        boxes = np.reshape([face_box(rig.camera, each.place) for each in sought], (-1, 4))
        who = [each.person for each in sought]
        return SearchSample(
            replace(arrays, searches=disturbed_pictures(arrays.searches, how, rng)),
            SearchArrays.joined([each.arrays(whole, rig) for each in sought if self._paired]),
            (frame.people.pixel[who] - mouth_pixel(boxes)) / boxes[:, 3:],
            frame.people.visible[who] > SEEN,
            frame.people.speaking[who],
        )

    def _disturbed(
        self, whole: _View, clip: Clip, f: int, places: np.ndarray, rng: np.random.Generator
    ) -> _View:
        """Take something away of what was recorded: sight, sound, faces, half of them."""
        how, frame = self._disturbance, clip.frames[f]
        image, history = whole.image, whole.history
        frame = without_some_faces(frame, how.missed, rng)
        if frame.local is not None and rng.uniform() < how.local:
            history = _history(clip, f, local=True)
        if rng.uniform() < how.occluded:
            image, frame = occluded(image, frame)
        if rng.uniform() < how.sound_dropout:
            history = [sound.silenced() for sound in history]
        if rng.uniform() < how.image_dropout:
            image = np.zeros_like(image)
        heard = {face.tracklet for face in frame.faces.faces}
        sounds = tuple(each for each in history[-1].faces if each.tracklet in heard)
        frame = replace(frame, sound=replace(history[-1], faces=sounds))
        return _View(image, history, self._faces(frame, places, clip.rig))

    def _seek(
        self,
        clip: Clip,
        f: int,
        person: int,
        place: np.ndarray,
        view: _View,
        rng: np.random.Generator,
    ) -> _Sought | None:
        """Think of somebody as where the face is, or else as near by.

        None without a template, and where nobody is searched for at run time either: outside the
        picture, and where the lens draws no whole face.
        """
        template = self._template(clip, f, person, rng)
        if template is None:
            return None
        off, face = self._displacement, view.faces.get(person)
        thought = _shifted(place, off.search, off.size, clip.rig, rng)
        if face is not None:
            thought = face.base.position
        if not in_picture(face_box(clip.rig.camera, thought), clip.rig):
            return None
        return _Sought(person, thought, template, float(rng.exponential(0.5)))

    def _faces(self, frame: ClipFrame, places: np.ndarray, rig: Rig) -> dict[int, Candidate]:
        """Name the detected face of each person."""
        return faces_of_people(self.find(frame, rig), places, rig)

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
        box = face_box(clip.rig.camera, place)
        return template_crop(frame.image, box) if in_picture(box, clip.rig) else None


def _history(clip: Clip, f: int, local: bool = False) -> list[AcousticMap]:
    """Return the maps of the take up to an image, the newest at the end."""
    frames = [
        frame
        for frame in clip.frames[max(f - HISTORY + 1, 0) : f + 1]
        if frame.take == clip.frames[f].take
    ]
    return [frame.local if local else frame.sound for frame in frames]


def _shifted(
    place: np.ndarray, across: float, size: float, rig: Rig, rng: np.random.Generator
) -> np.ndarray:
    """Move a place (m) across the line of sight (face heights) and along it (log range)."""
    shift = rng.normal(size=3) * [across, across, size]
    shift[:2] = np.clip(shift[:2], -_FARTHEST, _FARTHEST)
    return SightFrame.towards(rig.camera, place).place(shift)
