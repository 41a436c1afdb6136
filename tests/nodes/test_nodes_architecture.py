# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What holds for the code as a whole."""

import ast
from pathlib import Path

import pytest

import av_tracker_nodes

PACKAGE = Path(av_tracker_nodes.__file__).parent
ROS = {
    'rclpy',
    'launch',
    'launch_ros',
    'tf2_ros',
    'message_filters',
    'cv_bridge',
    'rosidl_runtime_py',
}
NODES = sorted((PACKAGE / 'nodes').glob('*.py'))
OUTSIDE = sorted(path for path in PACKAGE.rglob('*.py') if path.parent.name != 'nodes')


def imported(path):
    """Top-level packages that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.partition('.')[0])
    return names


@pytest.mark.parametrize('path', OUTSIDE, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_nodes_know_ros(path):
    assert not {name for name in imported(path) if name in ROS or name.endswith('_msgs')}


def test_nodes_are_known_only_to_nodes():
    for path in OUTSIDE:
        assert 'av_tracker_nodes.nodes' not in {
            node.module
            for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
            if isinstance(node, ast.ImportFrom)
        }, path


def calls(path, *names):
    """First string argument of calls of methods with these names."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in names:
            texts = (a.value for a in node.args if isinstance(a, ast.Constant))
            yield next((text for text in texts if isinstance(text, str)), None)


@pytest.mark.parametrize('path', NODES, ids=lambda p: p.name)
def test_nobody_listens_to_the_truth(path):
    assert 'ground_truth' not in calls(path, 'listen', 'learn', 'create_subscription')


@pytest.mark.parametrize('path', NODES, ids=lambda p: p.name)
def test_topics_are_relative(path):
    everywhere = {'/tf', '/tf_static', '/clock', '/diagnostics'}
    for topic in calls(path, 'listen', 'learn', 'output', 'create_publisher'):
        assert topic is None or not topic.startswith('/') or topic in everywhere
