# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Fusion by a trained network, run by ONNX Runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.candidates import (
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    SIGHT_FEATURES,
    SOUND_FEATURES,
    Candidate,
    CandidateArrays,
    Kind,
    candidate_arrays,
    find_candidates,
)
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import HeadMemory, followed_quality, is_same_head
from av_tracker_nodes.fusion.network_session import NetworkSession, log_odds, probability
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.bearings import axis_of_line
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD, visible_box
from av_tracker_nodes.types import AcousticMap, Detection, DetectionFrame, FaceFrame, Modality

_LONGEST_STEP = np.array([0.6, 0.6, 0.1])
"""A remembered head that moves farther than this from one image to the next (face heights across,
log range) is another one, that hides it or stands beside it."""
_CAUTION = 1.5
"""Deviations are this much larger than in the scenes that the network learnt on (validation
scenes): an error that lasts counts as if it were new in every image."""
_SOUND_SHARE, _SUREST = 0.3, 0.98
"""Share of sound alone, and how sure it is at most, in the log-odds that somebody speaks: the
networks learnt with one rig, and have most to say in noise (validation scenes of eight rigs and
conditions, seed 1600)."""
_STEADY_SHARE = 0.7
"""Share of the deviation of a range that stays the same for one person."""


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

    def __init__(self, network: NetworkSession) -> None:
        self.network = network
        facts = network.facts
        self.measure = facts.get('measure', 'vwswe')
        self.thresholds = Thresholds(**json.loads(facts.get('thresholds', '{}')))
        self._geometric = GeometricFusion(self.measure)
        self._memory = HeadMemory()

    @property
    def device(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self.network.device

    def reset(self) -> None:
        """Forget the heads of earlier images."""
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
            seen = [each for each in kept if each[1].modalities & Modality.VISUAL]
            self._memory.update(faces.stamp, seen, rig)
        return DetectionFrame(faces.stamp, tuple(person for _, person in kept), sound.from_image)

    def _infer(self, arrays: CandidateArrays) -> np.ndarray:
        """Run the network on all candidates, shape (n, PREDICTED)."""
        rows = {
            'crops': arrays.crops,
            'maps': arrays.maps,
            'sight': arrays.sight,
            'sound': arrays.sound,
        }
        return self.network.run(rows, {'global_map': arrays.global_map[None]})

    def _judge(
        self, candidate: Candidate, prediction: np.ndarray, rig: Rig
    ) -> tuple[Kind, Detection] | None:
        """Make a detection of a candidate as the network sees it; None where nobody is."""
        person, visible = probability(prediction[5:7])
        speaking = self._speaking(float(prediction[7]), candidate.base.speaking, rig)
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
            return candidate.kind, base
        sight = SightFrame.towards(rig.camera, base.position)
        offset = prediction[:3].astype(float)
        if candidate.face is not None and np.isfinite(candidate.face.range):
            # What was measured is better than what a network makes of the size of a head.
            offset[2], along = 0.0, sight.deviations(base.covariance)[1]
        position = sight.place(offset)
        heard = Modality.AUDIO if speaking >= 0.5 else Modality.NONE
        detection = replace(
            base,
            position=position,
            covariance=sight.covariance(_CAUTION * across, _CAUTION * along),
            modalities=Modality.VISUAL | heard,
            box=visible_box(rig.camera, position),
            size_gain=min(base.size_gain, _STEADY_SHARE * along / HEAD_SIZE_STD),
            quality=_quality(candidate, float(person)),
            delay=0.0,
        )
        return candidate.kind, detection

    def _speaking(self, predicted: float, heard: float, rig: Rig) -> float:
        """Probability that somebody speaks, of the network's log-odds and of sound alone.

        Networks judge by coherence from directions: where none are told, or cones alone, they are
        not asked.
        """
        if not rig.tells_directions or axis_of_line(rig.microphones) is not None:
            return heard
        by_network = predicted - log_odds(self.thresholds.speaking)
        by_sound = log_odds(float(np.clip(heard, 1 - _SUREST, _SUREST)))
        return float(probability((1 - _SOUND_SHARE) * by_network + _SOUND_SHARE * by_sound))


def _quality(candidate: Candidate, person: float) -> float:
    """How sure it is that a head is seen: a network doubts faces, it does not make them surer."""
    if candidate.face is not None:
        return min(candidate.face.score, person)
    if candidate.kind == Kind.MEMORY:
        return followed_quality(person, candidate.unseen)
    return person


def _one_each(judged: list[tuple[Kind, Detection]], rig: Rig) -> list[tuple[Kind, Detection]]:
    """Leave one detection a person: faces before remembered heads before voices."""
    order = {Kind.FACE: 0, Kind.MEMORY: 1, Kind.VOICE: 2}
    kept: list[tuple[Kind, Detection]] = []
    for kind, detection in sorted(judged, key=lambda each: order[each[0]]):
        twin = kind != Kind.FACE and any(
            is_same_head(other.position, detection.position, rig.camera)
            for _, other in kept
            if other.modalities & Modality.VISUAL
        )
        if not twin:
            kept.append((kind, detection))
    return kept
