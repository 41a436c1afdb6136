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

"""Fusion by a Siamese network: everybody whose face was found is searched for in every image.

As STNet's extension to several speakers has it: one instance a face tracklet, started from a
detection and never from the truth; the predicted quality of a result decides whether the template
is renewed by it, kept, or the person is taken from the face detector again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.candidates import SOUND_FEATURES, Candidate, Kind, in_picture
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import (
    Evidence,
    followed_quality,
    head_distance,
    is_of_a_face,
    is_same_head,
    remembered,
)
from av_tracker_nodes.fusion.network_session import NetworkSession, probability
from av_tracker_nodes.fusion.quality import QualityThresholds, expected_error
from av_tracker_nodes.fusion.ranges import as_far_as, ranged
from av_tracker_nodes.fusion.search import (
    FACE_PIXELS,
    FOUND,
    HISTORY,
    SEARCH_SIZE,
    SOUND_MAP_SIZE,
    SOUND_MAPS,
    TEMPLATE_SIZE,
    SearchArrays,
    found_pixel,
    search_arrays,
    template_crop,
)
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD, face_box, visible_box
from av_tracker_nodes.types import (
    AcousticMap,
    Detection,
    DetectionFrame,
    FaceFrame,
    Modality,
    log_odds,
    to_nanoseconds,
    to_seconds,
)

_PATIENCE = to_nanoseconds(0.6)
"""A person whom neither network nor detector finds is searched for this long (ns)."""
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
_LEAST_ERROR = 1.0
"""Least deviation of a found pixel, in pixels of the search crop."""


@dataclass(frozen=True)
class _Person:
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
class _Sought:
    """A person, the place (m) that is searched about, and what else tells that they are there."""

    person: _Person
    place: np.ndarray
    face: Detection | None = None
    heard: bool = False


class SiameseFusion(FusionModel):
    """Searches for everybody whose face was found; voices come from geometry.

    Parameters
    ----------
    network : NetworkSession

    Attributes
    ----------
    thresholds : QualityThresholds
    decisions : dict of str to int
        How often templates were updated and kept, and people reset from detections.
    """

    needs_image = True
    follows_heads = True
    inputs: ClassVar = {
        'templates': (TEMPLATE_SIZE, TEMPLATE_SIZE, 3),
        'searches': (SEARCH_SIZE, SEARCH_SIZE, 3),
        'maps': (SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE),
        'sound': (SOUND_FEATURES,),
    }

    predicted = FOUND

    def __init__(self, network: NetworkSession) -> None:
        super().__init__()
        self.network = network
        facts = network.facts
        self.measure = facts.get('measure', 'vggcf')
        self.thresholds = network.thresholds(QualityThresholds)
        self.decisions = {'update': 0, 'keep': 0, 'reset': 0}
        self._geometric = GeometricFusion(self.measure, size_alone=True)
        self._forget()

    @property
    def device(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self.network.device

    def reset(self) -> None:
        """Forget everybody, and the maps of earlier images."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._people: list[_Person] = []
        self._history: deque[AcousticMap] = deque(maxlen=HISTORY)

    def detect(
        self, faces: FaceFrame, sound: AcousticMap, rig: Rig, image: np.ndarray | None = None
    ) -> DetectionFrame:
        """Detect people, without an image by geometry; see :meth:`FusionModel.detect`.

        People are searched for at the size that their faces have; depth and sound of the faces of
        the image move what was found (see `ranges`).
        """
        self._history.append(sound)
        geometric = self._geometric.detect(faces, sound, rig)
        found = geometric.detections
        if image is not None:
            found = self._follow(faces, sound, geometric, rig, image)
        shown = {face.tracklet: face for face in faces.faces}
        heard = {each.tracklet: each for each in sound.faces}
        detections = tuple(
            ranged(each, shown.get(each.tracklet), heard.get(each.tracklet), rig.camera)
            if each.modalities & Modality.VISUAL
            else each
            for each in found
        )
        return replace(geometric, detections=detections)

    def _follow(
        self,
        faces: FaceFrame,
        sound: AcousticMap,
        geometric: DetectionFrame,
        rig: Rig,
        image: np.ndarray,
    ) -> list[Detection]:
        """Search for everybody, and place them by sight alone."""
        count, stamp = len(faces.faces), faces.stamp
        seen, voices = geometric.detections[:count], geometric.detections[count:]
        pictured = [face for face in seen if face.box is not None]
        people, missing = self._adopt(stamp, pictured, rig, image)
        followed, lost = _parted(missing, [face.box for face in pictured], stamp, rig)
        people += [
            _Sought(person, person.position, heard=_is_heard(person.position, voices, rig))
            for person in followed
        ]
        people += _called(lost, people, voices, stamp, rig)
        judged = [
            self._judge(sought, said, stamp, rig, image)
            for sought, said in zip(
                people, self._search(people, sound, stamp, rig, image), strict=True
            )
        ]
        self._people, found = _one_each(judged, stamp, rig)
        self._people += lost
        heads = [each.position for each in found]
        found += [face for face in seen if face.box is None]
        found += [
            voice for voice in voices if not any(_is_heard(head, [voice], rig) for head in heads)
        ]
        return found

    def _adopt(
        self, stamp: int, seen: Sequence[Detection], rig: Rig, image: np.ndarray
    ) -> tuple[list[_Sought], list[_Person]]:
        """Give each detected face to the person it goes on with, or to somebody new.

        Returns those with a face, and those without one.
        """
        missing, people = list(self._people), []
        owners = _owners(missing, seen, stamp, rig)
        for index, face in enumerate(seen):
            person = owners.get(index)
            if person is None:
                template = template_crop(image, face.box)
                person = _Person(face.position, template, face.tracklet, None, stamp, stamp, stamp)
            person = replace(
                person,
                tracklet=face.tracklet,
                embedding=face.embedding,
                face=stamp,
                evidence=person.evidence.with_face(face.quality),
            )
            # What was found before drifts with the template; a detected face does not.
            people.append(_Sought(person, face.position, face))
        return people, missing

    def _search(
        self,
        people: Sequence[_Sought],
        sound: AcousticMap,
        stamp: int,
        rig: Rig,
        image: np.ndarray,
    ) -> np.ndarray:
        """Run the network on everybody, shape (people, FOUND)."""
        heard = {each.tracklet: each for each in sound.faces}
        parts = []
        for sought in people:
            person, face = sought.person, sought.face
            candidate = remembered(sought.place, rig, to_seconds(stamp - person.face))
            if face is not None:
                base = replace(candidate.base, speaking=face.speaking)
                candidate = Candidate(Kind.FACE, base, sound=heard.get(face.tracklet))
            parts.append(search_arrays(candidate, person.template, image, self._history, rig))
        arrays = SearchArrays.joined(parts)
        return self.network.run(vars(arrays))

    def _judge(
        self,
        sought: _Sought,
        said: np.ndarray,
        stamp: int,
        rig: Rig,
        image: np.ndarray,
    ) -> tuple[_Person, Detection | None]:
        """Believe what was found or the face detector; and treat the template accordingly."""
        person, face = sought.person, sought.face
        quality = float(probability(said[2]))
        pixel = found_pixel(face_box(rig.camera, sought.place), said[:2].astype(float))
        detection = None
        if quality > self.thresholds.reset and rig.camera.contains(pixel):
            detection = self._found(sought, pixel, quality, stamp, rig)
        if detection is not None and detection.box is not None:
            updates = quality >= self.thresholds.update
            self.decisions['update' if updates else 'keep'] += 1
        elif face is not None:
            detection, updates = face, True
            self.decisions['reset'] += 1
        else:
            return person, None
        template = template_crop(image, detection.box) if updates else person.template
        sure = stamp if face is not None or sought.heard else person.sure
        person = replace(
            person, position=detection.position, template=template, found=stamp, sure=sure
        )
        speaking = float(probability(said[3] - log_odds(self.thresholds.speaking)))
        if not rig.tells_directions:
            # Networks judge by coherence who speaks, and there is none.
            speaking = 0.0 if face is None else face.speaking
        heard = Modality.AUDIO if speaking >= 0.5 else Modality.NONE
        unseen = to_seconds(stamp - person.face)
        return person, replace(
            detection,
            speaking=speaking,
            modalities=Modality.VISUAL | heard,
            quality=followed_quality(quality, unseen) if face is None else face.quality,
        )

    def _found(
        self,
        sought: _Sought,
        pixel: np.ndarray,
        quality: float,
        stamp: int,
        rig: Rig,
    ) -> Detection:
        """Make a detection of a pixel, at the range of the place that was searched about."""
        camera, person, face = rig.camera, sought.person, sought.face
        sight = SightFrame.towards(camera, sought.place)
        position = camera.centre + sight.range * camera.rays(pixel)
        along = _range_std(person, stamp)
        if face is not None:
            along = float(sight.deviations(face.covariance)[1])
        across = max(expected_error(quality), _LEAST_ERROR) / FACE_PIXELS
        return Detection(
            position=position,
            covariance=SightFrame.towards(camera, position).covariance(across, along),
            modalities=Modality.VISUAL,
            box=visible_box(camera, position),
            size_gain=min(1.0 if face is None else face.size_gain, along / HEAD_SIZE_STD),
            quality=quality,
            tracklet=person.tracklet,
            embedding=person.embedding,
        )


