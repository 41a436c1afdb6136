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

"""Nodes that are told to use CUDA refuse to start without it; others say what they use."""

import onnxruntime
import pytest
from node_bench import facts_of

from av_tracker_nodes.acoustics import backend
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.fusion import Fusion

CUDA, CPU = 'CUDAExecutionProvider', 'CPUExecutionProvider'


@pytest.fixture
def start(start, monkeypatch):
    """Start a node where ONNX Runtime was built for CUDA and cannot load it."""
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [CUDA, CPU])
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        'InferenceSession',
        lambda model, options, providers: session(model, options, providers=[CPU]),
    )
    return lambda kind, **parameters: facts_of(start(kind, **parameters))


def test_a_network_that_is_to_run_on_cuda_does_not_start_elsewhere(start):
    with pytest.raises(InputError, match='cannot use CUDA here'):
        start(Fusion, model='avclnet', device='cuda')


def test_a_network_that_may_run_anywhere_tells_where_it_does(start):
    told = start(Fusion, model='avclnet', device='auto')
    assert told['provider'] == CPU
    assert told['fallback'] == 'CUDA cannot be used: the network runs on the CPU'
    assert 'fallback' not in start(Fusion, model='avclnet', device='cpu')
    assert 'fallback' not in start(Fusion, model='vggcf', device='auto')


def test_maps_that_are_to_be_made_by_cuda_are_made_by_nothing_else(start, monkeypatch):
    monkeypatch.setattr(backend, 'cuda_available', lambda: False)
    with pytest.raises(InputError, match="acoustic backend 'cuda' cannot be used here"):
        start(AcousticMapNode, backend='cuda')
    # Where nobody hears, it does not matter.
    start(AcousticMapNode, backend='cuda', hears=False)
