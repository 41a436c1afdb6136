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

"""What a fusion model needs: which sensors, and where its network runs."""

import numpy as np
import onnxruntime
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import BASELINES, FUSION_MODELS, NETWORKS, create_fusion
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.types import AcousticMap, Face, FaceFrame, FaceSound, Modality

CAMERA = Camera(400, 400, 180, 144, (360, 288))
ONE, TWO = MicrophoneArray(np.zeros((1, 3))), MicrophoneArray(0.1 * np.eye(3)[:2])
BOTH = [name for name in FUSION_MODELS if name not in ('visual', 'audio')]
IMAGE = np.zeros((288, 360, 3), np.uint8)


@pytest.mark.parametrize(
    ('models', 'rig', 'missing'),
    [
        (FUSION_MODELS, Rig(CAMERA, TWO), None),
        (['visual'], Rig(CAMERA, None), None),
        (['audio'], Rig(None, TWO), None),
        (['visual', *BOTH], Rig(CAMERA, ONE), None),
        (BOTH, Rig(CAMERA, None), "model '{}' needs microphones"),
        (['visual', *BOTH], Rig(None, TWO), "model '{}' needs a camera"),
        (['audio'], Rig(CAMERA, None), "model '{}' needs microphones"),
        (['audio'], Rig(CAMERA, ONE), "model '{}' .* needs two microphones"),
    ],
)
def test_a_model_takes_the_sensors_that_it_needs_and_names_those_that_it_lacks(
    models, rig, missing
):
    for name in models:
        model = create_fusion(name, device='cpu')
        if missing is None:
            model.check_rig(rig)
            continue
        with pytest.raises(InputError, match=missing.format(name)) as told:
            model.check_rig(rig)
        assert '\n' not in str(told.value)


def one_microphone(speech):
    """What one microphone tells of a face 2 m ahead, with its face."""
    face = Face(np.array([165.0, 124, 30, 40]), 0.9, tracklet=1)
    heard = FaceSound(
        1, np.zeros((12, 12), np.float32), 0.0, 0.0, np.array([0, 0, 2.0]), 2.0, 0.6, speech
    )
    sound = AcousticMap.blank(10**9, 'vggcf', coverage=1.0, faces=(heard,))
    return FaceFrame(10**9, (360, 288), (face,)), sound


@pytest.mark.parametrize('name', BOTH)
@pytest.mark.parametrize('speech', [0.1, 0.9])
def test_the_voice_that_one_microphone_hears_is_that_of_the_face(name, speech):
    faces, sound = one_microphone(speech)
    model = create_fusion(name, device='cpu')
    (detection,) = model.process(faces, sound, Rig(CAMERA, ONE), IMAGE).detections
    assert detection.speaking == speech
    assert bool(detection.modalities & Modality.AUDIO) == (speech > 0.5)


@pytest.mark.parametrize('name', ['vggcf', 'stgcf'])
def test_one_microphone_tells_nothing_of_the_range(name):
    places = []
    for speech in (0.1, 0.9):
        (detection,) = (
            create_fusion(name).process(*one_microphone(speech), Rig(CAMERA, ONE)).detections
        )
        places.append((detection.position, detection.covariance))
    np.testing.assert_array_equal(places[0][0], places[1][0])
    np.testing.assert_array_equal(places[0][1], places[1][1])


def test_vision_alone_says_of_nobody_that_they_speak():
    faces, sound = one_microphone(0.9)
    for rig in (Rig(CAMERA, ONE), Rig(CAMERA, None)):
        (detection,) = create_fusion('visual').process(faces, sound, rig).detections
        assert detection.speaking == 0


@pytest.mark.parametrize('name', FUSION_MODELS)
def test_what_tells_nothing_is_said_and_where_nothing_does_the_model_is_not_asked(name):
    model = create_fusion(name, device='cpu')
    rig = Rig(CAMERA, TWO)
    size = (360, 288)
    silence = AcousticMap.blank(10**9, 'vggcf')
    told = model.process(FaceFrame(10**9, size, is_searched=False), silence, rig, None)
    assert (told.detections, told.without) == ((), Modality.BOTH)
    told = model.process(FaceFrame(10**9, size), silence, rig, IMAGE)
    assert told.without == Modality.AUDIO


# ---- where networks run: cuda insists, auto falls back


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
