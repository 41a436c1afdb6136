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

"""A camera behind a slow link: its images come late, with right stamps, and are all used."""

import time
from importlib import import_module

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from live_graph import live_graph

from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED, images
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.recordings.messages import stamp_of
from av_tracker_nodes.types import NANOSECONDS, to_nanoseconds

pytestmark = pytest.mark.graph

SENSORS = {
    '/audio': AUDIO,
    '/camera_info': images(reliable=True),
    '/image_raw/compressed': images(reliable=True),
    '/audio/array_info': LATCHED,
    '/tf_static': LATCHED,
}


LATE = 0.7


class SlowLink:
    """Publishes a recording at the pace of its stamps, the topics of the camera late."""

    def __init__(self, graph, recording, late):
        self.graph = graph
        with BagReader(recording.path) as bag:
            messages = [message for message in bag.raw() if message.topic in SENSORS]
        self.publishers = {m.topic: self.publisher(m) for m in messages}
        lates = {'/camera_info': late, '/image_raw/compressed': late}
        self.messages = sorted(
            (m.log_time + to_nanoseconds(lates.get(m.topic, 0.0)), k, m)
            for k, m in enumerate(messages)
        )
        for _, _, message in self.messages:
            if message.latched:
                self.send(message)

    def publisher(self, message):
        package, _, kind = message.type.split('/')
        message_class = getattr(import_module(f'{package}.msg'), kind)
        return self.graph.node.create_publisher(
            message_class, message.topic.lstrip('/'), SENSORS[message.topic]
        )

    def send(self, message):
        self.publishers[message.topic].publish(bytes(message.data))

    def is_awaited(self):
        """Describe the camera, which is not latched, until all nodes are ready."""
        self.send(next(m for _, _, m in self.messages if m.topic == '/camera_info'))
        return (
            all(each.get_subscription_count() for each in self.publishers.values())
            and fact(self.graph, 'acoustic_map', 'ready') == 'True'
            and fact(self.graph, 'fusion', 'state') == 'active'
        )

    def run(self):
        streamed = [item for item in self.messages if not item[2].latched]
        began, first = time.monotonic(), streamed[0][0]
        for when, _, message in streamed:
            due = began + (when - first) / NANOSECONDS
            self.graph.spin_until(lambda due=due: time.monotonic() >= due)
            self.send(message)


def fact(graph, node, name):
    statuses = graph.statuses_of(node)
    return {v.key: v.value for v in statuses[-1].values}.get(name) if statuses else None


def test_images_that_come_late_are_answered_with_their_sound(recording):
    live = {
        'start_camera': 'false',
        'start_microphones': 'false',
        'image_transport': 'compressed',
        'use_sim_time': 'true',
    }
    with live_graph(node_set(live)) as graph:
        link = SlowLink(graph, recording, LATE)
        assert graph.spin_until(link.is_awaited), graph.lines
        link.run()
        graph.spin_until(lambda: False, 3.0)
        # A robot drops images that it has no time for; none of them is outrun by the sound.
        known = recording.image_stamps[-1] - to_nanoseconds(1.5)
        wanted = {stamp for stamp in recording.image_stamps if stamp > known}
        answered = wanted & set(graph.stamps('speaker_tracks'))
        assert len(answered) > 0.6 * len(wanted), graph.lines
        maps = {stamp_of(m.header): m.coverage for m in graph.heard['acoustic_map']}
        assert np.median([maps[stamp] for stamp in answered]) > 0.9
        assert graph.statuses_of('acoustic_map')[-1].level != DiagnosticStatus.ERROR
