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

"""What each node loads: a robot has many processes, and pays for each."""

import ast
import sys
from pathlib import Path

import pytest
from workspaces import output_of

import av_tracker_nodes

NODES = Path(av_tracker_nodes.__file__).parent / 'nodes'
HEAVY = {'cv2', 'matplotlib', 'numba', 'onnxruntime', 'rosbags', 'scipy', 'torch'}
NEEDED = {
    'tracker': set(),
    'track_writer': set(),
    'microphone_array': set(),
    'speaker_beams': {'numba', 'scipy'},
    'camera': {'cv2'},
    'face_detector': {'cv2'},
    'fusion': {'cv2'},
    'bag_player': {'cv2'},
    'acoustic_map': {'numba', 'scipy'},
}


@pytest.mark.parametrize('node', NEEDED)
def test_a_node_loads_no_library_that_it_does_not_need(node):
    pytest.importorskip('rclpy')
    program = f'import sys, av_tracker_nodes.nodes.{node}; print(*sys.modules)'
    loaded = output_of([sys.executable, '-c', program]).split()
    assert HEAVY & set(loaded) <= NEEDED[node]


# ---- what a node keeps for itself must not hide what all nodes can do


def of_all_nodes():
    tree = ast.parse((NODES / 'node_base.py').read_text())
    classes = (part for part in tree.body if isinstance(part, ast.ClassDef))
    return {part.name for each in classes for part in each.body if hasattr(part, 'name')}


def is_kept(part):
    """Tell whether a part of a program sets an attribute of `self`."""
    is_set = isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
    return is_set and isinstance(part.value, ast.Name) and part.value.id == 'self'


def kept(tree):
    """Names of the attributes of `self` that are set in a file."""
    return [part.attr for part in ast.walk(tree) if is_kept(part)]


def test_attributes_are_found():
    assert {'subscribe', 'advertise'} <= of_all_nodes()
    assert kept(ast.parse('self.a = other.b = self.c.d = 1')) == ['a']


@pytest.mark.parametrize('file', sorted(NODES.glob('*.py')), ids=lambda file: file.stem)
def test_no_attribute_of_a_node_hides_a_method_of_all_nodes(file):
    assert of_all_nodes() & set(kept(ast.parse(file.read_text()))) == set()
