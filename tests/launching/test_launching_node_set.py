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

"""The description of the node set, and the processes made of it."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from tiny_recording import write_bag

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching import processes
from av_tracker_nodes.launching.arguments import ARGUMENTS
from av_tracker_nodes.launching.node_set import STAGES, NodeSpec, node_set
from av_tracker_nodes.launching.parameter_files import declared_names
from av_tracker_nodes.launching.processes import Supervisor, private_environment
from av_tracker_nodes.launching.replay import record, replay
from av_tracker_nodes.models.shipped import shipped_file

REPOSITORY = Path(__file__).resolve().parents[2]
ARRAY = str(REPOSITORY / 'src/av_tracker_nodes/calibration/respeaker_4mic.yaml')
LIVE = {'camera_calibration': 'camera.yaml', 'array_calibration': ARRAY}


@pytest.fixture
def bag(tmp_path):
    return write_bag(tmp_path / 'bag', image_seconds=0.3).path


def parameters(spec):
    """Parameters that a process of one node is given."""
    (argument,) = spec.arguments
    name, _, values = argument.partition('=')
    assert name == spec.name
    return json.loads(values)


def by_name(chosen):
    return {spec.name: spec for spec in node_set(chosen)}


def test_every_argument_is_described():
    names = [argument.name for argument in ARGUMENTS]
    assert len(set(names)) == len(names)
    for argument in ARGUMENTS:
        assert argument.description
        assert not argument.choices or argument.default in argument.choices


def test_live_set():
    specs = by_name(LIVE)
    assert list(specs) == ['microphone_array', 'camera', *STAGES]
    assert not any(spec.ends_all for spec in specs.values())
    assert parameters(specs['microphone_array'])['calibration'] == ARRAY
    assert 'reliable_images' not in parameters(specs['face_detector'])
    assert 'use_sim_time' not in parameters(specs['tracker'])


def test_devices_can_be_somebody_elses():
    chosen = {'start_camera': 'false', 'start_microphones': 'false'}
    assert list(by_name(chosen)) == list(STAGES)


def test_replay_set(bag, tmp_path):
    chosen = {'bag': str(bag), 'out': str(tmp_path / 'out'), 'rate': '2', 'network_device': 'cpu'}
    specs = by_name(chosen)
    assert list(specs) == ['bag_player', *STAGES, 'track_writer']
    assert [name for name, spec in specs.items() if spec.ends_all] == ['bag_player']
    player = parameters(specs['bag_player'])
    assert player['use_sim_time'] is False
    assert player['rate'] == 2.0
    assert set(player['wait_for'].split(',')) == {*STAGES, 'track_writer'}
    for name in STAGES:
        assert parameters(specs[name])['use_sim_time'] is True
        assert parameters(specs[name])['reliable_images'] is True if name != 'fusion' else True
    assert parameters(specs['face_detector'])['image_transport'] == 'compressed'
    assert parameters(specs['acoustic_map'])['patience'] == 2.0
    assert parameters(specs['fusion'])['device'] == 'cpu'


def test_patience_stays_within_what_the_nodes_allow(bag):
    specs = by_name({'bag': str(bag), 'rate': '100'})
    for name in ('acoustic_map', 'fusion'):
        assert parameters(specs[name])['patience'] == 10.0


def test_beams_and_ros4hri_are_extras(bag):
    specs = by_name({**LIVE, 'beams': 'true', 'audio_offset': '0.02'})
    assert list(specs) == ['microphone_array', 'camera', *STAGES, 'speaker_beams']
    assert parameters(specs['speaker_beams'])['audio_offset'] == 0.02
    assert parameters(specs['speaker_beams'])['array_calibration'] == ARRAY
    # The voices of ROS4HRI are the beams.
    specs = by_name({'bag': str(bag), 'ros4hri': 'true', 'target_frame': 'map'})
    assert list(specs) == ['bag_player', *STAGES, 'speaker_beams', 'ros4hri_bridge']
    assert parameters(specs['ros4hri_bridge'])['target_frame'] == 'map'
    assert parameters(specs['ros4hri_bridge'])['image_transport'] == 'compressed'
    waited_for = parameters(specs['bag_player'])['wait_for'].split(',')
    assert set(waited_for) == {*STAGES, 'speaker_beams', 'ros4hri_bridge'}


def test_measure_follows_the_model(bag):
    def measure(**chosen):
        specs = by_name({'bag': str(bag), **chosen})
        return parameters(specs['acoustic_map'])['measure']

    assert measure(fusion_model='stgcf') == 'stgcf'
    assert measure(fusion_model='vggcf') == 'vggcf'
    assert measure(fusion_model='stgcf', measure='gcf') == 'gcf'


def test_every_process_has_its_enclave():
    policy = etree.parse(REPOSITORY / 'security' / 'policy.xml')
    known = set(policy.xpath('//enclave/@path'))
    for one_process in ('false', 'true'):
        specs = node_set({**LIVE, 'beams': 'true', 'one_process': one_process})
        assert not any('--enclave' in spec.ros_arguments for spec in specs)
        chosen = {**LIVE, 'enclaves': 'av_tracker/', 'beams': 'true', 'one_process': one_process}
        for spec in node_set(chosen):
            assert spec.ros_arguments[-2] == '--enclave'
            assert spec.ros_arguments[-1] == f'/av_tracker/{spec.name}'
            assert spec.ros_arguments[-1] in known


def test_namespace_goes_to_everybody(bag):
    for spec in node_set({'bag': str(bag), 'namespace': 'robot/head/'}):
        assert '__ns:=/robot/head' in spec.ros_arguments


@pytest.mark.parametrize(
    ('chosen', 'namespace', 'time'),
    [
        ({}, None, True),
        ({'namespace': 'robot'}, '__ns:=/robot', True),
        ({'namespace': '/robot/head/', 'use_sim_time': 'false'}, '__ns:=/robot/head', False),
    ],
)
def test_rviz_shows_the_namespace_at_the_time_of_the_nodes(bag, chosen, namespace, time):
    specs = by_name({'bag': str(bag), 'rviz': 'true', **chosen})
    arguments = specs['rviz2'].ros_arguments
    told = [each for each in arguments if each.startswith('__ns')]
    assert told == [each for each in specs['tracker'].ros_arguments if each.startswith('__ns')]
    assert told == ([namespace] if namespace else [])
    assert f'use_sim_time:={str(time).lower()}' in arguments


def test_autostart_goes_to_everybody(bag):
    (together,) = node_set({'bag': str(bag), 'one_process': 'true', 'autostart': 'false'})
    for argument in together.arguments:
        assert json.loads(argument.partition('=')[2])['autostart'] is False
    specs = node_set({**LIVE, 'autostart': 'false', 'log_level': 'debug'})
    assert all(parameters(spec)['autostart'] is False for spec in specs)
    assert all(
        spec.ros_arguments[spec.ros_arguments.index('--log-level') + 1] == 'debug'
        for spec in specs
    )


def test_nodes_that_die_are_started_again_but_not_those_that_end(bag):
    specs = by_name({'bag': str(bag)})
    assert [name for name, spec in specs.items() if not spec.respawns] == ['bag_player']
    assert not any(spec.respawns for spec in node_set({**LIVE, 'respawn': 'false'}))
    (together,) = node_set({**LIVE, 'one_process': 'true'})
    assert (together.respawns, together.ends_all) == (True, False)
    tracker = specs['tracker']
    assert [tracker.has_died(status) for status in (None, 0, 2)] == [False] * 3
    assert [tracker.has_died(status) for status in (1, -9, -11)] == [True] * 3
    assert not specs['bag_player'].has_died(-9)


def test_a_model_of_one_sense_starts_no_device_of_the_other():
    blind = by_name({'fusion_model': 'audio', 'array_calibration': ARRAY})
    assert list(blind) == ['microphone_array', *STAGES]
    deaf = by_name({'fusion_model': 'visual', 'camera_calibration': 'camera.yaml'})
    assert list(deaf) == ['camera', *STAGES]
    for specs, sees, hears in ((blind, False, True), (deaf, True, False)):
        for stage in ('acoustic_map', 'fusion', 'tracker'):
            told = parameters(specs[stage])
            assert (told['sees'], told['hears']) == (sees, hears)
    both = by_name(LIVE)
    assert parameters(both['fusion'])['sees']
    assert parameters(both['fusion'])['hears']


def test_nodes_are_given_what_they_declare(bag, tmp_path):
    """ROS passes over everything else."""
    extras = {'beams': 'true', 'ros4hri': 'true', 'depth': 'true'}
    recorded = {**LIVE, 'record': str(tmp_path / 'new')}
    replayed = {'bag': str(bag), 'out': str(tmp_path / 'out')}
    for chosen in (recorded, replayed):
        for spec in node_set({**chosen, **extras}):
            assert set(parameters(spec)) - {'use_sim_time'} <= declared_names()[spec.name]


def test_one_process_carries_all_parameters(bag):
    (spec,) = node_set({'bag': str(bag), 'one_process': 'true'})
    assert spec.executable == 'av_tracker_all'
    assert spec.ends_all
    nodes = dict(argument.split('=', 1) for argument in spec.arguments)
    assert list(nodes) == ['bag_player', *STAGES]
    assert json.loads(nodes['acoustic_map'])['patience'] == 1.0


def test_rviz_is_of_a_ros_installation(bag):
    spec = by_name({'bag': str(bag), 'rviz': 'true'})['rviz2']
    with pytest.raises(InputError, match='ros2 launch'):
        processes.command(spec)


@pytest.mark.parametrize(
    ('chosen', 'message'),
    [
        ({'bagg': 'x'}, "no argument 'bagg'"),
        ({'rviz': 'yes'}, "rviz must be one of true, false, got 'yes'"),
        ({'depth': '2'}, "depth must be one of true, false, got '2'"),
        ({'network_device': 'tpu'}, 'network_device must be one of auto, cpu, cuda'),
        ({}, 'array_calibration is not set'),
        ({'bag': '/nowhere'}, 'no bag at /nowhere'),
        ({**LIVE, 'fusion_model': 'magic'}, "no fusion model 'magic'"),
        ({**LIVE, 'params_file': '/nowhere.yaml'}, 'no parameter file /nowhere.yaml'),
        ({'bag': 'x', 'rate': 'fast'}, "rate must be a number, got 'fast'"),
        ({'rig': 'magic'}, 'respeaker_usb_webcam'),
    ],
)
def test_wrong_arguments_are_one_clear_line(chosen, message):
    with pytest.raises(InputError, match=message):
        node_set(chosen)


def test_record_and_bag_exclude_each_other(bag):
    with pytest.raises(InputError, match='exclude each other'):
        node_set({'bag': str(bag), 'record': 'other'})


def test_a_shipped_file_that_is_not_there_is_refused():
    with pytest.raises(InputError):
        shipped_file('none.yaml')


def test_replay_of_nothing_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match='no bag at'):
        replay(tmp_path / 'none', out=tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_record_over_something(tmp_path):
    with pytest.raises(InputError, match='exists already'):
        record(tmp_path)


SUPERVISOR_OF_A_SLEEPER = """
import sys
from av_tracker_nodes.launching import processes
from av_tracker_nodes.launching.node_set import NodeSpec

