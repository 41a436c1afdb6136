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

import math
import os
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.sequence_names import find_sequence
from av_tracker_nodes.research.parallel import in_processes, or_input_error


@pytest.mark.parametrize('jobs', [1, 2])
def test_results_come_with_their_keys(jobs):
    tasks = {'small': (5, 1), 'large': (5, 2)}
    assert dict(in_processes(math.comb, tasks, jobs)) == {'small': 5, 'large': 10}


def test_input_errors_can_be_results():
    tasks = {'there': (['seq01'], 'seq01', '.'), 'gone': (['seq01'], 'seq02', '.')}
    with pytest.raises(InputError):
        list(in_processes(find_sequence, tasks, 1))
    results = dict(in_processes(partial(or_input_error, find_sequence), tasks, 1))
    assert results['there'] == 'seq01'
    assert isinstance(results['gone'], InputError)


@pytest.mark.parametrize('jobs', [1, 2])
def test_exceptions_stop_all(jobs):
    with pytest.raises(TypeError):
        list(in_processes(math.comb, {1: ('x', 1)}, jobs))


_SLEEPERS = """
import sys, time
from av_tracker_nodes.research.parallel import in_processes

if __name__ == '__main__':
    print('begun', flush=True)
    list(in_processes(time.sleep, {1: (60,), 2: (60,)}, 2))
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='processes are tied together on Linux only')
def test_workers_end_with_a_program_that_is_killed(tmp_path):
    script = tmp_path / 'sleepers.py'
    script.write_text(_SLEEPERS)
    program = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE)
    try:
        program.stdout.readline()
        workers = wait_for(lambda: children(program.pid), lambda found: len(found) >= 2)
    finally:
        program.kill()
        program.wait()
    assert not wait_for(
        lambda: [each for each in workers if each.is_running()], lambda left: not left
    )


_WRITERS = """
import signal, sys, time
from pathlib import Path
from av_tracker_nodes.research.parallel import in_processes


def write(path):
    try:
        path.touch()
        time.sleep(60)
    finally:
        path.unlink()


def hear_nothing(path):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    write(path)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    tasks = {k: (Path(f'partial{k}'),) for k in range(9)}
    list(in_processes(globals()[sys.argv[1]], tasks, 2))
"""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != 'linux', reason='processes are tied together on Linux only')
@pytest.mark.parametrize(
    ('task', 'number', 'whole_group'),
    [
        ('write', signal.SIGINT, False),
        ('write', signal.SIGINT, True),
        ('write', signal.SIGTERM, False),
        ('write', signal.SIGTERM, True),
        ('write', signal.SIGKILL, False),
        ('hear_nothing', signal.SIGINT, False),
    ],
)
def test_workers_end_with_what_they_write(tmp_path, task, number, whole_group):
    (tmp_path / 'writers.py').write_text(_WRITERS)
    program = subprocess.Popen(
        [sys.executable, 'writers.py', task],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: list(tmp_path.glob('partial*')), lambda found: len(found) == 2)
    working = children(program.pid)
    assert len(working) == 2
    (os.killpg if whole_group else os.kill)(program.pid, number)
    _, said = program.communicate(timeout=5)
    assert said.count('Traceback') == (number == signal.SIGINT)
    assert not wait_for(
        lambda: [each for each in working if each.is_running()], lambda left: not left
    )
    assert len(list(tmp_path.glob('partial*'))) == 2 * (task == 'hear_nothing')


def children(program):
    """Processes that work for a program; the one that tracks its resources ends by itself."""
    found = psutil.Process(program).children()
    return [each for each in found if 'spawn_main' in ' '.join(each.cmdline())]


def wait_for(look, enough, seconds=20.0):
    end = time.monotonic() + seconds
    while not enough(found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found
