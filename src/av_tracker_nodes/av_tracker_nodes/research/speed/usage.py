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

"""Processor time and memory of the processes that this one has started."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from av_tracker_nodes.models.shipped import PACKAGE

_PERIOD = 0.5
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Sample:
    """What a process holds at one time: memory (MiB, resident), threads, open handles."""

    memory: float
    threads: int
    handles: int


@dataclass
class Usage:
    """What processes have used, by the name of their module.

    Attributes
    ----------
    seconds : dict of str to float
        Processor time.
    samples : dict of str to list of Sample
        Taken at equal intervals.
    elapsed : float
        Time that was watched (s).
    """

    seconds: dict[str, float] = field(default_factory=dict)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    elapsed: float = 0.0

    def summary(self) -> dict[str, float]:
        """Return flat figures.

        Returns
        -------
        dict
            Of each process NAME_cpu_percent of one core; NAME_mib, the most memory at any time;
            and from the second quarter of the time to the last NAME_growth_percent of memory,
            NAME_new_threads and NAME_new_handles.
        """
        figures: dict[str, float] = {}
        for name, samples in self.samples.items():
            quarter = max(len(samples) // 4, 1)
            early, late = samples[-3 * quarter : -2 * quarter] or samples[:1], samples[-quarter:]
            memory, threads, handles = (
                (_middle(early, what), _middle(late, what))
                for what in ('memory', 'threads', 'handles')
            )
            figures |= {
                f'{name}_cpu_percent': round(100 * self.seconds[name] / self.elapsed, 1),
                f'{name}_mib': round(max(sample.memory for sample in samples), 1),
                f'{name}_growth_percent': round(100 * (memory[1] / memory[0] - 1), 2),
                f'{name}_new_threads': threads[1] - threads[0],
                f'{name}_new_handles': handles[1] - handles[0],
            }
        return figures


def _middle(samples: list[Sample], what: str) -> float:
    return statistics.median(getattr(sample, what) for sample in samples)


@contextmanager
def watched() -> Iterator[Usage]:
    """Watch the nodes that the body of a ``with`` statement starts."""
    usage, over, began = Usage(), threading.Event(), time.monotonic()

    def watch() -> None:
        while not over.wait(_PERIOD):
            _look(usage)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        over.set()
        thread.join()
        usage.elapsed = time.monotonic() - began


def _look(usage: Usage) -> None:
    for process in psutil.Process().children(recursive=True):
        # A process may end at any time.
        with suppress(psutil.Error):
            name = _module(process.cmdline())
            if name:
                with process.oneshot():
                    times, resident = process.cpu_times(), process.memory_info().rss
                    sample = Sample(resident / _MEBIBYTE, process.num_threads(), process.num_fds())
                usage.seconds[name] = times.user + times.system
                usage.samples.setdefault(name, []).append(sample)


def _module(command: list[str]) -> str:
    """Name of the module of the package that a command runs; empty for others."""
    modules = [word for word in command if word.startswith(f'{PACKAGE}.nodes.')]
    return modules[0].rpartition('.')[2] if modules else ''
