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

"""Many pieces of work in a few processes, which end with the one that wants them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

import cv2

from av_tracker_nodes import InputError
from av_tracker_nodes.launching.parent_death import end_with

Submit = Callable[..., Future]

_THREAD_VARIABLES = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')
_PATIENCE = 2.0
"""Seconds in which a worker that was told to end may remove what it has half written."""
_TERMINATED = 128 + signal.SIGTERM
"""Exit status of a worker that was told to end."""


def in_processes(
    function: Callable, tasks: Mapping[Hashable, tuple], jobs: int
) -> Iterator[tuple[Any, Any]]:
    """Call a function for each of many tasks.

    Parameters
    ----------
    function : callable
        Importable by other processes.
    tasks : mapping of key to tuple
        Arguments; those that come first are begun first.
    jobs : int
        Processes, each with one thread; 1 calls in this one.

    Yields
    ------
    key, result
        As they end. An exception stops all.
    """
    if jobs == 1:
        for key, arguments in tasks.items():
            yield key, function(*arguments)
        return
    with workers(jobs) as submit:
        running = {submit(function, *arguments): key for key, arguments in tasks.items()}
        for job in as_completed(running):
            yield running[job], job.result()


def all_in_processes(
    function: Callable,
    tasks: Mapping[Hashable, tuple],
    jobs: int,
    progress: Callable[[float], None],
) -> dict[Any, Any]:
    """Call a function for each of many tasks; see `in_processes`.

    Returns
    -------
    dict
        Results by key, in the order of the tasks; `progress` is told the share done, 0..1.
    """
    results = {}
    for key, result in in_processes(function, tasks, jobs):
        results[key] = result
        progress(len(results) / len(tasks))
    return {key: results[key] for key in tasks}


@contextmanager
def workers(
    count: int, begin: Callable[..., None] | None = None, *arguments: Any
) -> Iterator[Submit]:
    """Have processes of one thread each, until all that was submitted is done.

    When the block is left by an exception, as by Ctrl-C, they are told to end: what they are at
    raises SystemExit, and they are killed where that takes long.

    Parameters
    ----------
    count : int
    begin : callable, optional
        Called in each of them, with `arguments`.

    Yields
    ------
    callable
        Takes a function and its arguments, returns the future of its result.
    """
    context = multiprocessing.get_context('spawn')
    others = multiprocessing.active_children()
    initial = (os.getpid(), begin, *arguments)
    with ProcessPoolExecutor(count, context, _begin_worker, initial) as pool, one_thread_each():

        def submit(function: Callable, *arguments: Any) -> Future:
            with _without_interrupts():
                return pool.submit(_call, function, *arguments)

        try:
            yield submit
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end(set(multiprocessing.active_children()).difference(others))
            raise


def _end(processes: Iterable[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(deadline - time.monotonic(), 0.0))
        process.kill()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: this one ends them.

    They inherit which signals are blocked; here the signal comes afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(parent: int, begin: Callable[..., None] | None, *arguments: Any) -> None:
    """Work with one thread, no longer than the process that has started this one."""
    signal.signal(signal.SIGTERM, _leave)
    end_with(parent)
    cv2.setNumThreads(1)
    if begin is not None:
        begin(*arguments)


def _leave(*_: object) -> None:
    # Told once more, it goes on removing what it has half written.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(_TERMINATED)


def _call(function: Callable, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except SystemExit:
        # To the pool it would be a result, after which the worker began the next task.
        os._exit(_TERMINATED)


def or_input_error(function: Callable, *arguments: Any) -> Any:
    """Call a function; return the InputError that it raises, so that one does not stop all."""
    try:
        return function(*arguments)
    except InputError as error:
        return error


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let processes started inside use one thread for linear algebra."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, '1'))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
