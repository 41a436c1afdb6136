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

"""Streams that are not there, stop and come back hold nobody up."""

import json

import numpy as np
import pytest
from live_graph import live_graph
from sensor_msgs.msg import Image
from sensor_stubs import Stubs
from tiny_recording import RATE, make_rig

from av_tracker_nodes.launching.node_set import PACKAGE, STAGES, NodeSpec
from av_tracker_nodes.nodes import conversions, image_messages
from av_tracker_nodes.nodes.quality_of_service import images
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds

pytestmark = pytest.mark.graph

FRAME = to_nanoseconds(0.04)
SAMPLES = RATE // 25
ERROR = b'\x02'


class Sensors:
    """A camera and microphones that can be switched on and off."""

    def __init__(self, graph):
        self.graph, self.rig = graph, make_rig()
        self.stubs = Stubs(graph, self.rig)
        self.images = graph.node.create_publisher(Image, 'image_raw', images(reliable=True))
        self.frame = 250
        self.rng = np.random.default_rng(0)

    def run(self, seconds, *, sound, pictures):
        """Send for some time, in real time; return the stamps of its second half."""
        stamps = []
        for _ in range(round(seconds * 25)):
            self.frame += 1
            stamps.append(self.frame * FRAME)
            if pictures:
                self._look(stamps[-1])
            if sound:
                self._listen(stamps[-1])
            self.graph.spin_until(lambda: False, 0.04)
        return set(stamps[len(stamps) // 2 :])

    def _look(self, stamp):
        picture = ImageFrame(stamp, np.full((288, 360, 3), 99, np.uint8))
        self.stubs.describe_camera(stamp)
        self.images.publish(image_messages.to_image(picture, 'camera_optical'))

    def _listen(self, stamp):
        noise = 0.01 * self.rng.standard_normal((SAMPLES, 16))
        first = self.frame * SAMPLES
        self.stubs.hear(AudioBlock(stamp, first, RATE, noise.astype(np.float32)))


def answers(graph, *, from_image=True):
    return set(graph.stamps('speaker_tracks', from_image))


def coverage(graph, stamps):
    """Share of the sound that maps of these images had."""
    maps = graph.heard['acoustic_map']
    return [m.coverage for m in maps if conversions.stamp_of(m.header) in stamps and m.from_image]


def test_each_stream_comes_and_goes():
    nodes = {name: {'silence_limit': 0.5} for name in STAGES}
    arguments = tuple(f'{name}={json.dumps(values)}' for name, values in nodes.items())
    spec = NodeSpec(PACKAGE, 'av_tracker_all', 'av_tracker_all', arguments)
    with live_graph([spec]) as graph:
        sensors = Sensors(graph)
        ready = lambda: sensors.images.get_subscription_count() >= 2  # noqa: E731
        assert graph.spin_until(ready), graph.lines
        assert graph.spin_until(lambda: sensors.stubs.audio.get_subscription_count())

        # Until the networks are loaded and the geometry is known, images are answered by nothing.
        assert graph.spin_until(
            lambda: sensors.run(0.4, sound=False, pictures=True) & answers(graph)
        ), graph.lines

        deaf = sensors.run(1.0, sound=False, pictures=True)
        whole = sensors.run(2.0, sound=True, pictures=True)
        deaf_again = sensors.run(2.0, sound=False, pictures=True)
        blind = sensors.run(2.0, sound=True, pictures=False)
        whole_again = sensors.run(2.0, sound=True, pictures=True)
        last = max(sensors.run(0.5, sound=True, pictures=True)) - 5 * FRAME
        assert graph.spin_until(lambda: max(answers(graph)) >= last, 20), graph.lines

        for stamps in (deaf, whole, deaf_again, whole_again):
            assert len(stamps & answers(graph)) > 0.5 * len(stamps), graph.lines
        alone = answers(graph, from_image=False)
        by_phase = [
            sum(min(phase) <= stamp <= max(phase) for stamp in alone)
            for phase in (deaf, whole, deaf_again, blind, whole_again)
        ]
        assert max(by_phase) == by_phase[3] > 10, by_phase
        assert set(coverage(graph, deaf)) == set(coverage(graph, deaf_again)) == {0.0}
        # On a busy machine an image may overtake its sound.
        assert np.median(coverage(graph, whole)) > 0.9
        assert np.median(coverage(graph, whole_again)) > 0.9
        told = {s.message for s in graph.statuses_of('acoustic_map') if s.level == ERROR}
        assert any('nothing on audio' in message for message in told), told
        assert graph.supervisor.processes['av_tracker_all'].poll() is None