processes.command = lambda spec: [sys.executable, '-c', f'import time; time.sleep({spec.name})']
specs = [NodeSpec('', '', '60'), NodeSpec('', '', '0.5', ends_all=True)]
print(processes.Supervisor(specs).run())
"""


class TestSupervisor:
    @pytest.fixture
    def python(self, monkeypatch):
        """Make the supervisor run snippets of Python instead of nodes."""
        monkeypatch.setattr(
            processes, 'command', lambda spec: [sys.executable, '-u', '-c', spec.arguments[0]]
        )

        return lambda name, code, **rules: NodeSpec('test', name, name, (code,), **rules)

    @pytest.fixture
    def main(self, python):
        """One that ends all after a while."""
        return lambda seconds: python('main', f'import time; time.sleep({seconds})', ends_all=True)

    def test_ends_with_the_decisive_process(self, python, main):
        sleeper = "import time; print('asleep'); time.sleep(60)"
        lines = []
        began = time.monotonic()
        statuses = Supervisor(
            [python('sleeper', sleeper), main(0.5)],
            on_line=lambda name, line: lines.append((name, line)),
        ).run()
        assert time.monotonic() - began < 10
        assert statuses['main'] == 0
        assert statuses['sleeper'] == -signal.SIGTERM
        # Nor does it say anything about its end.
        assert lines == [('sleeper', 'asleep')]

    def test_one_that_dies_takes_no_other_down(self, python, main):
        dies = python('dies', 'raise SystemExit(3)')
        assert Supervisor([dies, main(1)]).run() == {'dies': 3, 'main': 0}

    def test_starts_again_what_has_died(self, python, monkeypatch, tmp_path):
        monkeypatch.setattr(processes, 'RESPAWN_DELAY', 0.2)
        starts = tmp_path / 'starts'
        count = f"open({str(starts)!r}, 'a').write('x')"
        dies_twice = f'{count}; raise SystemExit(len(open({str(starts)!r}).read()) < 3)'
        refuses = f'{count}; raise SystemExit(2)'
        specs = [python('dies', dies_twice, respawns=True)]
        lines = []
        supervisor = Supervisor(specs, on_line=lambda name, line: lines.append(line))
        assert supervisor.run() == {'dies': 0}
        assert lines == ['died with status 1: started again'] * 2
        assert starts.read_text() == 'xxx'
        assert Supervisor([python('refuses', refuses, respawns=True)]).run() == {'refuses': 2}
        assert starts.read_text() == 'xxxx'

    def test_what_is_stopped_goes_on_where_it_would_be_started_again(self, python):
        stops = 'import os, signal; os.kill(os.getpid(), signal.SIGSTOP)'
        lines = []
        supervisor = Supervisor(
            [python('stage', stops, respawns=True)], on_line=lambda name, line: lines.append(line)
        )
        assert supervisor.run() == {'stage': 0}
        assert lines == ['was stopped: goes on']

    def test_what_dies_over_and_over_is_started_more_and_more_rarely(
        self, python, main, monkeypatch
    ):
        monkeypatch.setattr(processes, 'RESPAWN_DELAY', 0.05)
        monkeypatch.setattr(processes, 'LONGEST_DELAY', 1.0)
        monkeypatch.setattr(processes, 'SETTLED', 60.0)
        dies = "print('begun'); raise SystemExit(1)"
        starts = []
        Supervisor(
            [python('dies', dies, respawns=True), main(3)],
            on_line=lambda name, line: starts.append(time.monotonic()) if line == 'begun' else 0,
        ).run()
        gaps = np.diff(starts)
        assert len(gaps) >= 3
        slack = 0.05
        # At once, and then ever later.
        least = np.minimum(0.05 * 2.0 ** np.arange(len(gaps)), 1.0) - slack
        assert (gaps[1:] > least[1:]).all(), gaps

    def test_ends_when_all_have_ended(self, python):
        assert Supervisor([python('a', 'pass'), python('b', 'pass')]).run() == {'a': 0, 'b': 0}

    def test_kills_what_does_not_listen(self, python, main, monkeypatch):
        monkeypatch.setattr(processes, 'PATIENCE', 0.3)
        deaf = (
            'import signal, time\n'
            'for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n'
            "print('deaf'); time.sleep(60)"
        )
        statuses = Supervisor([python('deaf', deaf), main(1)]).run()
        assert statuses['deaf'] == -signal.SIGKILL

    def test_in_the_background_too_it_ends_processes(self):
        """Shells have what they run in the background ignore SIGINT, which is inherited."""
        program = subprocess.run(
            ['sh', '-c', '"$0" -c "$1" & wait $!', sys.executable, SUPERVISOR_OF_A_SLEEPER],
            check=True,
            text=True,
            stdout=subprocess.PIPE,
        )
        assert ast.literal_eval(program.stdout) == {'60': -signal.SIGTERM, '0.5': 0}


def test_runs_side_by_side_have_domains_of_their_own(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '97')
    with private_environment() as first, private_environment() as second:
        assert first['ROS_AUTOMATIC_DISCOVERY_RANGE'] == os.environ.get(
            'ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST'
        )
        assert first['ROS_DOMAIN_ID'] != second['ROS_DOMAIN_ID']
    with private_environment() as again:
        assert again['ROS_DOMAIN_ID'] == first['ROS_DOMAIN_ID']


def remaps(**chosen):
    """What the nodes of a live set are told to listen to, by the names of ours."""
    arguments = by_name({**LIVE, **chosen})['fusion'].ros_arguments
    pairs = [arguments[k + 1] for k, argument in enumerate(arguments) if argument == '-r']
    return dict(pair.split(':=') for pair in pairs)


@pytest.mark.parametrize(
    ('chosen', 'expected'),
    [
        ({}, {}),
        (
            {'image_topic': '/camera/color/image_raw'},
            {
                'image_raw': '/camera/color/image_raw',
                'image_raw/compressed': '/camera/color/image_raw/compressed',
                'camera_info': '/camera/color/camera_info',
            },
        ),
        (
            {'image_topic': 'left/image_rect/compressed', 'camera_info_topic': 'info'},
            {
                'image_raw': 'left/image_rect',
                'image_raw/compressed': 'left/image_rect/compressed',
                'camera_info': 'info',
            },
        ),
        (
            {'image_topic': 'image'},
            {
                'image_raw': 'image',
                'image_raw/compressed': 'image/compressed',
                'camera_info': 'camera_info',
            },
        ),
        (
            {'audio_topic': '/mic/audio', 'depth_topic': '/d'},
            {
                'audio': '/mic/audio',
                'audio/array_info': '/mic/audio/array_info',
                'depth/image': '/d',
            },
        ),
    ],
)
def test_live_topics_are_named_as_in_a_bag(chosen, expected):
    assert remaps(**chosen) == expected


def test_a_named_topic_has_a_publisher_of_its_own_and_who_sees_is_told_what_is_rectified():
    specs = by_name({**LIVE, 'image_topic': '/cam/image_rect'})
    assert 'camera' not in specs
    assert 'microphone_array' in specs
    for name in ('acoustic_map', 'fusion', 'tracker'):
        assert parameters(specs[name])['rectified'] is True


def test_a_rig_needs_no_calibration():
    specs = by_name({'rig': 'respeaker_usb_webcam'})
    for name in ('camera', 'microphone_array', 'fusion'):
        assert 'respeaker_usb_webcam.yaml' in ' '.join(specs[name].arguments)
