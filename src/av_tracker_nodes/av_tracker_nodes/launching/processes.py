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

"""Starts the nodes as plain processes, for where ``ros2 launch`` is missing."""

from __future__ import annotations

import fcntl
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.node_set import PACKAGE, RESPAWN_DELAY, NodeSpec
from av_tracker_nodes.launching.parent_death import SUPERVISOR

PATIENCE = 8.0
"""Seconds in which processes may end that were told to, before they are killed."""
_INTERRUPTED = 3.0
"""The same after Ctrl-C, where somebody waits."""
_KILLED = 3.0
"""Seconds in which the system ends what was killed."""

SETTLED = 10.0
"""A process that dies within so many seconds of its start will do so again."""
LONGEST_DELAY = 5.0
"""Seconds before it is started again, at most."""

_DOMAINS = range(1, 101)
_WATCH_PERIOD = 0.05


class Supervisor:
    """Runs processes side by side until one that ends all ends, and then stops the others.

    Those that die are started again where their description says so, and those that are stopped
    (SIGSTOP) go on.

    Parameters
    ----------
    specs : sequence of NodeSpec
    environment : mapping, optional
        Of the processes; that of this one if left out.
    on_line : callable, optional
        Called with the name of a process and a line that it wrote.
    interrupted : float
        Seconds in which they may end after Ctrl-C, before they are killed.
    """

    def __init__(
        self,
        specs: Sequence[NodeSpec],
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str, str], None] | None = None,
        interrupted: float = _INTERRUPTED,
    ) -> None:
        self._specs = list(specs)
        self._environment = dict(os.environ if environment is None else environment)
        self._on_line = on_line or (lambda name, line: None)
        self._interrupted = interrupted
        self._lines: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._due: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._short_lives: Counter[str] = Counter()
        self.processes: dict[str, subprocess.Popen] = {}

    def run(self) -> dict[str, int]:
        """Start everything, wait, stop everything; also when interrupted.

        Returns
        -------
        dict of str to int
            Exit status of every process, by name; negative for the signal that ended it.
        """
        patience = self._interrupted
        try:
            for spec in self._specs:
                self.start(spec)
            while not self._is_over():
                self._hand_on(_WATCH_PERIOD)
                self._respawn()
                self._wake()
            patience = PATIENCE
        except KeyboardInterrupt:
            pass
        finally:
            self.stop(patience)
        return {name: process.returncode for name, process in self.processes.items()}

    def start(self, spec: NodeSpec) -> None:
        """Start one process, in a group of its own: Ctrl-C reaches it through this one.

        It ends with the thread that calls this, however that ends.
        """
        process = subprocess.Popen(
            command(spec),
            env={
                **self._environment,
                'PYTHONUNBUFFERED': '1',
                SUPERVISOR: str(os.getpid()),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            start_new_session=True,
        )
        self.processes[spec.name] = process
        self._started[spec.name] = time.monotonic()
        threading.Thread(target=self._read, args=(spec.name, process), daemon=True).start()

    def stop(self, patience: float = PATIENCE) -> None:
        """End what still runs: told to first, killed after `patience` seconds.

        By SIGTERM: Python answers SIGINT with a traceback while a node still begins.
        """
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, _KILLED)):
            running = [p for p in self.processes.values() if p.poll() is None]
            for process in running:
                process.send_signal(number)
            deadline = time.monotonic() + seconds
            while any(p.poll() is None for p in running) and time.monotonic() < deadline:
                self._hand_on(_WATCH_PERIOD)
        while not self._lines.empty():
            self._hand_on(0.0)

    def _is_over(self) -> bool:
        ended = {name for name, process in self.processes.items() if process.poll() is not None}
        decisive = {spec.name for spec in self._specs if spec.ends_all}
        return bool(ended & decisive) or len(ended - self._dead()) == len(self.processes)

    def _dead(self) -> set[str]:
        """Names of those that are to be started again."""
        return {s.name for s in self._specs if s.has_died(self.processes[s.name].poll())}

    def _respawn(self) -> None:
        now, dead = time.monotonic(), self._dead()
        for spec in self._specs:
            if spec.name not in dead:
                continue
            if spec.name not in self._due:
                self._due[spec.name] = now + self._delay(spec.name, now)
            if now >= self._due[spec.name]:
                del self._due[spec.name]
                status = self.processes[spec.name].returncode
                self._lines.put((spec.name, f'died with status {status}: started again'))
                self.start(spec)

    def _delay(self, name: str, now: float) -> float:
        """Seconds before one that has died is started again: none, then doubled by short lives.

        Whatever makes it die, such as what somebody sends, does not take the computer with it.
        """
        is_short, before = now - self._started[name] < SETTLED, self._short_lives[name]
        self._short_lives[name] = before + 1 if is_short else 0
        return min(RESPAWN_DELAY * 2**before, LONGEST_DELAY) if is_short and before else 0.0

    def _wake(self) -> None:
        for spec in self._specs:
            process = self.processes[spec.name]
            if spec.respawns and process.poll() is None and _is_stopped(process.pid):
                process.send_signal(signal.SIGCONT)
                self._lines.put((spec.name, 'was stopped: goes on'))

    def _read(self, name: str, process: subprocess.Popen) -> None:
        for line in process.stdout:
            self._lines.put((name, line.rstrip('\n')))

    def _hand_on(self, patience: float) -> None:
        """Hand lines on that come within `patience` seconds."""
        deadline = time.monotonic() + patience
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                return
            self._on_line(*line)


