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

"""Where networks run: ``cuda`` insists, ``auto`` falls back."""

import onnxruntime
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import BASELINES, FUSION_MODELS, NETWORKS, create_fusion

CUDA, CPU = 'CUDAExecutionProvider', 'CPUExecutionProvider'


@pytest.fixture(params=[True, False], ids=['built for CUDA', 'built without'])
def without_cuda(request, monkeypatch):
    """A machine without CUDA, whatever its ONNX Runtime was built for.

    ONNX Runtime opens a session on the CPU then, and says so in a log at most.
    """
    providers = [CUDA, CPU] if request.param else [CPU]
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: providers)
    session = onnxruntime.InferenceSession

    def on_cpu(model, options, providers):
        return session(model, options, providers=[CPU])

    monkeypatch.setattr(onnxruntime, 'InferenceSession', on_cpu)


@pytest.mark.parametrize('name', NETWORKS)
def test_cuda_is_not_silently_replaced(name, without_cuda):
    with pytest.raises(InputError, match='CUDA') as told:
        create_fusion(name, device='cuda')
    assert '\n' not in str(told.value)


@pytest.mark.parametrize('device', ['auto', 'cpu'])
def test_other_devices_do_without(device, without_cuda):
    assert create_fusion('avclnet', device=device).device == CPU


@pytest.mark.parametrize('name', FUSION_MODELS)
def test_a_device_that_there_is_not_is_refused(name):
    with pytest.raises(InputError, match="unknown device 'tpu': choose one of auto, cpu, cuda"):
        create_fusion(name, device='tpu')


@pytest.mark.parametrize('name', BASELINES)
def test_what_has_no_network_runs_anywhere(name, without_cuda):
    assert create_fusion(name, device='cuda').network is None
