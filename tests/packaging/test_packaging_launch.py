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

"""The launch file, loaded with a stand-in for ROS's launch."""

from types import SimpleNamespace

import pytest
from bootstrap import ROOT
from launch_stubs import load_launch_file

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.calibration import save_camera
from av_tracker_nodes.launching.arguments import ARGUMENTS
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec

LAUNCH_FILE = ROOT / 'launch' / 'av_tracker.launch.py'
REACH = 'ROS_AUTOMATIC_DISCOVERY_RANGE'


@pytest.fixture
def launch_file(monkeypatch):
    return load_launch_file(LAUNCH_FILE, monkeypatch)


def kinds(actions):
    return [type(action).__name__ for action in actions]


def started(launch_file, environment=None, configurations=None, **chosen):
    """What is started for some arguments, in a group of another launch file."""
    values = {argument.name: argument.default for argument in ARGUMENTS}
    values |= {'start_camera': 'false', 'start_microphones': 'false', **chosen}
    context = SimpleNamespace(
        values=values, environment=environment or {}, launch_configurations=configurations or {}
    )
    *_, start = launch_file.generate_launch_description().arguments[0]
    return start.keywords['function'](context)


def test_every_argument_is_declared_with_its_description(launch_file):
    *declared, start = launch_file.generate_launch_description().arguments[0]
    assert kinds([start]) == ['OpaqueFunction']
    assert {each.arguments[0]: each.keywords for each in declared} == {
        argument.name: {'default_value': argument.default, 'description': argument.help}
        for argument in ARGUMENTS
    }


@pytest.mark.parametrize(
    ('environment', 'added'), [({}, {REACH: 'LOCALHOST'}), ({REACH: 'SUBNET'}, {})]
)
def test_discovery_stays_on_this_machine_unless_asked(launch_file, environment, added):
    """Only that of our nodes: who includes the file keeps the environment."""
    actions = started(launch_file, environment, rviz='true')
    assert set(kinds(actions)) == {'Node'}
    assert all(action.keywords['additional_env'] == added for action in actions)


def test_nodes_follow_from_the_arguments(launch_file):
    nodes = [
        action.keywords for action in started(launch_file, namespace='robot', autostart='False')
    ]
    assert [node['executable'] for node in nodes] == [
        'face_detector',
        'acoustic_map',
        'fusion',
        'tracker',
    ]
    for node in nodes:
        assert '__ns:=/robot' in node['ros_arguments']
        assert '"autostart": false' in node['arguments'][0]
        assert node['parameters'][0].endswith('params.yaml')


@pytest.mark.parametrize(
    ('outer', 'given', 'expected'),
    [
        (None, '', None),
        (None, 'robot', '/robot'),
        ('/fleet', '', '/fleet'),
        ('/fleet', 'robot', '/fleet/robot'),
        ('/fleet', '/robot', '/robot'),
    ],
)
def test_the_namespace_of_a_group_comes_before_ours(launch_file, outer, given, expected):
    configurations = {'ros_namespace': outer} if outer else {}
    for node in started(launch_file, configurations=configurations, namespace=given):
        remapped = [a for a in node.keywords['ros_arguments'] if a.startswith('__ns:=')]
        assert remapped == ([f'__ns:={expected}'] if expected else [])


class Loop(list):
    """Keeps the problems that let `ros2 launch` end with status 1."""

    def call_exception_handler(self, problem):
        self.append(problem['message'])


def end(launch_file, spec, status, *, shuts_down=False):
    """What follows when a process ends, and the problems that are told."""
    launch_file.node_set = lambda chosen: [spec]
    (node,) = started(launch_file)
    context = SimpleNamespace(is_shutdown=shuts_down, asyncio_loop=Loop())
    actions = node.keywords['on_exit'](SimpleNamespace(returncode=status), context)
    return node, actions, context.asyncio_loop


