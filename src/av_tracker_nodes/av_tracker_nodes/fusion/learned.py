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

"""Fusion by a trained network, run by ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.candidates import (
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    PREDICTED,
    SIGHT_FEATURES,
    SOUND_FEATURES,
    Candidate,
    CandidateArrays,
    Kind,
    candidate_arrays,
    find_candidates,
)
from av_tracker_nodes.fusion.config import FusionConfig
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import HeadMemory, followed_quality, is_same_head
from av_tracker_nodes.fusion.network_session import NetworkSession, probability
from av_tracker_nodes.fusion.ranges import as_far_as, ranged
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.bearings import axis_of_line
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD, visible_box
from av_tracker_nodes.types import (
    AcousticMap,
    Detection,
    DetectionFrame,
    FaceFrame,
    Modality,
    log_odds,
)

_LONGEST_STEP = np.array([0.6, 0.6, 0.1])
"""A remembered head that moves farther than this from one image to the next (face heights across,
log range) is another one, that hides it or stands beside it."""
CAUTION = 1.25
"""Deviations are this much larger than in the scenes that the network learnt on: an error that
lasts counts as if it were new in every image. With it 98 % of detections and of tracks lay inside
their ellipsoids of 95 % in validation scenes of AV16.3's rig (seeds 1000 to 1005), 93 % of the
detections without; of any training ``face_inside`` tells it (`network_scores`)."""
_SOUND_SHARE, _SUREST = 0.3, 0.98
"""Share of sound alone in the log-odds that somebody speaks, as networks have most to say in noise
(validation scenes of eight rigs and conditions, seed 1600); and how sure sound and face detector
are at most."""
_FRAME_STD = 0.03
"""Relative deviation, from picture to picture of one person, of the best range by sight."""
LEAST_RANGE_STD = float(np.hypot(HEAD_SIZE_STD, _FRAME_STD))
"""No picture tells how large a head is: no range by sight is surer than that."""


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which a network is believed.

    Attributes
    ----------
    person : float
        Somebody is there.
    visible : float
        The head is seen.
    placed : float
        Deviation across (face heights) up to which a voice is where a head is seen: the head may
        be beside the picture of the candidate.
    speaking : float
        The person speaks: this probability of the network is published as 0.5.
    """

    person: float = 0.5
    visible: float = 0.5
    placed: float = 0.25
    speaking: float = 0.5


@dataclass(frozen=True)
class _Judged:
    """Somebody, by what they were found, and where sight alone has them (m, target frame).

    Heads are remembered and compared by sight alone: a child, whose depth is measured, would
    otherwise be looked for at a size that it does not have.
    """

    kind: Kind
    detection: Detection
    place: np.ndarray

    def seen_at(self, head: np.ndarray, rig: Rig) -> np.ndarray:
        """Where it is, as far as its range is known, if it is that head (m)."""
        if self.detection.modalities & Modality.VISUAL:
            return self.place
        return as_far_as(self.detection, head, rig.camera)


