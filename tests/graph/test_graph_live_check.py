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

"""A running robot is judged."""

import json

import numpy as np
import pytest
from live_graph import live_graph
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from sensor_stubs import Stubs
from tiny_recording import RATE, make_rig

from av_tracker_msgs.msg import AudioBlock as AudioMessage
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec
from av_tracker_nodes.launching.replay import VERDICT
from av_tracker_nodes.nodes import image_messages
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, TrackFrame

pytestmark = pytest.mark.graph

IMAGE = np.full((288, 360, 3), 128, np.uint8)


def lines_of(graph):
    """What was said to the person."""
    heads = [line.partition(VERDICT) for line in graph.lines if VERDICT in line]
    return [json.loads(tail) for _, _, tail in heads]


def judge(publish, image_topic='image_raw'):
    """Let a robot of stubs publish, ten times a second, while it is judged."""
    spec = NodeSpec(PACKAGE, 'live_check', 'live_check', ros_arguments=('-p', 'seconds:=3.0'))
    with live_graph([spec]) as graph:
        stubs = Stubs(graph, make_rig())
        images = graph.node.create_publisher(Image, image_topic, 5)
        began = now = graph.node.get_clock().now().nanoseconds
        count = 0

        def is_over():
            nonlocal now, count
            now = graph.node.get_clock().now().nanoseconds
            while began + (count + 1) * NANOSECONDS // 10 <= now:
                publish(stubs, images, began + count * NANOSECONDS // 10, count)
                count += 1
            return bool(graph.statuses)

        assert graph.spin_until(is_over, 60), graph.lines
        return graph.statuses['live_check'], lines_of(graph), graph.lines


def publish_all(stubs, images, stamp, count):
    rng = np.random.default_rng(count)
    size = RATE // 10
    channels = len(stubs.rig.microphones.positions)
    samples = 0.05 * rng.normal(size=(size, channels)).astype(np.float32)
    stubs.hear(AudioBlock(stamp, count * size, RATE, samples))
    stubs.describe_camera(stamp)
    stubs.tracks.publish(to_tracks(TrackFrame(stamp, ()), 'world'))
    images.publish(image_messages.to_image(ImageFrame(stamp, IMAGE), 'camera_optical'))


def test_a_robot_with_which_all_is_well():
    status, said, lines = judge(publish_all)
    wrong = [line for line in said if line.startswith('WRONG') and ' load ' not in line]
    assert wrong == [], lines
    assert any('/image_raw, 360 x 288' in line for line in said), said
    assert any('16 channels at 16000 Hz' in line for line in said), said
    assert any("have a place in 'world'" in line for line in said), said
    assert status == int(any(line.startswith('WRONG') for line in said))


def test_a_robot_whose_images_are_elsewhere_and_whose_sound_is_not_reliable():
    unreliable = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)

    def publish(stubs, images, stamp, count):
        if count == 0:
            stubs.graph.node.destroy_publisher(stubs.audio)
            stubs.audio = stubs.graph.node.create_publisher(AudioMessage, 'audio', unreliable)
        publish_all(stubs, images, stamp, count)

    status, said, lines = judge(publish, 'camera/color/image_raw')
    wrong = '\n'.join(line for line in said if line.startswith('WRONG'))
    assert 'the like is on /camera/color/image_raw: set image_topic' in wrong, lines
    assert '/audio cannot be heard: /listener' in wrong, lines
    assert status == 1