@pytest.mark.parametrize('status', [1, -9, -11])
def test_a_node_that_has_died_is_started_again_by_launch_itself(launch_file, status):
    """So that it comes back with the command line and the environment that it had."""
    spec = NodeSpec(PACKAGE, 'tracker', 'tracker', respawns=True)
    node, actions, problems = end(launch_file, spec, status)
    assert node.keywords['respawn'] is True
    assert node.keywords['respawn_delay'] > 0
    assert (actions, problems) == ([], [])


@pytest.mark.parametrize(('status', 'told'), [(0, []), (2, ['camera has ended with status 2'])])
def test_a_node_that_ended_on_purpose_is_not(launch_file, status, told):
    spec = NodeSpec(PACKAGE, 'camera', 'camera', respawns=True)
    node, (action,), problems = end(launch_file, spec, status)
    event = action.keywords['event']
    assert kinds([action, event]) == ['EmitEvent', 'ShutdownProcess']
    assert event.keywords['process_matcher'](node)
    assert not event.keywords['process_matcher'](object())
    assert problems == told


def test_a_node_that_shall_not_is_not(launch_file):
    node, actions, problems = end(launch_file, NodeSpec(PACKAGE, 'tracker', 'tracker'), -9)
    assert node.keywords['respawn'] is False
    assert actions == []
    assert problems == ['tracker has ended with status -9']


@pytest.mark.parametrize(
    ('status', 'told'),
    [
        (0, []),
        (1, ['bag_player has ended with status 1']),
        (-9, ['bag_player has ended with status -9']),
    ],
)
def test_the_end_of_the_player_is_that_of_all(launch_file, status, told):
    spec = NodeSpec(PACKAGE, 'bag_player', 'bag_player', ends_all=True)
    _, (action,), problems = end(launch_file, spec, status)
    assert kinds([action, action.keywords['event']]) == ['EmitEvent', 'Shutdown']
    assert problems == told


def test_nobody_is_blamed_for_ending_when_all_shall(launch_file):
    for spec in (NodeSpec(PACKAGE, 'a', 'a', respawns=True), NodeSpec(PACKAGE, 'b', 'b')):
        _, actions, problems = end(launch_file, spec, -2, shuts_down=True)
        assert (actions, problems) == ([], [])


# ---- the launch example for other camera drivers, loaded with a stand-in for ROS's launch


EXAMPLE = ROOT / 'launch' / 'examples' / 'camera_driver.launch.py'


@pytest.fixture
def example(monkeypatch):
    return load_launch_file(EXAMPLE, monkeypatch)


def driver_of(example, **values):
    *_, start, _ = example.generate_launch_description().arguments[0]
    return start.keywords['function'](SimpleNamespace(values=values))


def test_the_tracker_runs_without_its_own_camera(example):
    *declared, _, tracker = example.generate_launch_description().arguments[0]
    passed_on = dict(tracker.keywords['launch_arguments'])
    assert passed_on == {'start_camera': 'false'}
    # The names of the topics go on to the tracker, whose arguments have the same names.
    names = {argument.arguments[0] for argument in declared} - {'driver', 'video_device'}
    assert {*names, *passed_on} <= {argument.name for argument in ARGUMENTS}


@pytest.mark.parametrize('driver', ['usb_cam', 'v4l2_camera'])
def test_drivers_are_given_the_calibration(example, tmp_path, driver):
    path = tmp_path / 'camera.yaml'
    save_camera(path, Camera(500.0, 500.0, 319.5, 239.5, (640, 480)), frame='eye')
    values = {'driver': driver, 'video_device': '/dev/video2', 'camera_calibration': str(path)}
    (node,) = driver_of(example, **values)
    (parameters,) = node.keywords['parameters']
    assert node.keywords['package'] == driver
    assert parameters['camera_info_url'] == f'file://{path}'
    assert parameters['video_device'] == '/dev/video2'
    assert 'eye' in parameters.values()
    width, height = parameters.get('image_width'), parameters.get('image_height')
    assert parameters.get('image_size', [width, height]) == [640, 480]


def test_a_driver_that_runs_already_is_not_started(example):
    values = {'driver': 'none', 'video_device': '', 'camera_calibration': ''}
    assert driver_of(example, **values) == []
