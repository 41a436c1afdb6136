# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Many pieces of work in a few processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.simulation.simulate import one_thread_each


def in_processes(
    function: Callable, tasks: Mapping[Hashable, tuple], jobs: int
) -> Iterator[tuple[Any, Any]]:
    """Call a function for each of many tasks.

    Parameters
    ----------
    function : callable
        Importable by other processes.
    tasks : mapping of key to tuple
        Arguments.
    jobs : int
        Processes, each with one thread for linear algebra; 1 calls in this one.

    Yields
    ------
    key, result
        As they end. An :class:`~av_tracker_nodes.errors.InputError` is a result; any other
        exception stops all.
    """
    if jobs == 1:
        for key, arguments in tasks.items():
            yield key, _outcome(lambda arguments=arguments: function(*arguments))
        return
    context = multiprocessing.get_context('spawn')
    with one_thread_each(), ProcessPoolExecutor(jobs, context) as pool:
        running = {pool.submit(function, *arguments): key for key, arguments in tasks.items()}
        try:
            for job in as_completed(running):
                yield running[job], _outcome(job.result)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except InputError as error:
        return error
