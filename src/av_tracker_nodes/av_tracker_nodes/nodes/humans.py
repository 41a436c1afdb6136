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

"""Tracks and faces as REP-155 (ROS4HRI) sees people: faces, voices and persons, each with an id.

A face lasts as long as its tracklet, a voice from the first word of a track to its end, a person
as long as the tracker would recognise them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.association.assignment import optimal
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT
from av_tracker_nodes.geometry.head import overlap, range_of_box
from av_tracker_nodes.types import (
    JUMP,
    Face,
    FaceFrame,
    Modality,
    Track,
    TrackFrame,
    TrackState,
    to_nanoseconds,
)

_LEAST_SIGHTINGS = 3
"""Images in which a face must be found before it is told of."""
_FACE_MEMORY = to_nanoseconds(0.5)
"""A face that is missed for longer than this (ns) has gone, as for the tracklets."""
_LEAST_OVERLAP = 0.2
"""Of the box of a track and that of its face."""
_SELLION_FROM_TOP = 0.4
"""Of the height of a box without landmarks."""
_EYES = slice(0, 2)


def voice_of(track_id: int) -> str:
    """Id of the voice of a track."""
    return f'v{track_id:04d}'


def person_of(track_id: int) -> str:
    """Id of the person of a track."""
    return f'p{track_id:04d}'


def _face_of(tracklet: int) -> str:
    return f'f{tracklet:04d}'


@dataclass(frozen=True)
class Person:
    """Somebody who is known.

    Attributes
    ----------
    track : Track
        The newest one.
    face, voice : str
        Ids; empty for none now.
    confidence : float
        In the location: 1 when seen or heard now, 0 when it is not known.
    """

    track: Track
    face: str = ''
    voice: str = ''
    confidence: float = 0.0


@dataclass
class _Sightings:
    """How often a face was found, and when last (ns)."""

    count: int = 0
    last: int = 0


class Humans:
    """Faces, voices and persons at the time of the last tracks.

    Parameters
    ----------
    memory : float
        A person is known for this long after the end of the track (s).

    Attributes
    ----------
    faces : dict of str to Face
        Those that are tracked, as they look in the newest image by id.
    seen : set of str
        Faces of that image.
    voices : dict of str to Track
    persons : dict of str to Person
        All that are known; where the confidence is zero nobody knows where they are.
    """

    def __init__(self, memory: float = 30.0) -> None:
        self.memory = memory
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self.faces: dict[str, Face] = {}
        self.seen: set[str] = set()
        self.voices: dict[str, Track] = {}
        self.persons: dict[str, Person] = {}
        self._sightings: dict[str, _Sightings] = {}
        self._last_known: dict[str, int] = {}
        self._stamp = 0

    @property
    def tracked(self) -> list[str]:
        """Ids of the persons whose place is known."""
        return [name for name, person in self.persons.items() if person.confidence > 0]

    def update(self, tracks: TrackFrame, faces: FaceFrame | None = None) -> None:
        """Take in the tracks of a stamp, and the faces of its image where there is one."""
        if tracks.stamp < self._stamp - JUMP:
            self.reset()
        self._stamp = max(tracks.stamp, self._stamp)
        self._look(faces)
        known = [track for track in tracks.tracks if track.state != TrackState.TENTATIVE]
        self.voices = {
            voice_of(track.id): track
            for track in known
            if track.is_speaking or voice_of(track.id) in self.voices
        }
        self._know(known)

    def _look(self, faces: FaceFrame | None) -> None:
        found = {} if faces is None else {_face_of(face.tracklet): face for face in faces.faces}
        for name in found:
            sightings = self._sightings.setdefault(name, _Sightings())
            sightings.count += 1
            sightings.last = self._stamp
        self._sightings = {
            name: sightings
            for name, sightings in self._sightings.items()
            if self._stamp - sightings.last <= _FACE_MEMORY
        }
        self.faces = {
            name: face
            for name, face in {**self.faces, **found}.items()
            if name in self._sightings and self._sightings[name].count >= _LEAST_SIGHTINGS
        }
        self.seen = found.keys() & self.faces.keys()

    def _know(self, tracks: list[Track]) -> None:
        faces = self._match(tracks)
        for track in tracks:
            name, voice = person_of(track.id), voice_of(track.id)
            here = track.state == TrackState.CONFIRMED
            self.persons[name] = Person(
                track,
                faces.get(name, ''),
                voice if voice in self.voices else '',
                1.0 if here else track.existence,
            )
            self._last_known[name] = self._stamp
        for name, person in list(self.persons.items()):
            away = self._stamp - self._last_known[name]
            if away > to_nanoseconds(self.memory):
                del self.persons[name], self._last_known[name]
            elif away > 0:
                self.persons[name] = replace(person, face='', voice='', confidence=0.0)

    def _match(self, tracks: list[Track]) -> dict[str, str]:
        """Give the faces of the newest image to the persons whose boxes they fill.

        A person whose face was not found in it keeps the face as long as that is tracked.
        """
        visible = [t for t in tracks if t.box is not None and t.modalities & Modality.VISUAL]
        names = sorted(self.seen)
        shared = overlap(
            np.array([track.box for track in visible]),
            np.array([self.faces[name].box for name in names]),
        )
        pairs = optimal(1 - shared, shared > _LEAST_OVERLAP)
        matched = {person_of(visible[i].id): names[j] for i, j in pairs}
        kept = {
            name: person.face
            for name, person in self.persons.items()
            if person.face in self.faces.keys() - set(matched.values())
        }
        return {**kept, **matched}


def sellion(face: Face, camera: Camera, distance: float | None = None) -> np.ndarray:
    """Place of the nasal root, between the eyes, where REP-155 wants the frame of a face.

    Parameters
    ----------
    face : Face
    camera : Camera
    distance : float, optional
        Of the face from the camera (m); by the size of the box if left out.

    Returns
    -------
    np.ndarray, shape (3,)
        Metres, in the frame of the camera's description.
    """
    left, top, width, height = face.box
    pixel = np.array([left + width / 2, top + _SELLION_FROM_TOP * height])
    if face.landmarks is not None:
        pixel = face.landmarks[_EYES].mean(axis=0)
    if distance is None:
        distance = range_of_box(camera, face.box, DETECTOR_FACE_HEIGHT)
    return camera.centre + distance * camera.rays(pixel)
