# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Fusion by a trained network, run by ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.candidates import (
    Candidate,
    CandidateArrays,
    Kind,
    candidate_arrays,
    find_candidates,
)
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import HeadMemory, is_same_head
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.model_zoo import open_model
from av_tracker_nodes.types import AcousticMap, Detection, DetectionFrame, FaceFrame, Modality

BATCHES = (4, 8)
"""Numbers of candidates that a network is run on: few shapes keep the memory flat."""

_OUTPUTS = 'prediction', 'embedding'


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
    """

    person: float = 0.5
    visible: float = 0.5
    placed: float = 0.25


class LearnedFusion(FusionModel):
    """Candidates from geometry, refined and judged by a network.

    Parameters
    ----------
    model : Path
        ONNX file as `av-tracker export` writes it.
    providers : sequence
        Execution providers of ONNX Runtime, best first; see `model_zoo.execution_providers`.

    Raises
    ------
    InputError
        The file is missing or is another network.
    """

    needs_image = True

    def __init__(
        self, model: Path, providers: Sequence[object] = ('CPUExecutionProvider',)
    ) -> None:
        self._session = open_model(model, 'fusion network', _OUTPUTS, providers)
        facts = self._session.get_modelmeta().custom_metadata_map
        self.measure = facts.get('measure', 'vwswe')
        self.thresholds = Thresholds(**json.loads(facts.get('thresholds', '{}')))
        self._geometric = GeometricFusion(self.measure)
        self._memory = HeadMemory()

    @property
    def device(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self._session.get_providers()[0]

    def reset(self) -> None:
        """Forget the heads of earlier images."""
        self._memory.reset()

    def process(
        self, faces: FaceFrame, sound: AcousticMap, rig: Rig, image: np.ndarray | None = None
    ) -> DetectionFrame:
        """Detect people; see :meth:`FusionModel.process`."""
        geometric = self._geometric.process(faces, sound, rig)
        candidates = find_candidates(faces, sound, geometric)
        if image is not None:
            candidates += self._memory.candidates(faces.stamp, candidates, rig)
        arrays = candidate_arrays(candidates, sound, rig, image)
        predictions, embeddings = self._infer(arrays)
        judged = [
            self._judge(candidate, prediction, embedding, rig)
            for candidate, prediction, embedding in zip(
                candidates, predictions, embeddings, strict=True
            )
        ]
        kept = _one_each([each for each in judged if each is not None], rig)
        if image is not None:
            seen = [(kind, person) for kind, person in kept if person.box is not None]
            seen = [(kind, p) for kind, p in seen if p.modalities & Modality.VISUAL]
            self._memory.update(faces.stamp, seen, rig)
        return DetectionFrame(faces.stamp, tuple(person for _, person in kept), sound.from_image)

    def _infer(self, arrays: CandidateArrays) -> tuple[np.ndarray, np.ndarray]:
        """Run the network on all candidates, at most the largest batch at once."""
        count, most = len(arrays.crops), BATCHES[-1]
        parts = [self._run(arrays, slice(i, i + most)) for i in range(0, count, most)]
        if not parts:
            return np.zeros((0, 8)), np.zeros((0, 1))
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    def _run(self, arrays: CandidateArrays, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        count = len(arrays.crops[rows])
        size = next(batch for batch in BATCHES if batch >= count)

        def filled(values: np.ndarray) -> np.ndarray:
            empty = np.zeros((size - count, *values.shape[1:]), values.dtype)
            return np.concatenate([values[rows], empty])

        outputs = self._session.run(
            _OUTPUTS,
            {
                'crops': filled(arrays.crops),
                'maps': filled(arrays.maps),
                'sight': filled(arrays.sight),
                'sound': filled(arrays.sound),
                'global_map': arrays.global_map[None],
                'valid': (np.arange(size) < count)[None],
            },
        )
        return tuple(output[:count] for output in outputs)

    def _judge(
        self, candidate: Candidate, prediction: np.ndarray, embedding: np.ndarray, rig: Rig
    ) -> tuple[Kind, Detection] | None:
        """Make a detection of a candidate as the network sees it; None where nobody is."""
        person, visible, speaking = 1 / (1 + np.exp(-prediction[5:]))
        across, along = np.exp(prediction[3:5].astype(float))
        seen = candidate.kind == Kind.FACE or visible >= self.thresholds.visible
        if candidate.kind == Kind.VOICE:
            seen = seen and across <= self.thresholds.placed
        if person < self.thresholds.person or (candidate.kind == Kind.MEMORY and not seen):
            return None
        base = replace(candidate.base, speaking=float(speaking))
        if not seen:
            return candidate.kind, base
        sight = SightFrame.towards(rig.camera, base.position)
        position = sight.place(prediction[:3].astype(float))
        heard = Modality.AUDIO if speaking >= 0.5 else Modality.NONE
        detection = replace(
            base,
            position=position,
            covariance=sight.covariance(across, along),
            modalities=Modality.VISUAL | heard,
            box=face_box(rig.camera, position),
            size_gain=base.size_gain if candidate.kind == Kind.FACE else 1.0,
            quality=float(person),
            delay=0.0,
        )
        return candidate.kind, detection


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