def command(spec: NodeSpec) -> list[str]:
    """Return the command line of a process.

    Raises
    ------
    InputError
        For an executable of another package, which only a ROS installation can start.
    """
    if spec.package != PACKAGE:
        raise InputError(
            f'{spec.executable} can only be started by a ROS 2 installation: '
            f'ros2 launch {PACKAGE} av_tracker.launch.py'
        )
    if find_spec('rclpy') is None:
        raise InputError(
            'ROS 2 is not there: source an installation, or run in the environment that '
            'scripts/bootstrap.py makes'
        )
    file = ('--params-file', str(spec.parameter_file)) if spec.parameter_file else ()
    of_ros = [*file, *spec.ros_arguments]
    ros_arguments = ['--ros-args', *of_ros] if of_ros else []
    module = f'{PACKAGE}.nodes.{spec.executable}'
    return [sys.executable, '-m', module, *spec.arguments, *ros_arguments]


def _is_stopped(child: int) -> bool:
    """Tell whether a child of this process has been stopped by a signal since the last time."""
    with suppress(ChildProcessError):
        return os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG) is not None
    return False


@contextmanager
def private_environment() -> Iterator[dict[str, str]]:
    """Environment of nodes that talk among themselves only, on this machine.

    Discovery stays on the local machine unless the environment says otherwise. The ROS domain is
    the one that the environment names, or another one while a run of ours is using that. Thread
    pools have one thread.
    """
    environment = dict(os.environ)
    environment.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    for pool in ('OMP', 'OPENBLAS', 'MKL', 'NUMEXPR', 'NUMBA'):
        environment.setdefault(f'{pool}_NUM_THREADS', '1')
    with _free_domain(environment.get('ROS_DOMAIN_ID', '')) as domain:
        yield {**environment, 'ROS_DOMAIN_ID': str(domain)}


@contextmanager
def _free_domain(preferred: str) -> Iterator[int]:
    """Hold a ROS domain, by a lock that would end with this process."""
    first = int(preferred) if preferred.isdigit() else os.getpid() % len(_DOMAINS) + 1
    for domain in (first, *_DOMAINS):
        lock = _lock(domain)
        if lock is not None:
            try:
                yield domain
            finally:
                os.close(lock)
            return
    raise InputError('all ROS domains of this machine are in use; set ROS_DOMAIN_ID')


def _lock(domain: int) -> int | None:
    """Return the descriptor of the locked file of a domain, None when it is held elsewhere."""
    path = Path(tempfile.gettempdir(), f'av_tracker_domain_{domain}.lock')
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
