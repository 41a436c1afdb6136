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

"""Processes of nodes: run until a node has done its work, or they are told to end."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import rclpy
from rclpy.executors import Executor, ExternalShutdownException

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.executors import make_executor
from av_tracker_nodes.nodes.intra_process import IntraProcess
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.supervision import end_with_supervisor

LONGEST_END = 5.0
"""Seconds that a process may take to end once its nodes are closed."""
_LONGEST_WAIT = 0.1


def run(*factories: Callable[[], StageNode]) -> int:
    """Run nodes in this process until they end or are told to; return the exit status.

    Several nodes hand messages over to each other in memory. They take turns in one thread, but
    for those that have their own.
    """
    end_with_supervisor()
    # rclpy ends its context at Ctrl-C: the callback at work is finished, not interrupted, and a
    # second Ctrl-C, which ros2 launch sends, does not end the process amid its end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rclpy.init()
    nodes: list[StageNode] = []
    turns: list[tuple[Executor, list[StageNode]]] = [(make_executor(), [])]
    neighbours = IntraProcess() if len(factories) > 1 else None
    try:
        for factory in factories:
            node = factory()
            nodes.append(node)
            node.neighbours = neighbours
            if node.has_own_thread and neighbours is not None:
                turns.append((make_executor(), []))
            executor, taking_turns = turns[-1 if node.has_own_thread else 0]
            executor.add_node(node)
            taking_turns.append(node)
        _live(turns)
    except InputError as error:
        print(f'av_tracker: {error}', file=sys.stderr)
        return 2
    except ExternalShutdownException:
        pass
    except Exception:
        # Told to end, ROS fails wherever it is.
        if rclpy.ok():
            raise
    finally:
        for node in nodes:
            node.close()
        # Nothing of ours is open any more; a middleware that hangs must not hold the end up.
        faulthandler.dump_traceback_later(LONGEST_END, exit=True)
        with suppress(Exception):
            for executor, _ in turns:
                executor.shutdown()
        # Told to end once more while it does, the process still ends with its own status.
        rclpy.get_default_context().try_shutdown()
    return max((node.exit_status or 0 for node in nodes), default=0)


def _live(turns: Sequence[tuple[Executor, Sequence[StageNode]]]) -> None:
    """Start nodes and call their callbacks to the end, those of each executor in a thread."""
    nodes = [node for _, taking_turns in turns for node in taking_turns]
    ending = Event()

    def live(executor: Executor, taking_turns: Sequence[StageNode]) -> None:
        try:
            for node in taking_turns:
                if node.value('autostart'):
                    node.start()
            while rclpy.ok() and not (ending.is_set() or is_over(nodes)):
                executor.spin_once(timeout_sec=_LONGEST_WAIT)
        finally:
            ending.set()

    with ThreadPoolExecutor(max_workers=len(turns)) as pool:
        others = [pool.submit(live, *each) for each in turns[1:]]
        live(*turns[0])
    for other in others:
        other.result()


def is_over(nodes: Sequence[StageNode]) -> bool:
    """Tell whether a node has done its work, or all have been shut down."""
    done = any(node.exit_status is not None for node in nodes)
    return done or all(node.is_finalized for node in nodes)
