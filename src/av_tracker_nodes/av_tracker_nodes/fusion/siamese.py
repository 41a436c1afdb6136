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
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.candidates import SOUND_FEATURES, Candidate, Kind
from av_tracker_nodes.fusion.config import FusionConfig
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import (
    followed_quality,
    remembered,
)
from av_tracker_nodes.fusion.network_session import NetworkSession, probability
from av_tracker_nodes.fusion.quality import QualityThresholds, expected_error
from av_tracker_nodes.fusion.ranges import ranged
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
from av_tracker_nodes.fusion.sought import (
    Person,
    Sought,
    called_back,
    is_heard,
    one_each,
    owners_of,
    parted,
    range_std,
)
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD, face_box, visible_box
from av_tracker_nodes.types import (
    AcousticMap,
    Detection,
    DetectionFrame,
    FaceFrame,
    Modality,
    log_odds,
    to_seconds,
)

_LEAST_ERROR = 1.0
"""Least deviation of a found pixel, in pixels of the search crop."""


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

    def reconfigure(self, config: FusionConfig) -> None:
        """Go on with other numbers."""
        super().reconfigure(config)
        self._geometric.reconfigure(config)

    def reset(self) -> None:
        """Forget everybody, and the maps of earlier images."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._people: list[Person] = []
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
        boxes = [face.box for face in pictured]
        followed, lost = parted(missing, boxes, stamp, rig, self.config.head_patience)
        people += [
            Sought(person, person.position, heard=is_heard(person.position, voices, rig))
            for person in followed
        ]
        people += called_back(lost, people, voices, stamp, rig)
        judged = [
            self._judge(sought, said, stamp, rig, image)
            for sought, said in zip(
                people, self._search(people, sound, stamp, rig, image), strict=True
            )
        ]
        self._people, found = one_each(judged, stamp, rig)
        self._people += lost
        heads = [each.position for each in found]
        found += [face for face in seen if face.box is None]
        found += [
            voice for voice in voices if not any(is_heard(head, [voice], rig) for head in heads)
        ]
        return found

    def _adopt(
        self, stamp: int, seen: Sequence[Detection], rig: Rig, image: np.ndarray
    ) -> tuple[list[Sought], list[Person]]:
        """Give each detected face to the person it goes on with, or to somebody new.

        Returns those with a face, and those without one.
        """
        missing, people = list(self._people), []
        owners = owners_of(missing, seen, stamp, rig)
        for index, face in enumerate(seen):
            person = owners.get(index)
            if person is None:
                template = template_crop(image, face.box)
                person = Person(face.position, template, face.tracklet, None, stamp, stamp, stamp)
            person = replace(
                person,
                tracklet=face.tracklet,
                embedding=face.embedding,
                face=stamp,
                evidence=person.evidence.with_face(face.quality),
            )
            # What was found before drifts with the template; a detected face does not.
            people.append(Sought(person, face.position, face))
        return people, missing

    def _search(
        self,
        people: Sequence[Sought],
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
        sought: Sought,
        said: np.ndarray,
        stamp: int,
        rig: Rig,
        image: np.ndarray,
    ) -> tuple[Person, Detection | None]:
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
        sought: Sought,
        pixel: np.ndarray,
        quality: float,
        stamp: int,
        rig: Rig,
    ) -> Detection:
        """Make a detection of a pixel, at the range of the place that was searched about."""
        camera, person, face = rig.camera, sought.person, sought.face
        sight = SightFrame.towards(camera, sought.place)
        position = camera.centre + sight.range * camera.rays(pixel)
        along = range_std(person, stamp)
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
