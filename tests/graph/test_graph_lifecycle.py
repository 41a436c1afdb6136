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

"""Live nodes are managed from outside, fail clearly, and come back after they have died."""

import json
import os
import signal

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from live_graph import live_graph
from rcl_interfaces.srv import GetParameters, SetParametersAtomically
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from tiny_recording import write_bag

from av_tracker_nodes.launching.node_set import PACKAGE, STAGES, NodeSpec, node_set
from av_tracker_nodes.nodes import image_messages
from av_tracker_nodes.nodes.quality_of_service import images
from av_tracker_nodes.types import ImageFrame

pytestmark = pytest.mark.graph

CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP
SHUTDOWN = Transition.TRANSITION_ACTIVE_SHUTDOWN
ERROR = b'\x02'


def spec(node, **parameters):
    arguments = [a for k, v in parameters.items() for a in ('-p', f'{k}:={json.dumps(v)}')]
    return NodeSpec(PACKAGE, node, node, ros_arguments=tuple(arguments))


class Manager:
    """Does from outside what `ros2 lifecycle` and `ros2 param` do."""

    def __init__(self, graph, node):
        self._graph, self._node = graph, node

    def call(self, kind, name, **request):
        client = self._graph.node.create_client(kind, f'{self._node}/{name}')
        assert self._graph.spin_until(client.service_is_ready), self._graph.lines
        future = client.call_async(kind.Request(**request))
        assert self._graph.spin_until(future.done), self._graph.lines
        self._graph.node.destroy_client(client)
        return future.result()

    def change(self, transition):
        return self.call(ChangeState, 'change_state', transition=Transition(id=transition)).success

    @property
    def state(self):
        return self.call(GetState, 'get_state').current_state.label

    def set(self, **values):
        """Set parameters all at once; return why not."""
        parameters = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        answer = self.call(
            SetParametersAtomically, 'set_parameters_atomically', parameters=parameters
        )
        return answer.result.reason

    def number(self, name):
        (value,) = self.call(GetParameters, 'get_parameters', names=[name]).values
        return value.double_value


def test_a_stage_is_managed_from_outside():
    """Also with a model that is not there, which is said once and mended."""
    with live_graph([spec('face_detector', autostart=False, model='/nowhere.onnx')]) as graph:
        manager = Manager(graph, 'face_detector')
        publisher = graph.node.create_publisher(Image, 'image_raw', images(reliable=True))
        image = image_messages.to_image(
            ImageFrame(5, np.zeros((288, 360, 3), np.uint8)), 'camera_optical'
        )

        def answers(seconds):
            def answered():
                publisher.publish(image)
                return bool(graph.heard['faces'])

            graph.heard['faces'].clear()
            return graph.spin_until(answered, seconds)

        assert manager.state == 'unconfigured'
        assert not manager.change(CONFIGURE)
        assert manager.state == 'unconfigured'
        assert graph.spin_until(
            lambda: [
                s
                for s in graph.statuses_of('face_detector')
                if s.level == ERROR and '/nowhere.onnx' in s.message
            ]
        )
        assert sum('/nowhere.onnx' in line for line in graph.lines) == 1

        assert manager.set(model='') == ''
        assert manager.change(CONFIGURE)
        assert manager.state == 'inactive'
        assert 'deactivate and clean it up first' in manager.set(model='/other.onnx')
        assert not answers(1.0)
        assert manager.change(ACTIVATE)
        assert answers(30.0)
        assert manager.change(DEACTIVATE)
        assert not answers(1.0)
        assert manager.change(CLEANUP)
        assert graph.spin_until(lambda: publisher.get_subscription_count() == 0)
        assert manager.change(CONFIGURE)
        assert manager.change(ACTIVATE)
        assert answers(30.0)
        assert manager.change(SHUTDOWN)
        graph.spin_to_the_end()
        assert graph.statuses == {'face_detector': 0}


def test_a_model_that_is_missing_ends_a_node_that_starts_itself():
    with live_graph([spec('fusion', model_file='/nowhere.onnx')]) as graph:
        graph.spin_to_the_end()
        assert graph.statuses == {'fusion': 2}
        assert 'Traceback' not in '\n'.join(graph.lines)
        assert sum('/nowhere.onnx' in line for line in graph.lines) == 1


def test_a_replay_waits_for_nodes_that_are_started_by_hand(recording):
    """And numbers of the tracker change while it runs."""
    arguments = {'bag': str(recording.path), 'fusion_model': 'vggcf', 'autostart': 'false'}
    with live_graph(node_set(arguments)) as graph:
        for name in ('bag_player', *STAGES):
            manager = Manager(graph, name)
            assert manager.change(CONFIGURE), graph.lines
            assert graph.heard['faces'] == []
            assert manager.change(ACTIVATE), graph.lines
        assert graph.spin_until(lambda: graph.heard['speaker_tracks']), graph.lines
        assert manager.set(speaking_on=0.3, gate=9.0).startswith('speaking_off must not')
        assert manager.number('gate') == 16.3
        assert manager.set(speaking_on=0.3, speaking_off=0.2, gate=9.0) == ''
        assert manager.number('gate') == 9.0
        graph.spin_to_the_end()
        assert graph.stamps('speaker_tracks') == recording.image_stamps
        assert set(graph.statuses.values()) == {0}, graph.lines


@pytest.mark.parametrize(
    'victim',
    [
        pytest.param('acoustic_map', marks=pytest.mark.slow),
        pytest.param('fusion', marks=pytest.mark.slow),
        pytest.param('tracker', marks=pytest.mark.slow),
    ],
)
def test_a_node_that_is_killed_comes_back(tmp_path, victim):
    bag = write_bag(tmp_path / 'bag')
    arguments = {'bag': str(bag.path), 'fusion_model': 'vggcf', 'rate': '0.3'}
    with live_graph(node_set(arguments)) as graph:
        assert graph.spin_until(lambda: len(graph.heard['speaker_tracks']) > 10), graph.lines
        killed = graph.supervisor.processes[victim]
        os.kill(killed.pid, signal.SIGKILL)
        assert graph.spin_until(lambda: graph.supervisor.processes[victim] is not killed)
        before = max(graph.stamps('speaker_tracks'))
        # What was answered shortly before may be answered twice.
        again = lambda: graph.stamps('speaker_tracks')[-1] > before + 200_000_000  # noqa: E731
        assert graph.spin_until(again), graph.lines
        others = {n: p for n, p in graph.supervisor.processes.items() if n != 'bag_player'}
        assert all(process.poll() is None for process in others.values()), graph.lines
