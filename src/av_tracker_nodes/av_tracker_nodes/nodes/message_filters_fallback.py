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

"""What we need of ``message_filters``, for where that package is missing (ROS from wheels).

Names, arguments and results are those of the package. In two places it is kinder: stamps that
jump back empty the queues, so that a recording which loops goes on matching; and an exception in
a callback leaves no lock behind. Messages without a header are not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

from rclpy.time import Time

from av_tracker_nodes.types import JUMP


class SimpleFilter:
    """Something that callbacks can be registered with."""

    def __init__(self) -> None:
        self.callbacks: dict[int, tuple[Callable, tuple]] = {}

    def registerCallback(self, cb: Callable, *args: Any) -> int:  # noqa: N802
        """Call `cb` with every output, followed by `args`."""
        connection = len(self.callbacks)
        self.callbacks[connection] = (cb, args)
        return connection

    def signalMessage(self, *msg: Any) -> None:  # noqa: N802
        """Hand an output on."""
        for callback, arguments in list(self.callbacks.values()):
            callback(*msg, *arguments)


class Cache(SimpleFilter):
    """The last `cache_size` messages, by time."""

    def __init__(self, f: SimpleFilter, cache_size: int = 1) -> None:
        super().__init__()
        self.cache_size = cache_size
        self._messages: list[tuple[Time, Any]] = []
        f.registerCallback(self.add)

    def add(self, msg: Any) -> None:
        """Take a message."""
        time = Time.from_msg(msg.header.stamp)
        if self._messages and time.nanoseconds < self._messages[-1][0].nanoseconds - JUMP:
            self._messages.clear()
        self._messages.append((time, msg))
        self._messages.sort(key=lambda item: item[0].nanoseconds)
        del self._messages[: -self.cache_size]
        self.signalMessage(msg)

    def getInterval(self, from_stamp: Time, to_stamp: Time) -> list:  # noqa: N802
        """Return the messages within an interval, its ends included."""
        return [msg for time, msg in self._messages if from_stamp <= time <= to_stamp]


class TimeSynchronizer(SimpleFilter):
    """Joins messages of exactly the same stamp, one of each input.

    Parameters
    ----------
    fs : sequence of SimpleFilter
    queue_size : int
        Messages of each input that wait for the others.
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int) -> None:
        super().__init__()
        self.queue_size = queue_size
        self.lock = RLock()
        self.queues: list[dict[int, Any]] = [{} for _ in fs]
        for index, (source, queue) in enumerate(zip(fs, self.queues, strict=True)):
            source.registerCallback(self.add, queue, index)

    def add(self, msg: Any, my_queue: dict[int, Any], my_queue_index: int) -> None:
        """Take a message of one input."""
        with self.lock:
            stamp = Time.from_msg(msg.header.stamp).nanoseconds
            if my_queue and stamp < max(my_queue) - JUMP:
                self._drop_before_jump(max(my_queue), stamp)
            my_queue[stamp] = msg
            while len(my_queue) > self.queue_size:
                del my_queue[min(my_queue)]
            self._match(stamp)

    def _drop_before_jump(self, newest: int, jumped_to: int) -> None:
        """Keep what is nearer to the stamp after the jump: one stream jumps before another."""
        for queue in self.queues:
            for stamp in [s for s in queue if abs(s - newest) < abs(s - jumped_to)]:
                del queue[stamp]

    def _match(self, stamp: int) -> None:
        if all(stamp in queue for queue in self.queues):
            self.signalMessage(*[queue.pop(stamp) for queue in self.queues])