class LearnedFusion(FusionModel):
    """Candidates from geometry, refined and judged by a network.

    Parameters
    ----------
    network : NetworkSession
    """

    needs_image = True
    follows_heads = True
    inputs: ClassVar = {
        'crops': (CROP_SIZE, CROP_SIZE, 3),
        'maps': (MAP_SIZE, MAP_SIZE),
        'sight': (SIGHT_FEATURES,),
        'sound': (SOUND_FEATURES,),
        'global_map': GLOBAL_MAP_SIZE,
        'valid': (None,),
    }

    predicted = PREDICTED

    def __init__(self, network: NetworkSession) -> None:
        super().__init__()
        self.network = network
        facts = network.facts
        self.measure = facts.get('measure', 'vwswe')
        self.thresholds = network.thresholds(Thresholds)
        self._geometric = GeometricFusion(self.measure, size_alone=True)
        self._memory = HeadMemory()

    @property
    def device(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self.network.device

    def reconfigure(self, config: FusionConfig) -> None:
        """Go on with other numbers."""
        super().reconfigure(config)
        self._geometric.reconfigure(config)
        self._memory.config = config

    def reset(self) -> None:
        """Forget the heads of earlier images."""
        super().reset()
        self._memory.reset()

    def detect(
        self, faces: FaceFrame, sound: AcousticMap, rig: Rig, image: np.ndarray | None = None
    ) -> DetectionFrame:
        """Detect people; see :meth:`FusionModel.detect`."""
        geometric = self._geometric.detect(faces, sound, rig)
        candidates = find_candidates(faces, sound, geometric)
        if image is not None:
            candidates += self._memory.candidates(faces.stamp, candidates, rig)
        arrays = candidate_arrays(candidates, sound, rig, image)
        judged = [
            self._judge(candidate, prediction, rig)
            for candidate, prediction in zip(candidates, self._infer(arrays), strict=True)
        ]
        kept = _one_each([each for each in judged if each is not None], rig)
        if image is not None:
            seen = [
                (each.kind, replace(each.detection, position=each.place))
                for each in kept
                if each.detection.modalities & Modality.VISUAL
            ]
            self._memory.update(faces.stamp, seen, rig)
        detections = tuple(each.detection for each in kept)
        return DetectionFrame(faces.stamp, detections, sound.from_image)

    def _infer(self, arrays: CandidateArrays) -> np.ndarray:
        """Run the network on all candidates, shape (n, PREDICTED)."""
        rows = {
            'crops': arrays.crops,
            'maps': arrays.maps,
            'sight': arrays.sight,
            'sound': arrays.sound,
        }
        return self.network.run(rows, {'global_map': arrays.global_map[None]})

    def _judge(self, candidate: Candidate, prediction: np.ndarray, rig: Rig) -> _Judged | None:
        """Make a detection of a candidate as the network sees it; None where nobody is.

        Its range by sight is one Gaussian, relative to what size alone tells; depth and sound are
        others (see `ranges`).
        """
        visible = probability(prediction[6])
        person = _is_person(candidate, float(prediction[5]))
        speaking = self._speaking(float(prediction[7]), candidate, rig)
        across, along = np.exp(prediction[3:5].astype(float))
        seen = candidate.kind == Kind.FACE or visible >= self.thresholds.visible
        if candidate.kind == Kind.VOICE:
            seen = seen and across <= self.thresholds.placed
        if candidate.kind == Kind.MEMORY:
            seen = seen and bool((np.abs(prediction[:3]) < _LONGEST_STEP).all())
        if person < self.thresholds.person or (candidate.kind == Kind.MEMORY and not seen):
            return None
        base = replace(candidate.base, speaking=speaking)
        if not seen:
            return _Judged(candidate.kind, base, base.position)
        place = SightFrame.towards(rig.camera, base.position).place(prediction[:3].astype(float))
        along = max(CAUTION * along, LEAST_RANGE_STD)
        sight = SightFrame.towards(rig.camera, place)
        heard = Modality.AUDIO if speaking >= 0.5 else Modality.NONE
        by_sight = replace(
            base,
            position=place,
            covariance=sight.covariance(CAUTION * across, along),
            modalities=Modality.VISUAL | heard,
            box=visible_box(rig.camera, place),
            quality=_quality(candidate, person),
            delay=0.0,
        )
        detection = ranged(by_sight, candidate.face, candidate.sound, rig.camera)
        return _Judged(candidate.kind, detection, place)

    def _speaking(self, predicted: float, candidate: Candidate, rig: Rig) -> float:
        """Probability that somebody speaks, of the network's log-odds and of sound alone.

        Networks judge by coherence from directions: where none are told, or cones alone, they are
        not asked. Of a remembered head sound alone tells nothing, which is no silence.
        """
        heard = candidate.base.speaking
        if not rig.tells_directions or axis_of_line(rig.microphones) is not None:
            return heard
        by_network = predicted - log_odds(self.thresholds.speaking)
        if candidate.kind == Kind.MEMORY:
            return float(probability(by_network))
        by_sound = _doubted(heard)
        return float(probability((1 - _SOUND_SHARE) * by_network + _SOUND_SHARE * by_sound))


def _is_person(candidate: Candidate, predicted: float) -> float:
    """Probability that somebody is there, from the log-odds that the network predicts.

    Of a face, network and detector count alike (logarithmic opinion pool): the one learnt on
    simulated heads, the other on real faces, and it takes pictures for faces.
    """
    if candidate.face is None:
        return float(probability(predicted))
    return float(probability((predicted + _doubted(candidate.face.score)) / 2))


def _doubted(sure: float) -> float:
    """Log-odds of a probability that is never believed for certain."""
    return log_odds(float(np.clip(sure, 1 - _SUREST, _SUREST)))


def _quality(candidate: Candidate, person: float) -> float:
    """How sure it is that a head is seen: a network doubts faces, it does not make them surer."""
    if candidate.face is not None:
        return min(candidate.face.score, person)
    if candidate.kind == Kind.MEMORY:
        return followed_quality(person, candidate.unseen)
    return person


def _one_each(judged: list[_Judged], rig: Rig) -> list[_Judged]:
    """Leave one detection a person: faces before remembered heads before voices."""
    order = {Kind.FACE: 0, Kind.MEMORY: 1, Kind.VOICE: 2}
    kept: list[_Judged] = []
    for each in sorted(judged, key=lambda each: order[each.kind]):
        twin = each.kind != Kind.FACE and any(
            is_same_head(other.place, each.seen_at(other.place, rig), rig.camera)
            for other in kept
            if other.detection.modalities & Modality.VISUAL
        )
        if not twin:
            kept.append(each)
    return kept
