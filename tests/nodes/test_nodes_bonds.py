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

"""When a node offers a bond to its manager, and when it ends it; bondpy itself is acted."""

from threading import Timer
from types import SimpleNamespace

import pytest
import rclpy
from rclpy.parameter import Parameter
from std_msgs.msg import Bool

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes import bonds
from av_tracker_nodes.nodes.node_base import StageNode


class Stage(StageNode):
    """A stage whose device may be missing."""

    is_broken = False

    def __init__(self, **node_options):
        super().__init__('stage', **node_options)

    def activate(self):
        if self.is_broken:
            raise InputError('no device')


class ActedBond:
    """What bondpy leaves on a node, and what it was told."""

    is_shutdown = False

    def __init__(self, node, topic, bond_id):
        self.told = [(node, topic, bond_id)]
        self.node = node
        self.connect_timer, self.heartbeat_timer = Timer(60, print), Timer(60, print)
        self.pub = node.create_publisher(Bool, topic, 1)

    def start(self):
        self.sub = self.node.create_subscription(Bool, 'bond', lambda _: None, 1)
        self.told.append((self.heartbeat_period, self.heartbeat_timeout))

    def shutdown(self):
        self.told.append('shutdown')
        self.sub.destroy()
        self.pub.destroy()


@pytest.fixture
def made(monkeypatch):
    """All bonds in the order in which they were made."""
    made = []

    def make(*arguments):
        made.append(ActedBond(*arguments))
        return made[-1]

    monkeypatch.setattr(bonds, 'bondpy', SimpleNamespace(Bond=make))
    return made


@pytest.fixture
def managed(make):
    """A node that somebody else activates."""
    node = make(Stage, 'robot', autostart=False)
    node.trigger_configure()
    return node


def topics(node):
    entities = [*node.publishers, *node.subscriptions]
    return sorted(entity.topic_name for entity in entities)


def test_a_managed_node_has_a_bond_as_long_as_it_is_active(made, managed):
    node, before = managed, topics(managed)
    assert made == []
    for count in (1, 2):
        node.trigger_activate()
        assert len(made) == count
        period, timeout = made[-1].told[1]
        assert made[-1].told[0] == (node, 'bond', 'stage')
        assert 0 < period < timeout
        assert '/robot/bond' in topics(node)
        node.trigger_deactivate()
        assert made[-1].told[2:] == ['shutdown']
        assert topics(node) == before


def test_the_manager_is_told_when_the_process_ends(made, managed):
    managed.trigger_activate()
    managed.close()
    assert made[0].told[2:] == ['shutdown']


def test_heartbeats_end_with_ros(made):
    """Nothing can be sent any more: bondpy is told so, and not to send a farewell."""
    context = rclpy.Context()
    context.init()
    node = Stage(context=context, parameter_overrides=[Parameter('autostart', value=False)])
    node.trigger_configure()
    node.trigger_activate()
    context.shutdown()
    node.close()
    assert made[0].is_shutdown
    assert 'shutdown' not in made[0].told
    assert made[0].connect_timer.finished.is_set()
    assert made[0].heartbeat_timer.finished.is_set()
    node.destroy_node()


def test_there_is_no_bond_without_a_manager_or_work(made, make, managed):
    make(Stage, 'robot').start()
    managed.is_broken = True
    managed.trigger_activate()
    assert not managed.is_active
    assert made == []


def test_without_bondpy_a_managed_node_works_all_the_same(managed, monkeypatch):
    monkeypatch.setattr(bonds, 'bondpy', None)
    managed.trigger_activate()
    assert managed.is_active
    managed.trigger_deactivate()
    assert not managed.is_active
