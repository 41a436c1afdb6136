# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Processor time and memory of the processes that this one has started."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from av_tracker_nodes.shipped import PACKAGE

_PERIOD = 0.5
_MEBIBYTE = 2**20


@dataclass
class Usage:
    """What processes have used, by the name of their module.

    Attributes
    ----------
    seconds : dict of str to float
        Processor time.
    memory : dict of str to float
        Most memory at any time (MiB, resident).
    elapsed : float
        Time that was watched (s).
    """

    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0

    def summary(self) -> dict[str, float]:
        """Return flat figures: NAME_cpu_percent of one core, and NAME_mib."""
        cpu = {
            f'{name}_cpu_percent': round(100 * seconds / max(self.elapsed, 1e-9), 1)
            for name, seconds in self.seconds.items()
        }
        return cpu | {f'{name}_mib': round(most, 1) for name, most in self.memory.items()}


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
                times = process.cpu_times()
                usage.seconds[name] = times.user + times.system
                resident = process.memory_info().rss / _MEBIBYTE
                usage.memory[name] = max(usage.memory.get(name, 0.0), resident)


def _module(command: list[str]) -> str:
    """Name of the module of the package that a command runs; empty for others."""
    modules = [word for word in command if word.startswith(f'{PACKAGE}.nodes.')]
    return modules[0].rpartition('.')[2] if modules else ''
