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

"""Who is searched for: with a face, without one for a while, or called back by a voice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.fusion.candidates import in_picture
from av_tracker_nodes.fusion.head_memory import (
    Evidence,
    head_distance,
    is_of_a_face,
    is_same_head,
)
from av_tracker_nodes.fusion.ranges import as_far_as
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.types import Detection, to_nanoseconds, to_seconds

_RANGE_STD, _RANGE_DRIFT = 0.1, 0.15
"""Relative deviation of the range of somebody without a detected face, and its growth a second."""
_LONGEST = to_nanoseconds(4.0)
"""A person is followed for this long (ns) without a face or a voice there: what the network finds
then is often not their head. Of 2 s, 4 s and for ever, 4 s was best on validation scenes."""
_MEMORY = to_nanoseconds(10.0)
"""Who was lost is looked for where a voice is for this long (ns)."""
_STEP, _WALK = 0.5, 1.0
"""How far (m) from where somebody was lost a voice may be theirs, and its growth a second."""
_LONG, _STRAYED = to_nanoseconds(1.0), 2.0
"""Without a face for so long (ns), a person may be this much farther off than one head."""


@dataclass(frozen=True)
class Person:
    """Somebody who is searched for.

    Stamps are in ns: when found last, when a face was detected last, and when that or a voice
    told last that it is somebody. The faces that were detected tell whether it is a head.
    """

    position: np.ndarray
    template: np.ndarray
    tracklet: int
    embedding: np.ndarray | None
    found: int
    face: int
    sure: int
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True)
class Sought:
    """A person, the place (m) that is searched about, and what else tells that they are there."""

    person: Person
    place: np.ndarray
    face: Detection | None = None
    heard: bool = False


def parted(
    people: Sequence[Person],
    faces: Sequence[np.ndarray],
    stamp: int,
    rig: Rig,
    patience: float,
) -> tuple[list[Person], list[Person]]:
    """Part people without a face: who is followed on, and who is lost but remembered.

    Only a head whose face was detected well is followed, and nobody where the picture shows one
    of the `faces` (boxes) of others; not longer than `patience` (s) after they were found last.
    """
    followed, lost = [], []
    for person in people:
        box = face_box(rig.camera, person.position)
        if (
            person.evidence.is_head
            and 0 <= stamp - person.found <= to_nanoseconds(patience)
            and stamp - person.sure <= _LONGEST
            and in_picture(box, rig)
            and not is_of_a_face(box, faces)
        ):
            followed.append(person)
        elif 0 <= stamp - person.found <= _MEMORY:
            lost.append(person)
    return followed, lost


def _is_at(place: np.ndarray, heads: Iterable[np.ndarray], rig: Rig) -> bool:
    """Tell whether a place (m) can be that of one of some heads."""
    return any(is_same_head(head, place, rig.camera) for head in heads)


def is_heard(head: np.ndarray, voices: Iterable[Detection], rig: Rig) -> bool:
    """Tell whether one of some voices can be that of a head (m)."""
    return _is_at(head, (as_far_as(voice, head, rig.camera) for voice in voices), rig)


def called_back(
    lost: list[Person],
    people: Sequence[Sought],
    voices: Sequence[Detection],
    stamp: int,
    rig: Rig,
) -> list[Sought]:
    """Take people out of those who were lost: search for the nearest where a voice is."""
    called = []
    for voice in voices:
        known = any(is_heard(each.place, [voice], rig) for each in people)
        near = [
            (float(np.linalg.norm(voice.position - person.position)), k)
            for k, person in enumerate(lost)
        ]
        if known or not near or not in_picture(face_box(rig.camera, voice.position), rig):
            continue
        distance, nearest = min(near)
        if distance <= _STEP + _WALK * to_seconds(stamp - lost[nearest].found):
            person = lost.pop(nearest)
            called.append(Sought(person, _at_voice(person, voice, stamp, rig), heard=True))
    return called


def range_std(person: Person, stamp: int) -> float:
    """Relative deviation of the range of a person whose face is not detected."""
    return float(np.hypot(_RANGE_STD, _RANGE_DRIFT * to_seconds(stamp - person.face)))


def _at_voice(person: Person, voice: Detection, stamp: int, rig: Rig) -> np.ndarray:
    """Place (m) in the direction of a voice, at the range of both it and the person."""
    sight = SightFrame.towards(rig.camera, voice.position)
    by_sound = sight.deviations(voice.covariance)[1] ** 2
    before = range_std(person, stamp) ** 2
    towards = np.log(np.linalg.norm(person.position - rig.camera.centre) / sight.range)
    return sight.place(np.array([0.0, 0.0, towards * by_sound / (by_sound + before)]))


def owners_of(
    people: list[Person], faces: Sequence[Detection], stamp: int, rig: Rig
) -> dict[int, Person]:
    """Take the people whom faces go on with out of a list.

    The same tracklet, else the same head, else the nearest who has had no face for long: results
    drift meanwhile, and a face that appears beside them is theirs, not that of a second person.
    """
    owners = {}
    for index, face in enumerate(faces):
        same = [k for k, person in enumerate(people) if 0 < person.tracklet == face.tracklet]
        if same:
            owners[index] = people.pop(same[0])
    for reach, unseen in ((1.0, 0), (_STRAYED, _LONG)):
        for index, face in enumerate(faces):
            near = [
                (head_distance(person.position, face.position, rig.camera), k)
                for k, person in enumerate(people)
                if stamp - person.face >= unseen
            ]
            if index not in owners and near and min(near)[0] < reach:
                owners[index] = people.pop(min(near)[1])
    return owners


def one_each(
    judged: Sequence[tuple[Person, Detection | None]], stamp: int, rig: Rig
) -> tuple[list[Person], list[Detection]]:
    """Of several who were found at one head leave one: who has a face, else the best quality.

    Who is found at the head of somebody else, and has no face, was lost: nobody goes on searching
    for two people where there is one. Who was not found at all is still searched for.
    """
    people = [person for person, detection in judged if detection is None]
    found = [(person, detection) for person, detection in judged if detection is not None]
    found.sort(key=lambda pair: (pair[0].face < stamp, -pair[1].quality))
    kept: list[Detection] = []
    for person, detection in found:
        alone = not _is_at(detection.position, (each.position for each in kept), rig)
        if alone:
            kept.append(detection)
        if alone or person.face == stamp:
            people.append(person)
    return people, kept
