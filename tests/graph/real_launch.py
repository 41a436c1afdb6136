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

"""Runs the launch file with ROS's own launch, included by a launch file of somebody else."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

from av_tracker_nodes.launching.node_set import PACKAGE
from av_tracker_nodes.models.shipped import shipped_file

REACH = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
PARENT = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import (
    ExecuteProcess, GroupAction, IncludeLaunchDescription, SetEnvironmentVariable
)
from launch_ros.actions import PushROSNamespace, SetParameter, SetRemap

ours, show, *arguments = sys.argv[1:]
environment = [sys.executable, '-c', show]
group = GroupAction([
    PushROSNamespace('robot'),
    SetRemap('speaker_tracks', 'people'),
    SetParameter('latency_limit', 7.5),
    SetEnvironmentVariable('OF_THE_GROUP', 'yes'),
    IncludeLaunchDescription(ours, launch_arguments=[a.split(':=') for a in arguments]),
    ExecuteProcess(cmd=environment, output='screen'),
])
service = LaunchService(noninteractive=True)
service.include_launch_description(LaunchDescription([group]))
sys.exit(service.run())
"""
SHOW = f"import os; print('parent has', os.environ.get('{REACH}'), os.environ['OF_THE_GROUP'])"


class Launched:
    """A run of launch, what it says, and the processes that it has started.

    Attributes
    ----------
    lines : list of str
    pids : dict of str to list of int
        Processes of each node, one after the other.
    """

    def __init__(self, environment, prefix, arguments):
        paths = f'{prefix}:{environment.get("AMENT_PREFIX_PATH", "")}'.strip(':')
        own = {'AMENT_PREFIX_PATH': paths, 'ROS_LOG_DIR': str(prefix / 'log')}
        environment = {**environment, **own, 'PYTHONUNBUFFERED': '1'}
        # Somebody who has never heard of it.
        environment.pop(REACH, None)
        ours = str(shipped_file('av_tracker.launch.py'))
        self.lines = []
        self.pids = defaultdict(list)
        self.process = subprocess.Popen(
            [sys.executable, '-c', PARENT, ours, SHOW, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            started = re.search(r'\[(\w+)-\d+\]: process started with pid \[(\d+)\]', line)
            if started:
                self.pids[started[1]].append(int(started[2]))

    def says(self, text):
        return any(text in line for line in self.lines)

    def wait_until(self, condition, seconds=120.0):
        """Wait for a condition; tell whether it holds."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.05)
        return condition()

    def end(self):
        """Interrupt launch, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        status = self.process.wait(120)
        self._reader.join(10)
        return status


def install(prefix, programs):
    """Make a prefix in which the index of ament finds programs (of the shell) for our nodes."""
    index = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / PACKAGE).touch()
    folder = prefix / 'lib' / PACKAGE
    folder.mkdir(parents=True)
    for node, text in programs.items():
        (folder / node).write_text(f'#!/bin/sh\n{text}\n')
        (folder / node).chmod(0o755)


@contextmanager
def launched(prefix, programs, environment=None, **arguments):
    """Run launch with programs for nodes and arguments of the launch file."""
    install(prefix, programs)
    pairs = [f'{name}:={value}' for name, value in arguments.items()]
    run = Launched(dict(os.environ if environment is None else environment), prefix, pairs)
    try:
        yield run
    finally:
        run.end()


def command_and_environment(pid):
    """What a process was started with."""
    process = Path('/proc', str(pid))
    environment = process.joinpath('environ').read_bytes().split(b'\0')
    return process.joinpath('cmdline').read_bytes(), sorted(environment)
