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

"""A node that is started amid a replay is told the last seconds, one stream after the other."""

import time

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo

from av_tracker_nodes.nodes.conversions import time_message
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import RESULTS, with_past

pytestmark = pytest.mark.graph


class Listener(StageNode):
    """Notes the stamps of two streams in the order in which it works on them."""

    def configure(self):
        self.stamps = []
        self.hold_until(lambda: True)
        for topic in ('first', 'second'):
            self.subscribe(CameraInfo, topic, self._take, needed=True)

    def _take(self, message):
        stamp = message.header.stamp.sec
        self.in_time(stamp, lambda: self.stamps.append(stamp))


@pytest.fixture
def context():
    context = rclpy.Context()
    context.init()
    yield context
    context.try_shutdown()


def test_it_takes_them_in_by_their_stamps(context):
    source = rclpy.create_node('source', context=context)
    executor = SingleThreadedExecutor(context=context)

    def publish(topic, numbers):
        publisher = source.create_publisher(CameraInfo, topic, with_past(RESULTS))
        for number in numbers:
            message = CameraInfo()
            message.header.stamp = time_message(number * 1_000_000_000)
            publisher.publish(message)

    def spin_until(condition):
        end = time.monotonic() + 20.0
        while not condition() and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.05)
        assert condition()

    # All that was ever sent is still there: only by its time does it show that it is old.
    publish('first', range(1, 21))
    listener = Listener(
        'listener', context=context, parameter_overrides=[Parameter('catch_up', value=True)]
    )
    executor.add_node(listener)
    listener.start()
    spin_until(lambda: listener.flows[0].has_begun)
    publish('second', range(1, 21))
    spin_until(lambda: len(listener.stamps) == 40)
    assert listener.stamps == sorted(listener.stamps)
    executor.shutdown()
    listener.destroy_node()
    source.destroy_node()
