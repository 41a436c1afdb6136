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

"""Real nodes on a robot that drives about, and whose odometry falls silent for a while."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from live_graph import live_graph

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.frame_tree import TF_TIMEOUT
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.recordings.messages import stamp_of, to_transforms, typestore
from av_tracker_nodes.types import to_nanoseconds, to_seconds

pytestmark = pytest.mark.graph

TF_MESSAGE = 'tf2_msgs/msg/TFMessage'
PERIOD = to_nanoseconds(0.02)
SILENCE = 1.2, 2.9
"""When the odometry says nothing (s since the start)."""
PLACED = 'acoustic_map', 'fusion', 'tracker'
"""Nodes that place the sensors."""


def cdr(parent, child, pose, stamp):
    message = to_transforms(parent, {child: pose}, stamp)
    return bytes(typestore().serialize_cdr(message, TF_MESSAGE))


@pytest.fixture(scope='module')
def driving(recording, tmp_path_factory):
    """The recording, with the frame `world` of its rig on a base that drives through `odom`."""
    path = tmp_path_factory.mktemp('driving') / 'bag'
    with BagReader(recording.path) as source, BagWriter(path) as bag:
        told = source.start_time
        for message in source.raw():
            while told <= message.log_time:
                seconds = to_seconds(told - source.start_time)
                if not SILENCE[0] < seconds < SILENCE[1]:
                    base = RigidTransform(translation=np.array([-0.1 * seconds, 0, 0]))
                    bag.write_raw('/tf', TF_MESSAGE, told, cdr('odom', 'base_link', base, told))
                told += PERIOD
            bag.write_raw(
                message.topic,
                message.type,
                message.log_time,
                message.data,
                latched=message.latched,
            )
        mast = cdr('base_link', 'world', RigidTransform(), 0)
        bag.write_raw('/tf_static', TF_MESSAGE, source.start_time, mast, latched=True)
    return path


def test_people_are_lost_with_the_odometry_and_come_back_with_it(driving, recording, tmp_path):
    arguments = {'bag': str(driving), 'out': str(tmp_path), 'target_frame': 'odom'}
    start = recording.image_stamps[0]
    with live_graph(node_set({**arguments, 'fusion_model': 'vggcf'})) as graph:
        graph.spin_to_the_end()
        # The images that had no place went unused: that is not what was asked for.
        assert graph.statuses.pop('bag_player') == 1, graph.lines
        assert set(graph.statuses.values()) == {0}, graph.lines
        assert graph.stamps('speaker_tracks') == recording.image_stamps
        ids = {'before': set(), 'after': set()}
        for message in graph.heard['speaker_tracks']:
            seconds = to_seconds(stamp_of(message.header) - start) + 0.05
            assert message.header.frame_id == 'odom'
            if SILENCE[0] + TF_TIMEOUT + 0.1 < seconds < SILENCE[1] - TF_TIMEOUT:
                assert len(message.tracks) == 0, seconds
            elif 0.8 < seconds < SILENCE[0]:
                ids['before'] |= {track.id for track in message.tracks}
            elif seconds > SILENCE[1] + 0.3:
                ids['after'] |= {track.id for track in message.tracks}
        assert ids['before'] & ids['after']
        for node in PLACED:
            statuses = graph.statuses_of(node)
            lost = [
                status for status in statuses if "from 'odom' to 'base_link'" in status.message
            ]
            assert lost, [status.message for status in statuses]
            assert all(status.level == DiagnosticStatus.ERROR for status in lost)
            assert "'odom'" not in statuses[-1].message
            said = [line for line in graph.lines if f'[{node}]' in line and 's old' in line]
            assert len(said) == (1 if node == 'tracker' else 2), said
