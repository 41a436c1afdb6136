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

"""What holds for the code as a whole."""

import ast
import graphlib
from pathlib import Path

import pytest

import av_tracker_nodes

PACKAGE = Path(av_tracker_nodes.__file__).parent
NAME = PACKAGE.name
ROS = {
    'rclpy',
    'launch',
    'launch_ros',
    'tf2_ros',
    'message_filters',
    'cv_bridge',
    'rosidl_runtime_py',
}
MOST_ARROWS = 77
"""Ordered pairs of rooms of which one imports the other."""

FORMER = {'datasets', 'node_set', 'processes'}
"""Aliases of what has moved."""


def module_of(path):
    """Dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


FILES = {
    module_of(path): ast.parse(path.read_text(encoding='utf-8'))
    for path in sorted(PACKAGE.rglob('*.py'))
}
NODES = [name for name in FILES if name.startswith(f'{NAME}.nodes.')]
OUTSIDE = [name for name in FILES if not name.startswith(f'{NAME}.nodes')]
ROBOT = [name for name in OUTSIDE if not name.startswith((f'{NAME}.research', f'{NAME}.cli'))]


def imported(module):
    """Names of all modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(FILES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {
                full if (full := f'{node.module}.{alias.name}') in FILES else node.module
                for alias in node.names
            }
    return found


def room_of(module):
    """Top-level name of a module of the package."""
    return module.split('.')[1]


@pytest.mark.parametrize('module', OUTSIDE)
def test_only_nodes_know_ros(module):
    tops = {name.partition('.')[0] for name in imported(module)}
    assert not {name for name in tops if name in ROS or name.endswith('_msgs')}


@pytest.mark.parametrize('module', OUTSIDE)
def test_nodes_are_known_only_to_nodes(module):
    assert not {name for name in imported(module) if name.startswith(f'{NAME}.nodes')}


@pytest.mark.parametrize('module', [*ROBOT, *NODES])
def test_the_robot_needs_no_laboratory(module):
    assert not {name for name in imported(module) if name.startswith(f'{NAME}.research')}


def test_imports_of_the_package_are_absolute():
    relative = [
        module
        for module, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_few_rooms_import_each_other():
    arrows = {
        (room_of(module), room_of(name))
        for module in FILES.keys() - {NAME}
        for name in imported(module)
        if name.startswith(f'{NAME}.')
    }
    arrows = {(a, b) for a, b in arrows if a != b and a not in FORMER}
    assert len(arrows) <= MOST_ARROWS, sorted(arrows)


def test_no_circles_outside_the_laboratory():
    graph = {
        module: {name for name in imported(module) if name in FILES and name != NAME}
        for module in FILES
        if module != NAME and room_of(module) != 'research'
    }
    rooms = {}
    for module, names in graph.items():
        rooms.setdefault(room_of(module), set()).update(map(room_of, names))
    for room, others in rooms.items():
        others.discard(room)
    for each in (graph, rooms):
        graphlib.TopologicalSorter(each).prepare()


@pytest.mark.parametrize(
    'node', ['bag_player', 'camera', 'microphone_array', 'recorder', 'track_writer', 'tracker']
)
def test_nodes_without_a_network_do_not_wait_for_what_runs_them(node):
    found, left = set(), {f'{NAME}.nodes.{node}'}
    while left:
        found |= left
        left = {n for module in left & FILES.keys() for n in imported(module)} - found
    assert 'onnxruntime' not in found


def calls(module, *names):
    """First string argument of calls of methods with these names."""
    for node in ast.walk(FILES[module]):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in names:
            texts = (a.value for a in node.args if isinstance(a, ast.Constant))
            yield next((text for text in texts if isinstance(text, str)), None)


@pytest.mark.parametrize('module', NODES)
def test_nobody_listens_to_the_truth(module):
    assert 'ground_truth' not in calls(module, 'listen', 'learn', 'create_subscription')


@pytest.mark.parametrize('module', NODES)
def test_topics_are_relative(module):
    everywhere = {'/tf', '/tf_static', '/clock', '/diagnostics'}
    for topic in calls(module, 'listen', 'learn', 'output', 'create_publisher'):
        assert topic is None or not topic.startswith('/') or topic in everywhere


def test_graph_tests_are_where_the_makefile_has_them_looked_for():
    tests = Path(__file__).parent
    marked = {p for p in tests.rglob('test_*.py') if 'pytest.mark.graph' in p.read_text()}
    marked.remove(Path(__file__))
    assert {path.parent for path in marked} == {tests / 'graph'}
