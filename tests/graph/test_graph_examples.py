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

"""The examples as processes of their own, on synthetic tracks and on a replay."""

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import Twist, TwistStamped
from live_graph import LiveGraph
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory

from av_tracker_msgs.msg import SpeakerTrackStamped
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.launching.processes import private_environment
from av_tracker_nodes.nodes.conversions import header, point, to_transform
from av_tracker_nodes.nodes.quality_of_service import LATCHED

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
TRACK_PERIOD = 0.04
MAX_SPEED, MAX_ACCELERATION = 1.0, 2.0

pytestmark = pytest.mark.graph


class Example:
    """A running example and what it writes."""

    def __init__(self, name, environment, parameters, log):
        pairs = [part for k, v in parameters.items() for part in ('-p', f'{k}:={v}')]
        self._log = log
        with log.open('w') as file:
            self.process = subprocess.Popen(
                [sys.executable, str(EXAMPLES / name), *(['--ros-args', *pairs] if pairs else [])],
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self):
        return self._log.read_text()

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(20)


class Robot:
    """Says who speaks, and does as it is told."""

    def __init__(self, environment, tmp_path):
        self._environment, self._folder = environment, tmp_path
        self._context = rclpy.Context()
        self._context.init(domain_id=int(environment['ROS_DOMAIN_ID']))
        self._executor = SingleThreadedExecutor(context=self._context)
        self.node = rclpy.create_node('robot', context=self._context)
        self._executor.add_node(self.node)
        self._speakers = self.node.create_publisher(SpeakerTrackStamped, 'active_speaker', 10)
        self._examples = []
        self.commands = []

    def start(self, name='turn_to_speaker.py', **parameters):
        """Start an example and wait until it listens."""
        log = self._folder / f'{name}.log'
        self._examples.append(Example(name, self._environment, parameters, log))
        assert self.spin(lambda: self._speakers.get_subscription_count() == len(self._examples))
        return self._examples[-1]

    def obey(self, kind, topic='cmd_vel'):
        self.node.create_subscription(kind, topic, self.commands.append, 10)

    def speak(self, bearing=0.0, number=1, frame='base_link'):
        message = SpeakerTrackStamped(header=header(time.time_ns(), frame))
        message.track.id = number
        message.track.pose.pose.position = point([2 * np.cos(bearing), 2 * np.sin(bearing), 0.4])
        self._speakers.publish(message)

    def spin(self, condition=lambda: False, seconds=20.0):
        """Do as told until a condition holds; tell whether it does."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.01)
        return condition()

    def turn(self, bearing, seconds, frame='base_link'):
        """Turn the base as commanded while somebody speaks; return where he is at the end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            self.speak(bearing, frame=frame)
            self.spin(seconds=TRACK_PERIOD)
            if self.commands:
                bearing -= speed_of(self.commands[-1]) * (time.monotonic() - began)
        return bearing

    def close(self):
        for example in self._examples:
            example.process.kill()
            example.process.wait()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()


def speed_of(command):
    return getattr(command, 'twist', command).angular.z


@pytest.fixture
def environment(monkeypatch):
    with private_environment() as environment:
        discovery = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
        monkeypatch.setenv(discovery, environment[discovery])
        yield environment


@pytest.fixture
def robot(environment, tmp_path):
    robot = Robot(environment, tmp_path)
    yield robot
    robot.close()


@pytest.mark.parametrize(('command', 'kind'), [('twist', Twist), ('twist_stamped', TwistStamped)])
def test_a_base_turns_to_the_speaker_and_then_leaves_the_robot_alone(robot, command, kind):
    robot.obey(kind)
    robot.start(command=command, max_speed=MAX_SPEED, max_acceleration=MAX_ACCELERATION)
    bearing = robot.turn(1.2, seconds=3.0)
    assert abs(bearing) < 0.1
    assert 0.5 < max(map(speed_of, robot.commands)) <= MAX_SPEED
    assert speed_of(robot.commands[-1]) == 0
    told = len(robot.commands)
    robot.turn(bearing, seconds=0.5)
    assert len(robot.commands) == told


@pytest.mark.slow
def test_a_base_stops_when_tracks_stop_coming(robot):
    robot.obey(Twist)
    robot.start(timeout=0.3)
    robot.turn(3.0, seconds=1.0)
    assert speed_of(robot.commands[-1]) > 0.5
    robot.spin(lambda: speed_of(robot.commands[-1]) == 0, seconds=3.0)
    assert speed_of(robot.commands[-1]) == 0


