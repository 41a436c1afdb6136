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

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from prepare_models import RECIPES

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models import zoo
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.models.whole_network import read_network
from av_tracker_nodes.models.zoo import PACKAGED_MODELS, SILERO_VAD


@pytest.fixture(params=PACKAGED_MODELS, ids=lambda model: model.task)
def model(request):
    return request.param


def test_absent_file_is_named(model):
    with pytest.raises(InputError, match=r'none/none\.onnx is not in the installation') as caught:
        replace(model, file='none/none.onnx').verified()
    assert '\n' not in str(caught.value)


def test_other_file_is_refused(model):
    with pytest.raises(InputError, match=f'has sha256 {model.sha256}, expected 00'):
        replace(model, sha256='00').verified()


def test_card_and_licence_lie_beside_the_file(model):
    file = shipped_file(model.file, 'models')
    row = f'| File | `{file.name}`, {file.stat().st_size:,} bytes, sha256 `{model.sha256}` |'
    assert row in file.with_name('README.md').read_text()
    licence = file.with_name('LICENSE').read_text()
    assert licence.startswith('MIT License\n\nCopyright')
    assert 'shall be included in all\ncopies' in licence


@pytest.mark.parametrize('recipe', RECIPES, ids=lambda recipe: recipe.model.task)
def test_the_file_is_made_of_the_one_that_is_published(recipe):
    made, shipped = onnx.load_from_string(recipe.made()), onnx.load(recipe.model.verified())
    assert made == shipped


def weights(model):
    """All numbers of a graph, initial values and constants, in order of size and value."""
    constants = [a.t for node in model.graph.node for a in node.attribute if a.name == 'value']
    arrays = [numpy_helper.to_array(t) for t in [*model.graph.initializer, *constants]]
    return np.sort(np.concatenate([a.ravel() for a in arrays if a.dtype == np.float32]))


@pytest.mark.parametrize('recipe', RECIPES, ids=lambda recipe: recipe.model.task)
def test_weights_are_those_of_the_authors(recipe):
    published, shipped = map(weights, map(onnx.load, (recipe.published, recipe.model.verified())))
    assert published.size > 10_000
    assert np.isin(published, shipped).all()


CUDA, CPU = 'CUDAExecutionProvider', 'CPUExecutionProvider'


@pytest.fixture
def built_for_cuda(monkeypatch):
    """An ONNX Runtime that was built for CUDA, on a machine where it cannot be loaded."""
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [CUDA, CPU])


@pytest.mark.parametrize('device', zoo.DEVICES)
def test_where_cuda_is_used_there_is_nothing_to_tell(device, built_for_cuda):
    assert zoo.check_provider(device, CUDA) is None


def test_a_fallback_that_was_allowed_is_told(built_for_cuda):
    assert 'runs on the CPU' in zoo.check_provider('auto', CPU)
    assert zoo.check_provider('cpu', CPU) is None


def test_a_fallback_that_was_not_allowed_is_refused(built_for_cuda):
    with pytest.raises(InputError, match='cannot use CUDA here') as told:
        zoo.check_provider('cuda', CPU)
    assert '\n' not in str(told.value)


def test_an_onnx_runtime_without_cuda_falls_back_without_a_word(monkeypatch):
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [CPU])
    assert zoo.check_provider('auto', CPU) is None
    with pytest.raises(InputError, match='has no CUDA'):
        zoo.execution_providers('cuda')


def test_signals_side_by_side_give_what_each_gives_alone():
    original = onnxruntime.InferenceSession(RECIPES[1].published)
    several = onnxruntime.InferenceSession(SILERO_VAD.verified())
    frames = np.random.default_rng(0).normal(0, 0.1, (5, 3, 576)).astype(np.float32)

    def probabilities(session, signals):
        state = np.zeros((1, signals.shape[1], 128), np.float32)
        inputs = {'input': signals.reshape(-1, 576), 'h': state, 'c': state}
        return session.run(['speech_probs'], inputs)[0].reshape(signals.shape[1], -1)

    alone = [probabilities(original, frames[:, [k]])[0] for k in range(3)]
    np.testing.assert_allclose(probabilities(several, frames), alone, atol=1e-6)
    assert np.ptp(alone, axis=0).max() > 1e-3


def test_networks_run_without_reports_to_the_makers_of_the_runtime(tmp_path):
    """What reports keeps an identifier on disk, as soon as it is loaded."""
    environment = {**os.environ, 'HOME': str(tmp_path), 'TMPDIR': str(tmp_path)}
    environment.pop('ORT_DISABLE_TELEMETRY', None)
    code = 'from av_tracker_nodes.models.zoo import load_onnxruntime; load_onnxruntime()'
    subprocess.run([sys.executable, '-c', code], env=environment, check=True)
    assert not list(tmp_path.rglob('*'))


# ---- weights in other files are refused wherever a network may name them


def outside(location='secret.bin'):
    """Four numbers that are in another file."""
    tensor = TensorProto(name='weights', data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {'location': location, 'offset': '0', 'length': '16'}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def constant():
    return helper.make_node('Constant', [], ['y'], value=outside())


def network(nodes=(), **parts):
    output = helper.make_tensor_value_info('y', TensorProto.FLOAT, [4])
    graph = helper.make_graph(list(nodes), 'network', [], [output])
    graph.initializer.extend(parts.get('weights', ()))
    graph.sparse_initializer.extend(parts.get('sparse', ()))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    made.functions.extend(parts.get('functions', ()))
    return made


def branch():
    inner = network([constant()]).graph
    return helper.make_node('If', ['c'], ['y'], then_branch=inner, else_branch=inner)


OPERATORS = [helper.make_opsetid('', 17)]
FORMS = {
    'weights': network(weights=[outside()]),
    'sparse weights': network(sparse=[onnx.SparseTensorProto(values=outside(), dims=[9])]),
    'constant': network([constant()]),
    'subgraph': network([branch()]),
    'function': network(
        functions=[helper.make_function('mine', 'f', [], ['y'], [constant()], OPERATORS)]
    ),
}


@pytest.mark.parametrize('form', FORMS)
def test_weights_in_other_files_are_refused(tmp_path, form):
    (tmp_path / 'network.onnx').write_bytes(FORMS[form].SerializeToString())
    with pytest.raises(InputError, match='its weights are in another file'):
        read_network(tmp_path / 'network.onnx', 'network')


@pytest.mark.parametrize('location', ['beside.bin', '../above.bin', '{}/above.bin', 'link.bin'])
def test_a_network_reads_no_other_files(tmp_path, location):
    folder = tmp_path / 'network'
    folder.mkdir()
    for file in (folder / 'beside.bin', tmp_path / 'above.bin'):
        file.write_bytes(bytes(16))
    (folder / 'link.bin').symlink_to(tmp_path / 'above.bin')
    identity = helper.make_node('Identity', ['weights'], ['y'])
    made = network([identity], weights=[outside(location.format(tmp_path))])
    (folder / 'network.onnx').write_bytes(made.SerializeToString())
    with pytest.raises(InputError, match='cannot be loaded: its weights are in another file'):
        zoo.open_model(folder / 'network.onnx', 'network', ('y',))


def test_operators_of_others_are_refused(tmp_path):
    other = network([helper.make_node('Read', [], ['y'], domain='com.example')])
    (tmp_path / 'network.onnx').write_bytes(other.SerializeToString())
    with pytest.raises(InputError, match=r"operator Read of 'com\.example' is no standard one"):
        read_network(tmp_path / 'network.onnx', 'network')
