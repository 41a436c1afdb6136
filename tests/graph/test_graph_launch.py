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

"""The launch file with ROS's own launch, included by a launch file of somebody else."""

import importlib.util
import os
import signal
import sys
from contextlib import contextmanager

import pytest
from tiny_recording import write_bag

if importlib.util.find_spec('launch_ros') is None:
    pytest.skip("could not import 'launch_ros'", allow_module_level=True)

from live_graph import LiveGraph
from real_launch import command_and_environment, launched

from av_tracker_msgs import msg as av
from av_tracker_nodes.launching.processes import private_environment
from av_tracker_nodes.nodes.av_tracker_all import NODES
from av_tracker_nodes.nodes.quality_of_service import RESULTS

pytestmark = [pytest.mark.graph, pytest.mark.slow]

PROGRAMS = {name: f'exec {sys.executable} -m av_tracker_nodes.nodes.{name} "$@"' for name in NODES}


@contextmanager
def running(folder, **arguments):
    """Run the nodes, and listen to them."""
    with private_environment() as environment:
        graph = LiveGraph([], environment, 'robot')
        graph.listen(av.SpeakerTrackArray, 'people', RESULTS)
        try:
            with launched(folder, PROGRAMS, environment, **arguments) as run:
                yield run, graph
        finally:
            graph.close()


def tracks(graph):
    return {track.id for message in graph.heard['people'][-5:] for track in message.tracks}


def test_a_node_killed_in_a_group_goes_on_with_the_same_tracks(tmp_path):
    bag = write_bag(tmp_path / 'bag').path
    chosen = {'bag': bag, 'fusion_model': 'vggcf', 'rate': '0.15', 'loops': '0'}
    with running(tmp_path / 'prefix', **chosen) as (run, graph):
        assert graph.spin_until(lambda: tracks(graph), 120), run.lines
        known = tracks(graph)
        (before,) = run.pids['acoustic_map']
        command, environment = command_and_environment(before)
        os.kill(before, signal.SIGKILL)
        assert graph.spin_until(lambda: len(run.pids['acoustic_map']) == 2), run.lines
        graph.heard['people'].clear()
        graph.heard['acoustic_map'].clear()
        heard = lambda: len(graph.heard['acoustic_map']) > 20 and tracks(graph)  # noqa: E731
        assert graph.spin_until(heard, 120), run.lines
        assert tracks(graph) & known
        again = command_and_environment(run.pids['acoustic_map'][1])
        assert again == (command, environment)
        assert graph.heard['speaker_tracks'] == []
        assert run.end() == 0, run.lines


def test_launch_ends_with_the_recording(tmp_path):
    bag = write_bag(tmp_path / 'bag').path
    with running(tmp_path / 'prefix', bag=bag, fusion_model='vggcf') as (run, graph):
        assert graph.spin_until(lambda: run.process.poll() is not None, 180), run.lines
        assert run.wait() == 0, run.lines
        assert any(message.tracks for message in graph.heard['people'])
