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

"""Many pieces of work in a few processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

import cv2

from av_tracker_nodes import InputError
from av_tracker_nodes.launching.parent_death import end_with

_THREAD_VARIABLES = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')


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
    context = multiprocessing.get_context('spawn')
    with (
        one_thread_each(),
        ProcessPoolExecutor(jobs, context, begin_worker, (os.getpid(),)) as pool,
    ):
        running = {pool.submit(function, *arguments): key for key, arguments in tasks.items()}
        try:
            for job in as_completed(running):
                yield running[job], job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def begin_worker(parent: int) -> None:
    """Work with one thread, no longer than the process that has started this one."""
    end_with(parent)
    cv2.setNumThreads(1)


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
