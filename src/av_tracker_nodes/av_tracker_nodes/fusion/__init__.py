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

"""Fusion of faces and sound into detections of people."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.learned import LearnedFusion
from av_tracker_nodes.fusion.network_session import NetworkSession
from av_tracker_nodes.fusion.siamese import SiameseFusion
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.models.zoo import DEVICES, check_provider, execution_providers

BASELINES: dict[str, Callable[[], FusionModel]] = {
    'vggcf': partial(GeometricFusion, 'vggcf'),
    'stgcf': partial(GeometricFusion, 'stgcf', hear_faces=False),
    'visual': partial(GeometricFusion, hear=False),
    'audio': partial(GeometricFusion, see=False),
}
"""Fusion models without a network, by name."""

NETWORKS = ('avclnet', 'stnet', 'msmd_avt', 'gldtracker')
"""Fusion models with a network, in models/; the module of each name in `research.networks` trains
it."""

RUNTIMES: dict[str, Callable[[NetworkSession], FusionModel]] = {
    'candidates': LearnedFusion,
    'search': SiameseFusion,
    'incomplete search': SiameseFusion,
}
"""What runs a network, by what the network is given."""

FUSION_MODELS = (*NETWORKS, *BASELINES)
"""Names of all fusion models."""

DEFAULT_MODEL = 'avclnet'


def create_fusion(name: str = DEFAULT_MODEL, file: str = '', device: str = 'auto') -> FusionModel:
    """Make a fusion model.

    Parameters
    ----------
    name : str
        One of `FUSION_MODELS`.
    file : str
        Network to run instead of the one that is shipped; baselines have none.
    device : str
        ``auto``, ``cpu`` or ``cuda``: where a network runs.

    Raises
    ------
    InputError
        When there is no such model or device, its network is missing, or CUDA is asked for in
        vain.
    """
    if device not in DEVICES:
        raise InputError(f"unknown device '{device}': choose one of {', '.join(DEVICES)}")
    if name in BASELINES:
        model = BASELINES[name]()
    elif name in NETWORKS:
        model = open_fusion(Path(file) if file else network_file(name), device)
    else:
        raise InputError(f"no fusion model '{name}'; there are {', '.join(FUSION_MODELS)}")
    model.name = name
    return model


def network_file(name: str) -> Path:
    """Find the network of a model that is shipped with one of `NETWORKS`.

    Raises
    ------
    InputError
        It is missing.
    """
    return shipped_file(f'{name}/{name}.onnx', 'models')


def open_fusion(network: Path, device: str = 'cpu') -> FusionModel:
    """Make a fusion model of an ONNX file that `av-tracker export` wrote.

    Raises
    ------
    InputError
        The file is missing or is another network, or CUDA is asked for in vain.
    """
    session = NetworkSession(network, execution_providers(device))
    check_provider(device, session.device)
    task = session.facts.get('task', 'candidates')
    if task not in RUNTIMES:
        raise InputError(f'fusion network {network} is for {task}, which is unknown here')
    session.check(RUNTIMES[task].inputs, RUNTIMES[task].predicted)
    return RUNTIMES[task](session)


__all__ = [
    'BASELINES',
    'DEFAULT_MODEL',
    'DEVICES',
    'FUSION_MODELS',
    'NETWORKS',
    'FusionModel',
    'check_provider',
    'create_fusion',
    'network_file',
    'open_fusion',
]
