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

"""The launch file with ROS's own launch; the nodes are programs that only wait, or end."""

import importlib.util
import os
import signal
import sys

import pytest

if importlib.util.find_spec('launch_ros') is None:
    pytest.skip("could not import 'launch_ros'", allow_module_level=True)

from real_launch import REACH, command_and_environment, launched
from tiny_recording import write_bag

from av_tracker_nodes.launching.node_set import STAGES

pytestmark = pytest.mark.thorough

# In Python, as nodes are: a shell would show another command line.
WAITS = f'exec {sys.executable} -c "import time; time.sleep(600)" "$@"'
LIVE = {'start_camera': 'false', 'start_microphones': 'false', 'fusion_model': 'vggcf'}


def waiting(*names, **others):
    return dict.fromkeys([*STAGES, *names], WAITS) | others


@pytest.fixture
def bag(tmp_path):
    return str(write_bag(tmp_path / 'bag', image_seconds=0.3).path)


def test_a_node_killed_in_a_group_is_started_as_it_was(tmp_path):
    """And who includes the file keeps the environment."""
    chosen = {**LIVE, 'namespace': 'head', 'target_frame': 'map', 'respawn': 'True'}
    with launched(tmp_path / 'prefix', waiting(), **chosen) as run:
        assert run.wait_until(lambda: run.pids['tracker']), run.lines
        (before,) = run.pids['tracker']
        assert run.wait_until(lambda: b'ros-args' in command_and_environment(before)[0])
        command, environment = command_and_environment(before)
        for part in (
            b'__ns:=/robot/head',
            b'speaker_tracks:=people',
            b'latency_limit:=7.5',
            b'"target_frame": "map"',
            b'params.yaml',
        ):
            assert part in command
        assert b'OF_THE_GROUP=yes' in environment
        assert f'{REACH}=LOCALHOST'.encode() in environment
        os.kill(before, signal.SIGKILL)
        assert run.wait_until(lambda: len(run.pids['tracker']) == 2), run.lines
        again = run.pids['tracker'][1]
        assert run.wait_until(lambda: command_and_environment(again)[0] == command)
        assert command_and_environment(again)[1] == environment
        assert run.wait_until(lambda: run.says('parent has None yes')), run.lines
        # What died and came back is no reason to complain.
        assert run.end() == 0, run.lines
        assert [len(run.pids[name]) for name in STAGES] == [1, 1, 1, 2]


@pytest.mark.parametrize(('status', 'result'), [(0, 0), (2, 1)])
def test_a_node_that_ends_on_purpose_is_not_started_again(tmp_path, status, result):
    """The others are not concerned; launch tells in the end if it was bad input."""
    programs = waiting(fusion=f'sleep 1; exit {status}')
    with launched(tmp_path / 'prefix', programs, **LIVE) as run:
        ended = 'has finished cleanly' if status == 0 else 'fusion has ended with status 2'
        assert run.wait_until(lambda: run.says(ended)), run.lines
        run.wait_until(lambda: False, 3.0)
        assert run.process.poll() is None
        assert len(run.pids['fusion']) == 1
        assert run.end() == result, run.lines


def test_without_respawn_a_death_is_told_in_the_end(tmp_path):
    programs = waiting(fusion='sleep 1; kill -9 $$')
    with launched(tmp_path / 'prefix', programs, **LIVE, respawn='0') as run:
        assert run.wait_until(lambda: run.says('fusion has ended with status -9')), run.lines
        assert run.end() == 1


@pytest.mark.parametrize(
    ('ends', 'result'), [('exit 0', 0), ('exit 1', 1), ('exit 2', 1), ('kill -9 $$', 1)]
)
def test_launch_ends_as_the_player_does(tmp_path, bag, ends, result):
    programs = waiting(bag_player=f'sleep 1; {ends}')
    with launched(tmp_path / 'prefix', programs, bag=bag, fusion_model='vggcf') as run:
        assert run.wait() == result, run.lines


def test_what_is_wrong_is_one_clear_line(tmp_path):
    with launched(tmp_path / 'prefix', waiting(), bag='/nowhere') as run:
        assert run.wait() == 1
        assert run.says('no bag at /nowhere')
        assert not run.pids['tracker']


def test_a_model_of_a_robot_is_not_ours(tmp_path):
    """Launch files hand their arguments down to those that they include."""
    with launched(tmp_path / 'prefix', waiting(), **LIVE, model='waffle') as run:
        assert run.wait_until(lambda: len(run.pids) >= len(STAGES)), run.lines
        assert run.says("'waffle' of 'model' is no fusion model")
        assert run.end() == 0