def _parted(
    people: Sequence[_Person], faces: Sequence[np.ndarray], stamp: int, rig: Rig
) -> tuple[list[_Person], list[_Person]]:
    """Part people without a face: who is followed on, and who is lost but remembered.

    Only a head whose face was detected well is followed, and nobody where the picture shows one
    of the `faces` (boxes) of others.
    """
    followed, lost = [], []
    for person in people:
        box = face_box(rig.camera, person.position)
        if (
            person.evidence.is_head
            and 0 <= stamp - person.found <= _PATIENCE
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


def _is_heard(head: np.ndarray, voices: Iterable[Detection], rig: Rig) -> bool:
    """Tell whether one of some voices can be that of a head (m)."""
    return _is_at(head, (as_far_as(voice, head, rig.camera) for voice in voices), rig)


def _called(
    lost: list[_Person],
    people: Sequence[_Sought],
    voices: Sequence[Detection],
    stamp: int,
    rig: Rig,
) -> list[_Sought]:
    """Take people out of those who were lost: search for the nearest where a voice is."""
    called = []
    for voice in voices:
        known = any(_is_heard(each.place, [voice], rig) for each in people)
        near = [
            (float(np.linalg.norm(voice.position - person.position)), k)
            for k, person in enumerate(lost)
        ]
        if known or not near or not in_picture(face_box(rig.camera, voice.position), rig):
            continue
        distance, nearest = min(near)
        if distance <= _STEP + _WALK * to_seconds(stamp - lost[nearest].found):
            person = lost.pop(nearest)
            called.append(_Sought(person, _at_voice(person, voice, stamp, rig), heard=True))
    return called


def _range_std(person: _Person, stamp: int) -> float:
    """Relative deviation of the range of a person whose face is not detected."""
    return float(np.hypot(_RANGE_STD, _RANGE_DRIFT * to_seconds(stamp - person.face)))


def _at_voice(person: _Person, voice: Detection, stamp: int, rig: Rig) -> np.ndarray:
    """Place (m) in the direction of a voice, at the range of both it and the person."""
    sight = SightFrame.towards(rig.camera, voice.position)
    by_sound = sight.deviations(voice.covariance)[1] ** 2
    before = _range_std(person, stamp) ** 2
    towards = np.log(np.linalg.norm(person.position - rig.camera.centre) / sight.range)
    return sight.place(np.array([0.0, 0.0, towards * by_sound / (by_sound + before)]))


def _owners(
    people: list[_Person], faces: Sequence[Detection], stamp: int, rig: Rig
) -> dict[int, _Person]:
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


def _one_each(
    judged: Sequence[tuple[_Person, Detection | None]], stamp: int, rig: Rig
) -> tuple[list[_Person], list[Detection]]:
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
