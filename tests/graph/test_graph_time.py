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

"""A recording gives the same tracks however the time of its replay goes."""

import numpy as np
import pytest
from live_graph import live_graph
from std_srvs.srv import Trigger

from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.pipeline import Pipeline
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.recordings.tracks_csv import TrackWriter, read_run, read_tracks
from av_tracker_nodes.types import to_nanoseconds

pytestmark = pytest.mark.graph

MODEL = 'vggcf'
LATEST = to_nanoseconds(0.05)


@pytest.fixture(scope='module')
def offline(recording, tmp_path_factory):
    """What the tracks are."""
    writer = TrackWriter(tmp_path_factory.mktemp('offline'))
    with BagReader(recording.path) as bag:
        for frame in Pipeline(bag.rig(), MODEL).run(bag.records()):
            writer.write(frame)
    writer.close({})
    return read_tracks(writer.directory)


@pytest.fixture(scope='module')
def disordered(recording, tmp_path_factory):
    """The recording, in which images overtake the sound before them by up to 50 ms."""
    rng, arrival = np.random.default_rng(0), 0
    path = tmp_path_factory.mktemp('disordered') / 'bag'
    with BagReader(recording.path) as source, BagWriter(path) as bag:
        for message in source.raw():
            when = message.log_time
            if message.topic.endswith('audio'):
                when = arrival = max(arrival, when + int(rng.integers(LATEST)))
            bag.write_raw(message.topic, message.type, when, message.data, latched=message.latched)
    return path


def passes(tracks):
    """Indices of the rows of each pass through the recording."""
    begins = np.flatnonzero(np.diff(tracks.stamp) < 0) + 1
    return np.split(np.arange(len(tracks)), begins)


def assert_same(live, rows, offline):
    np.testing.assert_array_equal(live.stamp[rows], offline.stamp)
    np.testing.assert_array_equal(live.id[rows] - live.id[rows[0]], offline.id - offline.id[0])
    np.testing.assert_allclose(live.position[rows], offline.position, atol=1e-3)
    np.testing.assert_allclose(live.box[rows], offline.box, atol=0.5)
    np.testing.assert_allclose(live.speaking[rows], offline.speaking, atol=1e-3)


def resets(graph, node):
    values = {value.key: value.value for value in graph.statuses_of(node)[-1].values}
    return int(values.get('resets', 0))


def wait_until_quiet(graph):
    """Quiet for longer than it takes for input that has stopped to be given up."""
    answers, more = graph.heard['speaker_tracks'], True
    while more:
        before = len(answers)
        more = graph.spin_until(lambda before=before: len(answers) > before, 2.0)


def client_of(graph, name):
    client = graph.node.create_client(Trigger, name)
    assert graph.spin_until(client.service_is_ready), graph.lines
    return client


def call(graph, client):
    future = client.call_async(Trigger.Request())
    assert graph.spin_until(future.done), graph.lines
    return future.result().message


def test_fast_disordered_paused_and_played_three_times(recording, disordered, offline, tmp_path):
    values = {'bag': disordered, 'out': tmp_path, 'fusion_model': MODEL, 'rate': 4, 'loops': 3}
    arguments = {name: str(value) for name, value in values.items()}
    with live_graph(node_set({**arguments, 'one_process': 'true'})) as graph:
        pause, resume = (client_of(graph, f'bag_player/{name}') for name in ('pause', 'resume'))
        assert graph.spin_until(lambda: len(graph.heard['speaker_tracks']) > 10), graph.lines
        assert call(graph, pause) == 'paused'
        wait_until_quiet(graph)
        assert len(graph.heard['speaker_tracks']) < len(recording.image_stamps)
        assert call(graph, resume) == 'playing'
        graph.spin_to_the_end()
        assert graph.statuses == {'av_tracker_all': 0}, graph.lines
        assert [resets(graph, node) for node in ('acoustic_map', 'fusion')] == [2, 2]
    live = read_tracks(tmp_path)
    rows = passes(live)
    assert len(rows) == 3
    for one_pass in rows:
        assert_same(live, one_pass, offline)
    first_ids = [live.id[each[0]] for each in rows]
    assert first_ids == sorted(set(first_ids))
    assert read_run(tmp_path)['lost_frames'] == 0


@pytest.mark.slow
@pytest.mark.parametrize('simulated', ['true', 'false'])
@pytest.mark.parametrize('rate', ['0.5', '1', '4'])
def test_with_and_without_a_clock(recording, offline, tmp_path, simulated, rate):
    values = {
        'bag': recording.path,
        'out': tmp_path,
        'fusion_model': MODEL,
        'rate': rate,
        'loops': 3,
    }
    arguments = {name: str(value) for name, value in values.items()}
    with live_graph(node_set({**arguments, 'use_sim_time': simulated})) as graph:
        graph.spin_to_the_end()
        assert set(graph.statuses.values()) == {0}, graph.lines
    live = read_tracks(tmp_path)
    rows = passes(live)
    assert len(rows) == 3
    for one_pass in rows:
        assert_same(live, one_pass, offline)
