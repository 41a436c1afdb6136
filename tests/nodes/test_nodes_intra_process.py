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

"""Nodes of one process hand messages over in memory; others are heard and served as ever."""

import time

import pytest
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.executors import make_executor
from av_tracker_nodes.nodes.intra_process import IntraProcess
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import LATCHED, RESULTS

NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class Talker(StageNode):
    """Publishes on ``said``."""

    quality = RESULTS

    def configure(self):
        self.said = self.advertise(Header, 'said', self.quality)


class Hearer(StageNode):
    """Keeps what comes on ``said``."""

    quality = RESULTS

    def configure(self):
        self.heard = []
        self.subscribe(Header, 'said', self.heard.append, self.quality)


class Late(Hearer):
    quality = NEWEST


class Careless(Talker):
    quality = NEWEST


class Picky(Hearer):
    """Takes nothing without a frame."""

    def configure(self):
        self.heard = []
        self.subscribe(Header, 'said', self.take)

    def take(self, message):
        if not message.frame_id:
            raise InputError('no frame')
        self.heard.append(message)


class Neighbours:
    """Nodes that share a process, and one that does not."""

    def __init__(self, context, namespace, *kinds):
        self.executor = make_executor(context)
        shared = IntraProcess()
        self.nodes = []
        for number, kind in enumerate(kinds):
            node = kind(f'node_{number}', namespace=namespace, context=context)
            node.neighbours = shared
            self.executor.add_node(node)
            node.start()
            self.nodes.append(node)
        self.stranger = Node('stranger', namespace=namespace, context=context)
        self.executor.add_node(self.stranger)

    def spin(self, seconds=0.3):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.executor.spin_once(timeout_sec=0.05)


@pytest.fixture
def neighbours(context, request):
    made = []

    def make(*kinds):
        made.append(Neighbours(context, f'/n{abs(hash(request.node.name)) % 10**8}', *kinds))
        return made[-1]

    yield make
    for each in made:
        for node in [*each.nodes, each.stranger]:
            each.executor.remove_node(node)
            node.destroy_node()
        each.executor.shutdown()


def names(headers):
    return [header.frame_id for header in headers]


def say(talker, *names):
    for name in names:
        talker.said.publish(Header(frame_id=name))


@pytest.mark.parametrize(
    ('kinds', 'said', 'heard', 'errors'),
    [
        # Who wants the newest gets the newest.
        ((Talker, Late), 'abc', 'c', 0),
        # Quality of service that does not fit connects nobody.
        ((Careless, Hearer), 'a', '', 0),
        # One bad message costs itself alone.
        ((Talker, Picky), ('a', '', 'c'), 'ac', 1),
    ],
)
def test_who_hears_what(neighbours, kinds, said, heard, errors):
    there = neighbours(*kinds)
    talker, hearer = there.nodes
    say(talker, *said)
    there.spin()
    assert names(hearer.heard) == list(heard)
    assert hearer.counts['errors'] == errors


def test_neighbours_get_the_message_itself(neighbours):
    there = neighbours(Talker, Hearer, Hearer)
    talker, *hearers = there.nodes
    message = Header(frame_id='a')
    talker.said.publish(message)
    there.spin()
    assert [len(hearer.heard) for hearer in hearers] == [1, 1]
    assert all(hearer.heard[0] is message for hearer in hearers)


def test_neighbours_and_strangers_get_every_message_once(neighbours):
    there = neighbours(Talker, Hearer)
    talker, hearer = there.nodes
    overheard = []
    there.stranger.create_subscription(Header, 'said', overheard.append, RESULTS)
    there.spin()
    say(talker, *'abc')
    there.spin()
    assert names(hearer.heard) == names(overheard) == ['a', 'b', 'c']


def test_strangers_are_heard(neighbours):
    there = neighbours(Talker, Hearer)
    talker, hearer = there.nodes
    stranger = there.stranger.create_publisher(Header, 'said', RESULTS)
    there.spin()
    stranger.publish(Header(frame_id='a'))
    there.spin()
    say(talker, 'b')
    there.spin()
    assert names(hearer.heard) == ['a', 'b']


def test_serialised_messages_are_read_once_for_all(neighbours):
    there = neighbours(Talker, Hearer, Hearer)
    talker, first, second = there.nodes
    talker.said.publish(serialize_message(Header(frame_id='a')))
    there.spin()
    assert names(first.heard) == ['a']
    assert first.heard[0] is second.heard[0]


def test_who_comes_later_gets_what_was_said_before_where_that_is_kept(neighbours):
    class Notice(Talker):
        quality = LATCHED

    class Reader(Hearer):
        quality = LATCHED

    there = neighbours(Notice, Reader)
    notice, reader = there.nodes
    reader.trigger_deactivate()
    reader.trigger_cleanup()
    notice.said.publish(Header(frame_id='a'))
    reader.start()
    there.spin()
    assert names(reader.heard) == ['a']


def test_who_does_not_work_publishes_nothing_and_who_is_cleaned_up_gets_nothing(neighbours):
    there = neighbours(Talker, Hearer)
    talker, hearer = there.nodes
    heard = hearer.heard
    talker.trigger_deactivate()
    say(talker, 'a')
    there.spin()
    assert heard == []
    talker.trigger_activate()
    hearer.trigger_deactivate()
    hearer.trigger_cleanup()
    say(talker, 'b')
    there.spin()
    assert heard == []


def test_what_is_made_of_a_message_is_made_once():
    shared, made = IntraProcess(), []

    def make():
        made.append(len(made))
        return made[-1]

    first, second = Header(), Header()
    assert [shared.once(m, make) for m in (first, second, first, second)] == [0, 1, 0, 1]
