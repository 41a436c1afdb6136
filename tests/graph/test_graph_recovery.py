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

"""Nodes of a replay are killed or stopped; two graphs run in one namespace."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from live_graph import live_graph

from av_tracker_nodes.launching.node_set import STAGES, node_set
from av_tracker_nodes.recordings.tracks_csv import read_run, read_tracks

pytestmark = pytest.mark.graph

WRITER = 'track_writer'
QUICK = ['face_detector', 'acoustic_map']
OTHERS = [
    pytest.param(node, signal.SIGKILL, marks=pytest.mark.slow)
    for node in (*STAGES, WRITER)
    if node not in QUICK
]
STOPPED = [pytest.param(node, signal.SIGSTOP, marks=pytest.mark.slow) for node in STAGES]


@pytest.mark.parametrize(
    ('node', 'number'), [*((node, signal.SIGKILL) for node in QUICK), *OTHERS, *STOPPED]
)
def test_a_replay_loses_nothing_with_a_node(recording, tmp_path, node, number):
    with live_graph(node_set({'bag': str(recording.path), 'out': str(tmp_path)})) as graph:
        assert graph.spin_until(lambda: len(graph.heard['speaker_tracks']) > 30), graph.lines
        os.kill(graph.supervisor.processes[node].pid, number)
        graph.spin_to_the_end()
    assert set(graph.statuses.values()) == {0}, graph.lines
    assert [line for line in graph.lines if 'playing on' in line] == []
    run, tracks = read_run(tmp_path), read_tracks(tmp_path)
    assert (run['complete'], run['problems']) == (True, [])
    assert run['frames_in'] == run['frames_answered'] == len(recording.image_stamps)
    assert recording.image_stamps[tracks.frame[-1]] == tracks.stamp[-1]
    assert len(set(tracks.id)) == 1


@pytest.mark.parametrize(
    'number', [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_replay_that_is_cut_short_says_so(recording, tmp_path, number):
    command = [sys.executable, '-m', 'av_tracker_nodes.cli', 'replay', str(recording.path)]
    program = subprocess.Popen(
        [*command, '--out', str(tmp_path), '--rate', '0.5'], stderr=subprocess.PIPE, text=True
    )
    tracks = tmp_path / '.tracks.csv.partial'
    while not tracks.exists() or tracks.read_text().count('\n') < 5:
        assert program.poll() is None
        time.sleep(0.05)
    (player,) = (
        child
        for child in psutil.Process(program.pid).children()
        if 'av_tracker_nodes.nodes.bag_player' in child.cmdline()
    )
    player.send_signal(number)
    _, told = program.communicate(timeout=60)
    assert program.returncode == 1, told
    run = read_run(tmp_path)
    assert not run['complete']
    assert run['images_asked'] == len(recording.image_stamps) > run['images_played']
    (problem,) = (each for each in run['problems'] if each.startswith('cut short'))
    assert f'av-tracker: {problem}' in told


@pytest.mark.slow
def test_two_graphs_in_one_namespace_are_noticed(recording, tmp_path):
    specs = node_set({'bag': str(recording.path), 'out': str(tmp_path)})
    twice = [
        replace(spec, name=f'another {spec.name}')
        for spec in specs
        if spec.name in ('fusion', 'tracker')
    ]
    with live_graph([*specs, *twice]) as graph:
        graph.spin_to_the_end()
    for topic, node in (('fused_detections', 'tracker'), ('speaker_tracks', WRITER)):
        assert any(
            status.level == DiagnosticStatus.ERROR
            and f'two nodes publish {topic}' in status.message
            and 'namespace:=NAME' in status.message
            for status in graph.statuses_of(node)
        ), graph.lines
        told = [
            line
            for line in graph.lines
            if line.startswith(f'[{node}]') and f'two nodes publish {topic}' in line
        ]
        assert len(told) == 1, graph.lines
    assert any('two nodes publish' in problem for problem in read_run(tmp_path)['problems'])
