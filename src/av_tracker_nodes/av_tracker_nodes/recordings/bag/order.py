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

"""Messages of a bag in the order of their stamps, where that is safe.

A bag logs a message when it came. Pictures over a wireless link come late, but are rightly
stamped; in the order of stamps, what belongs together is together again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from av_tracker_nodes.types import to_nanoseconds

_PUNCTUAL = to_nanoseconds(0.1)
"""Messages that come within this time of each other (ns) are left in the order of the log."""
_LATEST = to_nanoseconds(10.0)
"""Stamps that differ by more from the time of the log (ns) are of another clock."""

Message = TypeVar('Message')


@dataclass(frozen=True)
class StreamTimes:
    """When the messages of one stream were taken, and when they were logged.

    Attributes
    ----------
    stamps, logged : np.ndarray, shape (n,), int
        Nanoseconds, in bag order.
    span : int
        How long each message lasts (ns): a block of sound ends so long after its stamp.
    """

    stamps: np.ndarray
    logged: np.ndarray
    span: int = 0

    @classmethod
    def of(cls, stamps: Sequence[int], logged: Sequence[int], lasts: bool = False) -> StreamTimes:
        """Make one of lists; messages that last go on until the next one."""
        stamps, logged = np.array(stamps, np.int64), np.array(logged, np.int64)
        steps = np.diff(stamps)
        span = int(np.median(steps)) if lasts and len(steps) else 0
        return cls(stamps, logged, max(span, 0))

    @property
    def delays(self) -> np.ndarray:
        """From the end of each message to its log time (ns), shape (n,)."""
        return self.logged - self.stamps - self.span


@dataclass(frozen=True)
class Order:
    """How stamps and log times of a bag belong together.

    Attributes
    ----------
    delay : int
        From the stamp to the log time of a message that was not late (ns): the difference of
        the clocks.
    lateness : int
        The longest time that a message came later (ns); 0 where the order of the log is kept.
    """

    delay: int = 0
    lateness: int = 0

    @classmethod
    def of(cls, streams: Iterable[StreamTimes]) -> Order:
        """Find the order of some streams: that of the log where stamps are not to be trusted."""
        streams = [stream for stream in streams if len(stream.stamps)]
        if not streams:
            return cls()
        delays = np.concatenate([stream.delays for stream in streams])
        lateness = int(delays.max() - delays.min())
        is_safe = lateness < _LATEST and all((np.diff(s.stamps) >= 0).all() for s in streams)
        if not is_safe or lateness <= _PUNCTUAL:
            return cls()
        return cls(int(delays.min()), lateness)

    def time(self, logged: int, end: int) -> int:
        """Return when a message would have come that was not late (ns).

        Parameters
        ----------
        logged, end : int
            Its log time, and its stamp or that of its last sample (ns).
        """
        if not self.lateness:
            return logged
        due = end + self.delay
        return due if logged - self.lateness <= due <= logged else logged


def in_order(
    messages: Iterable[Message], times: Callable[[Message], tuple[int, int]], lateness: int
) -> Iterator[tuple[int, Message]]:
    """Sort messages by time, as far ahead as they are late.

    Parameters
    ----------
    messages : iterable
        By their log times.
    times : callable
        Returns the log time and the time of a message (ns).
    lateness : int
        The longest from the time to the log time (ns).

    Yields
    ------
    tuple of int and message
        Times and messages; equal times stay in the order in which they came.
    """
    waiting: list[tuple[int, int, Message]] = []
    for number, message in enumerate(messages):
        logged, time = times(message)
        heapq.heappush(waiting, (time, number, message))
        while waiting and waiting[0][0] <= logged - lateness:
            time, _, first = heapq.heappop(waiting)
            yield time, first
    while waiting:
        time, _, first = heapq.heappop(waiting)
        yield time, first
