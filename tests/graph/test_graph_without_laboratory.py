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

"""The robot's house stands when the laboratory is gone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import av_tracker_nodes
from av_tracker_nodes.recordings.tracks_csv import read_run, read_tracks

SOURCES = Path(av_tracker_nodes.__file__).parents[1]


@pytest.fixture(scope='module')
def robot(tmp_path_factory):
    """Run a command of a copy of the sources without research/."""
    copy = tmp_path_factory.mktemp('robot') / SOURCES.name
    # What Numba has compiled is copied, too: compiling it again takes longer than the tests.
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns('research'))
    assert not list(copy.rglob('research'))
    inherited = [
        folder
        for folder in os.environ.get('PYTHONPATH', '').split(os.pathsep)
        if folder and Path(folder).resolve() != SOURCES
    ]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(copy), *inherited])}

    def run(*arguments):
        command = [sys.executable, '-m', 'av_tracker_nodes.cli', *map(str, arguments)]
        return subprocess.run(
            command, cwd=copy, env=environment, text=True, capture_output=True, check=False
        )

    return run


def test_no_laboratory_is_found(robot):
    process = robot('scenarios')
    assert process.returncode != 0
    assert "No module named 'av_tracker_nodes.research'" in process.stderr


@pytest.mark.parametrize(
    'way',
    [
        pytest.param('track', marks=pytest.mark.thorough),
        pytest.param('replay', marks=[pytest.mark.slow, pytest.mark.graph]),
    ],
)
def test_a_recording_is_tracked(robot, recording, tmp_path, way):
    process = robot(way, recording.path, '--out', tmp_path)
    assert process.returncode == 0, process.stderr
    run = read_run(tmp_path)
    assert run['frames_answered'] == len(recording.image_stamps)
    assert len(read_tracks(tmp_path)) > 30
