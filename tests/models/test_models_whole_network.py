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

"""Weights in other files are refused wherever a network may name them."""

import onnx
import pytest
from onnx import TensorProto, helper

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models.whole_network import read_network


def outside(name='weights'):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key='location', value='secret.bin')
    return tensor


def constant():
    return helper.make_node('Constant', [], ['y'], value=outside())


def model(nodes=(), **parts):
    output = helper.make_tensor_value_info('y', TensorProto.FLOAT, [4])
    graph = helper.make_graph(list(nodes), 'network', [], [output])
    graph.initializer.extend(parts.get('weights', ()))
    graph.sparse_initializer.extend(parts.get('sparse', ()))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    made.functions.extend(parts.get('functions', ()))
    return made


def branch():
    output = helper.make_tensor_value_info('y', TensorProto.FLOAT, [4])
    inner = helper.make_graph([constant()], 'inner', [], [output])
    return helper.make_node('If', ['c'], ['y'], then_branch=inner, else_branch=inner)


FORMS = {
    'weights': model(weights=[outside()]),
    'sparse weights': model(sparse=[onnx.SparseTensorProto(values=outside(), dims=[9])]),
    'constant': model([constant()]),
    'subgraph': model([branch()]),
    'function': model(
        functions=[
            helper.make_function(
                'mine', 'f', [], ['y'], [constant()], [helper.make_opsetid('', 17)]
            )
        ]
    ),
}


@pytest.mark.parametrize('form', FORMS)
def test_weights_in_other_files_are_refused(tmp_path, form):
    (tmp_path / 'network.onnx').write_bytes(FORMS[form].SerializeToString())
    with pytest.raises(InputError, match='its weights are in another file'):
        read_network(tmp_path / 'network.onnx', 'network')


def test_operators_of_others_are_refused(tmp_path):
    other = model([helper.make_node('Read', [], ['y'], domain='com.example')])
    (tmp_path / 'network.onnx').write_bytes(other.SerializeToString())
    with pytest.raises(InputError, match=r"operator Read of 'com\.example' is no standard one"):
        read_network(tmp_path / 'network.onnx', 'network')
