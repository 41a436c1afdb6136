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

"""Tell commands to end, and look at how soon they do, and at what they leave behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from tiny_recording import write_bag

LONGEST_END = 5.0
MARK = 'AV_TRACKER_TEST_OF_INTERRUPTIONS'
PARTIAL = ('.simulating-*', '.replaced-*', '.*partial*', '*.partial.*', '.calibration-*')
WAYS = [
    (number, whole_group)
    for number in (signal.SIGINT, signal.SIGTERM)
    for whole_group in (False, True)
]


@dataclass(frozen=True)
class Case:
    """A command, and by what it is seen to be at work."""

    arguments: str
    is_at_work: Callable[[psutil.Process, Path], bool]


def has_children(count: int):
    return lambda process, folder: len(process.children(recursive=True)) >= count


def has_written(pattern: str):
    return lambda process, folder: any(folder.rglob(pattern))


def has_loaded(name: str):
    return lambda process, folder: any(name in each.path for each in process.memory_maps())


QUICK = [
    Case('simulate two_crossing --out sim', has_children(5)),
    Case('simulate --rig azure_kinect --seconds 600 --out rig', has_loaded('cv2')),
    Case('track bag --out tracks', has_loaded('onnxruntime')),
]
"""What runs without ROS, and is soon at work."""


def wait_for(look, seconds=120.0):
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def marked(text):
    """Processes that were started with a mark in their environment, and have not ended."""
    found = []
    for process in psutil.process_iter():
        try:
            environment, status = process.environ(), process.status()
        except psutil.Error:
            continue
        if environment.get(MARK) == text and status != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def check_end(folder, case, number, whole_group, delay=0.5):
    """Start a command, tell it to end once it is at work, and look at what it leaves."""
    write_bag(folder / 'bag')
    temporary = folder / 'temporary'
    temporary.mkdir()
    environment = {**os.environ, MARK: str(folder), 'TMPDIR': str(temporary)}
    command = [sys.executable, '-m', 'av_tracker_nodes.cli', *case.arguments.split()]
    log = folder / 'log'
    with log.open('w') as output:
        process = psutil.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        assert wait_for(lambda: process.poll() is not None or case.is_at_work(process, folder))
        time.sleep(delay)
        assert process.poll() is None, log.read_text()
        began = time.monotonic()
        (os.killpg if whole_group else os.kill)(process.pid, number)
        status = process.wait(60)
        taken = time.monotonic() - began
        left = wait_for(lambda: not marked(str(folder)), LONGEST_END - taken)
    finally:
        for each in marked(str(folder)):
            each.kill()
    said = log.read_text()
    assert taken < LONGEST_END, said
    assert left, 'processes go on'
    assert status
    assert 'Traceback' not in said, said
    assert 'Exception ' not in said, said
    partial = [path.name for pattern in PARTIAL for path in folder.rglob(pattern)]
    assert not partial, partial
    # Locks of ROS domains stay.
    kept = [path.name for path in temporary.iterdir() if path.suffix != '.lock']
    assert not kept
    return taken
