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

"""A network without training: what it says is a linear function of what is seen."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from av_tracker_nodes.fusion.candidates import (
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    SIGHT_FEATURES,
    SOUND_FEATURES,
)
from av_tracker_nodes.fusion.search import (
    FOUND,
    SEARCH_SIZE,
    SOUND_MAP_SIZE,
    SOUND_MAPS,
    TEMPLATE_SIZE,
)

_GREY, _SURENESS = 50.0, 0.1

KINDS = slice(7, 10)
"""Columns of the sight features that say why somebody may be there."""


def write_network(path: Path, bias: list[float], kinds: np.ndarray | None = None) -> Path:
    """Write a network whose prediction is `bias`, plus a row of `kinds` (3, 8) for the kind."""
    weights = np.zeros((SIGHT_FEATURES, 8), np.float32)
    if kinds is not None:
        weights[KINDS] = kinds
    constants = [
        numpy_helper.from_array(weights, 'weights'),
        numpy_helper.from_array(np.array(bias, np.float32), 'bias'),
    ]
    nodes = [
        helper.make_node('MatMul', ['sight', 'weights'], ['product']),
        helper.make_node('Add', ['product', 'bias'], ['prediction']),
        helper.make_node('LpNormalization', ['sight'], ['embedding'], axis=1, p=2),
    ]
    inputs = {
        'crops': (TensorProto.UINT8, ['n', CROP_SIZE, CROP_SIZE, 3]),
        'maps': (TensorProto.FLOAT, ['n', MAP_SIZE, MAP_SIZE]),
        'sight': (TensorProto.FLOAT, ['n', SIGHT_FEATURES]),
        'sound': (TensorProto.FLOAT, ['n', SOUND_FEATURES]),
        'global_map': (TensorProto.FLOAT, [1, *GLOBAL_MAP_SIZE]),
        'valid': (TensorProto.BOOL, [1, 'n']),
    }
    outputs = {'prediction': ['n', 8], 'embedding': ['n', SIGHT_FEATURES]}
    return _write(path, nodes, inputs, outputs, constants, {'measure': 'vwswe'})


def write_search_network(path: Path, offset: tuple[float, float], speaking: float) -> Path:
    """Write a network that finds people at an offset, and is sure of it in bright pictures."""
    bias = np.array([*offset, -_GREY * _SURENESS, speaking], np.float32)
    constants = [
        numpy_helper.from_array(np.array([1, 2, 3]), 'axes'),
        numpy_helper.from_array(np.array([[0, 0, _SURENESS, 0]], np.float32), 'weights'),
        numpy_helper.from_array(bias, 'bias'),
        numpy_helper.from_array(np.array([-1, 1]), 'column'),
    ]
    nodes = [
        helper.make_node('Cast', ['searches'], ['picture'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['picture', 'axes'], ['mean'], keepdims=0),
        helper.make_node('Reshape', ['mean', 'column'], ['brightness']),
        helper.make_node('MatMul', ['brightness', 'weights'], ['product']),
        helper.make_node('Add', ['product', 'bias'], ['prediction']),
    ]
    inputs = {
        'templates': (TensorProto.UINT8, ['n', TEMPLATE_SIZE, TEMPLATE_SIZE, 3]),
        'searches': (TensorProto.UINT8, ['n', SEARCH_SIZE, SEARCH_SIZE, 3]),
        'maps': (TensorProto.FLOAT, ['n', SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE]),
        'sound': (TensorProto.FLOAT, ['n', SOUND_FEATURES]),
    }
    facts = {'measure': 'vggcf', 'task': 'search'}
    return _write(path, nodes, inputs, {'prediction': ['n', FOUND]}, constants, facts)


def _write(path, nodes, inputs, outputs, constants, facts) -> Path:
    graph = helper.make_graph(
        nodes,
        'tiny',
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=10)
    helper.set_model_props(model, facts)
    onnx.save(model, path)
    return path
