# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Fusion of faces and sound into detections of people."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.learned import LearnedFusion
from av_tracker_nodes.model_zoo import shipped_model


def _network(name: str) -> FusionModel:
    return LearnedFusion(shipped_model(name))


FUSION_MODELS: dict[str, Callable[[], FusionModel]] = {
    'vggcf': partial(GeometricFusion, 'vggcf'),
    'stgcf': partial(GeometricFusion, 'stgcf', hear_faces=False),
    'visual': partial(GeometricFusion, hear=False),
    'audio': partial(GeometricFusion, see=False),
    'avclnet': partial(_network, 'avclnet'),
}
"""Fusion models by name."""

DEFAULT_MODEL = 'vggcf'


def create_fusion(name: str = DEFAULT_MODEL) -> FusionModel:
    """Make a fusion model.

    Parameters
    ----------
    name : str
        One of `FUSION_MODELS`.

    Raises
    ------
    InputError
        When there is no such model.
    """
    if name not in FUSION_MODELS:
        raise InputError(f"no fusion model '{name}'; there are {', '.join(FUSION_MODELS)}")
    return FUSION_MODELS[name]()


__all__ = ['DEFAULT_MODEL', 'FUSION_MODELS', 'FusionModel', 'create_fusion']