@pytest.mark.slow
def test_a_base_stops_when_nobody_speaks_any_more(robot):
    robot.obey(Twist)
    robot.start(timeout=60.0)
    robot.turn(3.0, seconds=1.0)
    robot.speak(3.0, number=0)
    assert robot.spin(lambda: speed_of(robot.commands[-1]) == 0, seconds=3.0)


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_of_a_turn_it_leaves_the_base_at_rest(robot, number):
    robot.obey(Twist)
    example = robot.start()
    robot.turn(3.0, seconds=1.0)
    assert speed_of(robot.commands[-1]) > 0.5
    assert example.end(number) == 0, example.output
    robot.spin(seconds=0.3)
    assert speed_of(robot.commands[-1]) == 0


@pytest.mark.slow
def test_tracks_in_another_frame_wait_for_a_transform(robot):
    robot.obey(Twist)
    example = robot.start()
    robot.turn(0.0, seconds=1.0, frame='odom')
    assert not robot.commands
    assert "tracks are in 'odom' and no transform takes them to 'base_link'" in example.output
    facing_left = RigidTransform(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    publisher = robot.node.create_publisher(TFMessage, '/tf_static', LATCHED)
    transform = to_transform('odom', 'base_link', facing_left, time.time_ns())
    publisher.publish(TFMessage(transforms=[transform]))
    robot.turn(0.0, seconds=1.5, frame='odom')
    assert robot.commands
    assert min(map(speed_of, robot.commands)) < -0.5, 'he is to the right'


@pytest.mark.slow
def test_a_head_turns_from_where_it_is_as_far_as_it_can(robot):
    told = []
    states = robot.node.create_publisher(JointState, 'joint_states', 10)

    def follow(message):
        told.append(message.points[0])
        assert message.joint_names == ['pan']

    robot.node.create_subscription(JointTrajectory, 'joint_trajectory', follow, 10)
    robot.start(command='joint_trajectory', joint='pan', lower=-1.0, upper=1.0)
    robot.turn(2.0, seconds=0.5)
    assert not told, 'nobody knows yet where the head is'
    end = time.monotonic() + 3.0
    while time.monotonic() < end:
        angle = told[-1].positions[0] if told else -0.5
        states.publish(JointState(name=['tilt', 'pan'], position=[0.2, angle]))
        robot.speak(2.0)
        robot.spin(seconds=TRACK_PERIOD)
    angles = np.array([-0.5, *(goal.positions[0] for goal in told)])
    times = np.array([goal.time_from_start.nanosec / 1e9 for goal in told])
    assert angles[-1] == pytest.approx(1.0, abs=0.1)
    assert angles.max() <= 1.0
    assert (np.abs(np.diff(angles)) <= MAX_SPEED * times + 1e-6).all()


@pytest.mark.parametrize(
    ('parameters', 'said'),
    [
        ({'command': 'dance'}, "parameter command is 'dance'"),
        ({'command': 'joint_trajectory'}, 'parameter joint is not set'),
        ({'max_speed': -1.0}, 'parameter max_speed must be positive'),
    ],
)
def test_wrong_parameters_are_said_in_one_line(environment, tmp_path, parameters, said):
    example = Example('turn_to_speaker.py', environment, parameters, tmp_path / 'log')
    assert example.process.wait(30) == 2
    assert said in example.output
    assert len(example.output.splitlines()) == 1


def test_who_speaks_is_printed_when_it_changes(robot):
    example = robot.start('who_speaks.py')
    for number in (0, 0, 3, 3, 5, 0):
        robot.speak(math.pi / 2, number)
    robot.spin(lambda: len(example.output.splitlines()) == 4)
    assert example.output.splitlines() == [
        'nobody speaks',
        'speaker 3 at (0.00, 2.00, 0.40) m in base_link',
        'speaker 5 at (0.00, 2.00, 0.40) m in base_link',
        'nobody speaks',
    ]


@pytest.mark.slow
def test_both_work_on_a_replay(environment, recording, tmp_path):
    graph = LiveGraph(node_set({'bag': str(recording.path)}), environment)
    parameters = {'base_frame': 'world', 'dead_band': 0.05}
    turner = Example('turn_to_speaker.py', environment, parameters, tmp_path / 'turner.log')
    teller = Example('who_speaks.py', environment, {}, tmp_path / 'teller.log')
    try:
        graph.listen(Twist, 'cmd_vel', 10)
        graph.spin_to_the_end()
    finally:
        graph.close()
        for example in (turner, teller):
            example.end()
    x, y, _ = recording.voice
    speeds = [speed_of(command) for command in graph.heard['cmd_vel']]
    assert max(speeds) > 0.3, 'the speaker is to the left, and the camera does not turn'
    assert min(speeds) >= 0
    places = [line for line in teller.output.splitlines() if line.startswith('speaker')]
    assert places
    numbers = places[0].partition('(')[2].partition(')')[0].split(', ')
    told_x, told_y, _ = map(float, numbers)
    assert math.atan2(told_y, told_x) == pytest.approx(math.atan2(y, x), abs=0.15)
