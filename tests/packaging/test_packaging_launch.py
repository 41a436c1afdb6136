# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The launch file, loaded with a stand-in for ROS's launch."""

from types import SimpleNamespace

import pytest
from bootstrap import ROOT
from launch_stubs import load_launch_file

from av_tracker_nodes.launching.node_set import ARGUMENTS, PACKAGE, NodeSpec

LAUNCH_FILE = ROOT / 'launch' / 'av_tracker.launch.py'
RUNS, SHUTS_DOWN = SimpleNamespace(is_shutdown=False), SimpleNamespace(is_shutdown=True)


@pytest.fixture
def launch_file(monkeypatch):
    return load_launch_file(LAUNCH_FILE, monkeypatch)


def kinds(actions):
    return [type(action).__name__ for action in actions]


def test_every_argument_is_declared_with_its_description(launch_file):
    *declared, start = launch_file.generate_launch_description().arguments[0]
    assert kinds([start]) == ['OpaqueFunction']
    assert {each.arguments[0]: each.keywords for each in declared} == {
        argument.name: {
            'default_value': argument.default,
            'description': argument.description,
            'choices': argument.choices or None,
        }
        for argument in ARGUMENTS
    }


@pytest.mark.parametrize(('asked', 'reach'), [(None, 'LOCALHOST'), ('SUBNET', 'SUBNET')])
def test_discovery_stays_on_this_machine_unless_asked(launch_file, monkeypatch, asked, reach):
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
    if asked:
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', asked)
    values = {argument.name: argument.default for argument in ARGUMENTS}
    values |= {'start_camera': 'false', 'start_microphones': 'false'}
    first, *_ = launch_file._start(SimpleNamespace(values=values))
    assert kinds([first]) == ['SetEnvironmentVariable']
    assert first.arguments == ('ROS_AUTOMATIC_DISCOVERY_RANGE', reach)


def test_nodes_follow_from_the_arguments(launch_file):
    values = {argument.name: argument.default for argument in ARGUMENTS}
    values |= {'start_camera': 'false', 'start_microphones': 'false'}
    values |= {'namespace': 'robot', 'autostart': 'false'}
    actions = launch_file._start(SimpleNamespace(values=values))
    nodes = [action.keywords for action in actions if type(action).__name__ == 'Node']
    assert [node['executable'] for node in nodes] == [
        'face_detector',
        'acoustic_map',
        'fusion',
        'tracker',
    ]
    for node in nodes:
        assert '__ns:=/robot' in node['ros_arguments']
        assert 'autostart:=false' in node['ros_arguments']


def after(launch_file, spec):
    """Return what is called when a process ends."""
    node, registered = launch_file._actions(spec)
    (handler,) = registered.arguments
    assert handler.keywords['target_action'] is node
    return handler.keywords['on_exit']


@pytest.mark.parametrize('status', [1, -9, -11])
def test_a_node_that_has_died_is_started_again(launch_file, status):
    spec = NodeSpec(PACKAGE, 'tracker', 'tracker', respawns=True)
    follow = after(launch_file, spec)
    (timer,) = follow(SimpleNamespace(returncode=status), RUNS)
    assert kinds([timer]) == ['TimerAction']
    assert timer.keywords['period'] > 0
    assert kinds(timer.keywords['actions']) == ['Node', 'RegisterEventHandler']
    assert follow(SimpleNamespace(returncode=status), SHUTS_DOWN) == []


@pytest.mark.parametrize('status', [0, 2])
def test_a_node_that_ended_on_purpose_is_not(launch_file, status):
    follow = after(launch_file, NodeSpec(PACKAGE, 'camera', 'camera', respawns=True))
    assert follow(SimpleNamespace(returncode=status), RUNS) == []


def test_a_node_that_shall_not_is_not(launch_file):
    follow = after(launch_file, NodeSpec(PACKAGE, 'tracker', 'tracker'))
    assert follow(SimpleNamespace(returncode=-9), RUNS) == []


@pytest.mark.parametrize('status', [0, 1, -9])
def test_the_end_of_the_player_is_that_of_all(launch_file, status):
    follow = after(launch_file, NodeSpec(PACKAGE, 'bag_player', 'bag_player', ends_all=True))
    (end,) = follow(SimpleNamespace(returncode=status), RUNS)
    assert kinds([end]) == ['EmitEvent']
