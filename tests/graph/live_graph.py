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

"""Runs a node set with a listener among the nodes."""

import json
import os
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseArray
from rclpy.executors import SingleThreadedExecutor
from visualization_msgs.msg import MarkerArray

from av_tracker_msgs import msg as av
from av_tracker_nodes.launching.processes import Supervisor, private_environment
from av_tracker_nodes.nodes.quality_of_service import LATCHED, RESULTS
from av_tracker_nodes.recordings.messages import stamp_of

TOPICS = {
    'faces': av.FaceArray,
    'acoustic_map': av.AcousticMap,
    'fused_detections': av.FusedDetectionArray,
    'speaker_tracks': av.SpeakerTrackArray,
    'active_speaker': av.SpeakerTrackStamped,
    'speaker_poses': PoseArray,
    'markers': MarkerArray,
}


_NAME = 'listener'


class LiveGraph:
    """Processes, a node of our own among them, and everything that it heard.

    A bag player waits for this listener as it does for the stages: it hears the first image.
    """

    def __init__(self, specs, environment, namespace=''):
        self.heard = defaultdict(list)
        self.statuses = {}
        self.lines = []
        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
        self._context = rclpy.Context()
        self._context.init(domain_id=int(environment['ROS_DOMAIN_ID']))
        self.node = rclpy.create_node(_NAME, context=self._context, namespace=namespace)
        for topic, kind in TOPICS.items():
            self.listen(kind, topic, RESULTS)
        self.listen(DiagnosticArray, '/diagnostics', RESULTS)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._report = self.node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self.node.create_timer(0.1, self._tell_what_is_connected)
        waited_for = [_waits_for_the_listener(spec) for spec in specs]
        self.supervisor = Supervisor(waited_for, environment, self._keep)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def listen(self, kind, topic, quality):
        self.node.create_subscription(kind, topic, self.heard[topic].append, quality)

    def late_array_info(self):
        self.listen(av.MicrophoneArrayInfo, 'audio/array_info', LATCHED)

    def stamps(self, topic, from_image=True):
        return [
            stamp_of(message.header)
            for message in self.heard[topic]
            if getattr(message, 'from_image', True) == from_image
        ]

    def spin_until(self, condition, seconds=60.0):
        """Listen until a condition holds; tell whether it does."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=min(0.05, max(end - time.monotonic(), 0)))
        return condition()

    def spin_to_the_end(self, seconds=90.0):
        assert self.spin_until(lambda: not self._thread.is_alive(), seconds), '\n'.join(self.lines)

    def statuses_of(self, node):
        return [
            status
            for message in self.heard['/diagnostics']
            for status in message.status
            if status.name == f'{node}: stage'
        ]

    def close(self):
        self.supervisor.stop()
        self._thread.join(20)
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()

    def _run(self):
        self.statuses = self.supervisor.run()

    def _tell_what_is_connected(self):
        lacking = [topic for topic in TOPICS if not self.node.count_publishers(topic)]
        values = {'state': 'active', 'inputs without publisher': ' '.join(lacking)}
        status = DiagnosticStatus(
            name=f'{_NAME}: test', values=[KeyValue(key=k, value=v) for k, v in values.items()]
        )
        self._report.publish(DiagnosticArray(status=[status]))

    def _keep(self, name, line):
        self.lines.append(f'[{name}] {line}')


def _waits_for_the_listener(spec):
    return replace(spec, arguments=tuple(map(_with_the_listener, spec.arguments)))


def _with_the_listener(argument):
    """Parameters of a node (``name=JSON``), with the listener where a player waits for nodes."""
    node, parameters = argument.split('=', 1)
    values = json.loads(parameters)
    if 'wait_for' in values:
        values['wait_for'] += f',{_NAME}'
    return f'{node}={json.dumps(values)}'


@contextmanager
def live_graph(specs, namespace=''):
    with private_environment() as environment:
        graph = LiveGraph(specs, environment, namespace)
        try:
            yield graph
        finally:
            graph.close()
