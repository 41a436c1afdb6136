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

"""Real nodes on real ROS 2, fed from a tiny recording."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
from live_graph import live_graph
from tiny_recording import write_bag

from av_tracker_nodes.launching.node_set import STAGES, node_set
from av_tracker_nodes.launching.profiles import PROFILES
from av_tracker_nodes.pipeline import Pipeline, Profile, track_bag
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.recordings.tracks_csv import TrackWriter, read_run, read_tracks

pytestmark = pytest.mark.graph


@pytest.fixture(scope='module')
def replayed(recording, tmp_path_factory):
    """One replay that many tests look at."""
    out = tmp_path_factory.mktemp('replayed')
    with live_graph(node_set({'bag': str(recording.path), 'out': str(out)})) as graph:
        graph.out = out
        assert graph.spin_until(lambda: len(graph.heard['speaker_tracks']) > 10), graph.lines
        graph.late_array_info()
        graph.truth_listeners = graph.node.count_subscribers('ground_truth')
        graph.truth_speakers = graph.node.count_publishers('ground_truth')
        graph.spin_to_the_end()
        yield graph


@pytest.mark.parametrize(
    'topic', ['faces', 'acoustic_map', 'fused_detections', 'speaker_tracks', 'active_speaker']
)
def test_every_image_is_answered_once_and_in_order(replayed, recording, topic):
    assert replayed.stamps(topic) == recording.image_stamps


def test_everybody_ends_cleanly(replayed):
    assert set(replayed.statuses.values()) == {0}, replayed.lines


def test_nodes_that_are_interrupted_at_work_end_cleanly(recording, tmp_path):
    arguments = {'bag': str(recording.path), 'out': str(tmp_path)}
    with live_graph(node_set(arguments)) as graph:
        assert graph.spin_until(lambda: len(graph.heard['speaker_tracks']) > 10), graph.lines
        graph.supervisor.stop()
        graph.spin_to_the_end()
        # Not all was played.
        assert graph.statuses.pop('bag_player') == 1
        assert set(graph.statuses.values()) == {0}, (graph.statuses, graph.lines[-12:])
        assert 'Traceback' not in '\n'.join(graph.lines)


def test_nodes_end_with_the_program_that_started_them(recording, tmp_path):
    command = [sys.executable, '-m', 'av_tracker_nodes.cli', 'replay', str(recording.path)]
    program = subprocess.Popen([*command, '--out', str(tmp_path), '--rate', '0.1'])
    nodes = []
    while len(nodes) < len(node_set({'bag': str(recording.path)})):
        assert program.poll() is None
        nodes = psutil.Process(program.pid).children()
    program.kill()
    program.wait()
    _, left = psutil.wait_procs(nodes, timeout=20)
    assert left == []


@pytest.mark.slow
def test_a_replay_faster_than_the_nodes_loses_nothing(recording, tmp_path):
    """Queues are shorter than this recording: the player has to wait for answers."""
    arguments = {'bag': str(recording.path), 'out': str(tmp_path), 'rate': '50'}
    with live_graph(node_set(arguments)) as graph:
        graph.spin_to_the_end()
    assert graph.stamps('speaker_tracks') == recording.image_stamps
    assert [line for line in graph.lines if 'lost' in line] == []


def test_late_listeners_learn_the_microphones(replayed, recording):
    info = replayed.heard['audio/array_info'][0]
    positions = [[p.x, p.y, p.z] for p in info.positions]
    np.testing.assert_allclose(positions, recording.rig.microphones.positions)


def test_nobody_looks_at_the_truth(replayed):
    assert replayed.truth_speakers == 1
    assert replayed.truth_listeners == 0


def test_the_voice_is_found_where_it_is(replayed, recording):
    tracks = read_tracks(replayed.out)
    assert len(tracks) > 30
    found = np.median(tracks.position, axis=0)
    cosine = found @ recording.voice / np.linalg.norm(found) / np.linalg.norm(recording.voice)
    assert np.rad2deg(np.arccos(cosine)) < 5, found


def test_ids_are_proper(replayed):
    for message in replayed.heard['speaker_tracks']:
        ids = [track.id for track in message.tracks]
        assert 0 not in ids
        assert len(set(ids)) == len(ids)


def test_mirrors_agree_with_the_tracks(replayed):
    known = [[t for t in m.tracks if t.state > 0] for m in replayed.heard['speaker_tracks']]
    assert [len(m.poses) for m in replayed.heard['speaker_poses']] == [len(k) for k in known]
    for message, tracks in zip(replayed.heard['active_speaker'], known, strict=True):
        assert message.track.id in {0, *(t.id for t in tracks if t.is_speaking)}


def test_run_is_summed_up(replayed, recording):
    run = read_run(replayed.out)
    assert run['frames_in'] == run['frames_answered'] == len(recording.image_stamps)
    assert run['lost_frames'] == 0
    for topic in ('faces', 'acoustic_map', 'fused_detections', 'speaker_tracks'):
        latency = run['latency_ms'][topic]
        assert 0 < latency['median'] <= latency['p95'] <= latency['p99']
    assert set(run['work_ms']) == set(STAGES)


@pytest.mark.parametrize('node', STAGES)
def test_stages_report_once_a_second(replayed, node):
    statuses = replayed.statuses_of(node)
    reports = [{value.key: value.value for value in status.values} for status in statuses]
    assert len(reports) >= 3
    assert any(report['inputs without publisher'] == '' for report in reports)
    assert int(reports[-1]['out']) >= 90


def test_replay_and_pipeline_give_the_same_tracks(replayed, recording, tmp_path):
    writer = TrackWriter(tmp_path)
    with BagReader(recording.path) as bag:
        for frame in Pipeline(bag.rig()).run(bag.records()):
            writer.write(frame)
    writer.close({})
    live, offline = read_tracks(replayed.out), read_tracks(tmp_path)
    np.testing.assert_array_equal(live.stamp, offline.stamp)
    np.testing.assert_array_equal(live.frame, offline.frame)
    np.testing.assert_array_equal(live.id, offline.id)
    np.testing.assert_allclose(live.position, offline.position, atol=1e-3)
    np.testing.assert_allclose(live.box, offline.box, atol=0.5)
    np.testing.assert_allclose(live.speaking, offline.speaking, atol=1e-3)


def test_on_a_small_computer_every_image_is_answered_though_not_all_are_looked_at(
    recording, tmp_path
):
    arguments = {'bag': str(recording.path), 'out': str(tmp_path / 'live'), 'profile': 'small'}
    with live_graph(node_set(arguments)) as graph:
        graph.spin_to_the_end()
        assert graph.stamps('speaker_tracks') == recording.image_stamps
        assert set(graph.statuses.values()) == {0}, graph.lines
    offline = track_bag(
        recording.path, tmp_path / 'offline', profile=Profile.of(PROFILES['small'])
    )
    for run in (offline, read_run(tmp_path / 'live')):
        assert run['problems'] == []
        passed_over = run['used']['images']['passed_over']
        assert passed_over == pytest.approx(len(recording.image_stamps) / 2, abs=2)
    live, chained = (read_tracks(tmp_path / name) for name in ('live', 'offline'))
    assert set(live.id) == set(chained.id) == {1}
    assert np.median(np.linalg.norm(live.position[-20:] - chained.position[-20:], axis=1)) < 0.02


@pytest.mark.slow
def test_one_node_killed_takes_no_other_down(recording):
    specs = node_set({'bag': str(recording.path), 'respawn': 'false'})
    with live_graph(specs) as graph:
        assert graph.spin_until(lambda: len(graph.heard['speaker_tracks']) > 70), graph.lines
        os.kill(graph.supervisor.processes['face_detector'].pid, signal.SIGKILL)
        graph.spin_to_the_end()
        assert graph.stamps('speaker_tracks') == recording.image_stamps
        assert graph.statuses.pop('face_detector') == -signal.SIGKILL
        assert set(graph.statuses.values()) == {0}, graph.lines


def test_a_bag_that_is_damaged_inside_ends_the_replay_in_one_line(recording, tmp_path):
    bag = tmp_path / 'bag'
    shutil.copytree(recording.path, bag)
    (file,) = bag.glob('*.mcap')
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200_000] = bytes(200_000)
    file.write_bytes(content)
    with live_graph(node_set({'bag': str(bag), 'fusion_model': 'vggcf', 'rate': '4'})) as graph:
        graph.spin_to_the_end()
        assert graph.statuses.pop('bag_player') == 2, graph.lines
        # The player may end while others still load.
        assert set(graph.statuses.values()) <= {0, -signal.SIGTERM}, graph.lines
    (told,) = [line for line in graph.lines if 'damaged' in line]
    assert str(bag) in told
    assert not any('Traceback' in line for line in graph.lines), graph.lines


def test_one_process_with_a_namespace_goes_on_by_sound_alone(tmp_path):
    """Raw images that end after two of four seconds."""
    recording = write_bag(tmp_path / 'bag', image_seconds=2.0, compressed=False)
    arguments = {'bag': str(recording.path), 'one_process': 'true', 'namespace': 'robot'}
    with live_graph(node_set({**arguments, 'out': str(tmp_path / 'out')}), 'robot') as graph:
        graph.spin_to_the_end()
        assert graph.statuses == {'av_tracker_all': 0}, graph.lines
        assert graph.stamps('speaker_tracks') == recording.image_stamps
        alone = graph.stamps('speaker_tracks', from_image=False)
        assert alone[0] == recording.image_stamps[-1] + 200_000_000
        assert set(np.diff(alone)) == {40_000_000}
        assert read_run(tmp_path / 'out')['frames_answered'] == len(recording.image_stamps)
