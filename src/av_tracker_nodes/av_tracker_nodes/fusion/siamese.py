# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Fusion by a Siamese network: everybody whose face was found is searched for in every image.

As STNet's extension to several speakers has it: one instance a face tracklet, started from a
detection and never from the truth; the predicted quality of a result decides whether the template
is renewed by it, kept, or the person is taken from the face detector again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.candidates import SOUND_FEATURES, Candidate, Kind, in_picture
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import head_distance, is_same_head, remembered
from av_tracker_nodes.fusion.network_session import NetworkSession, log_odds, probability
from av_tracker_nodes.fusion.search import (
    FACE_PIXELS,
    HISTORY,
    QUALITY_DECAY,
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
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD, face_box
from av_tracker_nodes.types import (
    AcousticMap,
    Detection,
    DetectionFrame,
    FaceFrame,
    Modality,
    to_nanoseconds,
    to_seconds,
)

_PATIENCE = to_nanoseconds(0.6)
"""A person whom neither network nor detector finds is searched for this long (ns)."""
_RANGE_STD, _RANGE_DRIFT = 0.1, 0.15
"""Relative deviation of the range of somebody without a detected face, and its growth a second."""
_LONGEST = to_nanoseconds(4.0)
"""A person is followed for this long (ns) without a detected face: what the network finds then is
often not their head. Of 2 s, 4 s and for ever, 4 s was best on validation scenes."""
_LONG, _STRAYED = to_nanoseconds(1.0), 2.0
"""Without a face for so long (ns), a person may be this much farther off than one head."""
_LEAST_ERROR = 1.0
"""Least deviation of a found pixel, in pixels of the search crop."""


@dataclass(frozen=True)
class QualityThresholds:
    """Predicted qualities at which a person's template is treated otherwise.

    Attributes
    ----------
    update : float
        From here on the template is renewed by what was found.
    reset : float
        Up to here what was found is not believed: the person is taken from the face detector.
    speaking : float
        The person speaks: this probability of the network is published as 0.5.
    """

    update: float = 0.95
    reset: float = 0.92
    speaking: float = 0.5


@dataclass(frozen=True)
class _Person:
    """Somebody who is searched for.

    Stamps are in ns: when found last, and when the face was detected last.
    """

    position: np.ndarray
    template: np.ndarray
    tracklet: int
    embedding: np.ndarray | None
    found: int
    face: int


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
    inputs: ClassVar = {
        'templates': (TEMPLATE_SIZE, TEMPLATE_SIZE, 3),
        'searches': (SEARCH_SIZE, SEARCH_SIZE, 3),
        'maps': (SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE),
        'sound': (SOUND_FEATURES,),
    }

    def __init__(self, network: NetworkSession) -> None:
        self.network = network
        facts = network.facts
        self.measure = facts.get('measure', 'vggcf')
        self.thresholds = QualityThresholds(**json.loads(facts.get('thresholds', '{}')))
        self.decisions = {'update': 0, 'keep': 0, 'reset': 0}
        self._geometric = GeometricFusion(self.measure)
        self.reset()

    @property
    def device(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self.network.device

    def reset(self) -> None:
        """Forget everybody, and the maps of earlier images."""
        self._people: list[_Person] = []
        self._history: deque[AcousticMap] = deque(maxlen=HISTORY)

    def process(
        self, faces: FaceFrame, sound: AcousticMap, rig: Rig, image: np.ndarray | None = None
    ) -> DetectionFrame:
        """Detect people, without an image by geometry; see :meth:`FusionModel.process`."""
        self._history.append(sound)
        geometric = self._geometric.process(faces, sound, rig)
        if image is None:
            return geometric
        count = len(faces.faces)
        seen, voices = geometric.detections[:count], geometric.detections[count:]
        people = self._adopt(faces.stamp, seen, rig, image)
        judged = [
            self._judge(person, face, said, faces.stamp, rig, image)
            for (person, face), said in zip(
                people, self._search(people, sound, faces.stamp, rig, image), strict=True
            )
        ]
        self._people, found = _one_each(judged, faces.stamp, rig)
        found += [
            voice
            for voice in voices
            if not any(is_same_head(each.position, voice.position, rig.camera) for each in found)
        ]
        return DetectionFrame(faces.stamp, tuple(found), sound.from_image)

    def _adopt(
        self, stamp: int, seen: Sequence[Detection], rig: Rig, image: np.ndarray
    ) -> list[tuple[_Person, Detection | None]]:
        """Give each detected face to the person it goes on with, or to somebody new."""
        missing, people = list(self._people), []
        owners = _owners(missing, seen, stamp, rig)
        for index, face in enumerate(seen):
            person = owners.get(index)
            if person is None:
                template = template_crop(image, face.box)
                person = _Person(face.position, template, face.tracklet, None, stamp, stamp)
            # What was found before drifts with the template; a detected face does not.
            person = replace(
                person,
                position=face.position,
                tracklet=face.tracklet,
                embedding=face.embedding,
                face=stamp,
            )
            people.append((person, face))
        return people + [
            (person, None)
            for person in missing
            if 0 <= stamp - person.found <= _PATIENCE
            and stamp - person.face <= _LONGEST
            and in_picture(face_box(rig.camera, person.position), rig)
        ]

    def _search(
        self,
        people: Sequence[tuple[_Person, Detection | None]],
        sound: AcousticMap,
        stamp: int,
        rig: Rig,
        image: np.ndarray,
    ) -> np.ndarray:
        """Run the network on everybody, shape (people, FOUND)."""
        heard = {each.tracklet: each for each in sound.faces}
        parts = []
        for person, face in people:
            candidate = remembered(person.position, rig, to_seconds(stamp - person.face))
            if face is not None:
                base = replace(candidate.base, speaking=face.speaking)
                candidate = Candidate(Kind.FACE, base, sound=heard.get(face.tracklet))
            parts.append(search_arrays(candidate, person.template, image, self._history, rig))
        arrays = SearchArrays.joined(parts)
        return self.network.run(vars(arrays))

    def _judge(
        self,
        person: _Person,
        face: Detection | None,
        said: np.ndarray,
        stamp: int,
        rig: Rig,
        image: np.ndarray,
    ) -> tuple[_Person, Detection | None]:
        """Believe what was found or the face detector; and treat the template accordingly."""
        quality = float(probability(said[2]))
        pixel = found_pixel(face_box(rig.camera, person.position), said[:2].astype(float))
        if quality > self.thresholds.reset and rig.camera.contains(pixel):
            detection = self._found(person, face, pixel, quality, stamp, rig)
            updates = quality >= self.thresholds.update
            self.decisions['update' if updates else 'keep'] += 1
        elif face is not None:
            detection, updates = face, True
            self.decisions['reset'] += 1
        else:
            return person, None
        template = template_crop(image, detection.box) if updates else person.template
        person = replace(person, position=detection.position, template=template, found=stamp)
        speaking = float(probability(said[3] - log_odds(self.thresholds.speaking)))
        heard = Modality.AUDIO if speaking >= 0.5 else Modality.NONE
        return person, replace(detection, speaking=speaking, modalities=Modality.VISUAL | heard)

    def _found(
        self,
        person: _Person,
        face: Detection | None,
        pixel: np.ndarray,
        quality: float,
        stamp: int,
        rig: Rig,
    ) -> Detection:
        """Make a detection of a pixel, at the range of the face or where the person was."""
        camera, known = rig.camera, person.position if face is None else face.position
        sight = SightFrame.towards(camera, known)
        position = camera.centre + sight.range * camera.rays(pixel)
        unseen = to_seconds(stamp - person.face)
        along = float(np.hypot(_RANGE_STD, _RANGE_DRIFT * unseen))
        if face is not None:
            along = float(sight.deviations(face.covariance)[1])
        across = max(expected_error(quality), _LEAST_ERROR) / FACE_PIXELS
        return Detection(
            position=position,
            covariance=SightFrame.towards(camera, position).covariance(across, along),
            modalities=Modality.VISUAL,
            box=face_box(camera, position),
            size_gain=min(1.0 if face is None else face.size_gain, along / HEAD_SIZE_STD),
            quality=quality,
            tracklet=person.tracklet,
            embedding=person.embedding,
        )


def quality_of(error: np.ndarray) -> np.ndarray:
    """Quality of results that are off by `error` (pixels of the search crop), in (0, 1].

    ``2 / (exp(0.05 d) + 1)``, STNet.
    """
    return 2 / (np.exp(QUALITY_DECAY * error) + 1)


def expected_error(quality: float) -> float:
    """Error (pixels of the search crop) of results of a quality; the inverse of `quality_of`."""
    return float(np.log(2 / max(quality, 1e-3) - 1) / QUALITY_DECAY)


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
        alone = not any(is_same_head(k.position, detection.position, rig.camera) for k in kept)
        if alone:
            kept.append(detection)
        if alone or person.face == stamp:
            people.append(person)
    return people, kept
