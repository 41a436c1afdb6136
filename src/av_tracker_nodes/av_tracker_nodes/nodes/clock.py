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

"""ROS time between the messages on ``/clock``, input that has stopped in it, and steady time."""

from __future__ import annotations

import time
from collections import deque

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from av_tracker_nodes.types import NANOSECONDS

_MEMORY = 10.0
_RECENT = 0.3
_SHORTEST_FIT = 0.2


class InterpolatedClock:
    """A clock that runs on between ticks, so that latencies finer than a tick can be measured.

    A tick arrives late by the time that it travelled. Of the last ticks the one that says the
    latest time was the least delayed; the clock runs on from it, at the rate of the ticks. A tick
    that is not later than the one before it means that time stands still or has jumped: the clock
    begins anew.

    Attributes
    ----------
    stands_still : bool
        The last two ticks said the same time.
    """

    def __init__(self) -> None:
        self.stands_still = False
        self._ticks: deque[tuple[int, int]] = deque()

    def tick(self, stamp: int, steady: int) -> None:
        """Take a time (ns) that was received at a steady time (ns)."""
        self.stands_still = bool(self._ticks) and stamp == self._ticks[-1][0]
        if self._ticks and stamp <= self._ticks[-1][0]:
            self._ticks.clear()
        self._ticks.append((stamp, steady))
        while steady - self._ticks[0][1] > _MEMORY * NANOSECONDS:
            self._ticks.popleft()

    def at(self, steady: int) -> int | None:
        """Return the time (ns) at a steady time (ns), None before the first tick."""
        if not self._ticks:
            return None
        rate = self._rate()
        newest = self._ticks[-1][1]
        latest = None
        for stamp, received in reversed(self._ticks):
            if newest - received > _RECENT * NANOSECONDS:
                break
            now = stamp + round(rate * (steady - received))
            latest = now if latest is None else max(latest, now)
        return latest

    def _rate(self) -> float:
        (first, received_first), (last, received_last) = self._ticks[0], self._ticks[-1]
        elapsed = received_last - received_first
        if elapsed < _SHORTEST_FIT * NANOSECONDS:
            return 1.0
        return (last - first) / elapsed


class RosClock:
    """The time of a node: wall time, or under ``use_sim_time`` the interpolated ``/clock``."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._simulated = node.get_parameter('use_sim_time').value
        self._interpolated = InterpolatedClock()
        if self._simulated:
            quality = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            node.create_subscription(Clock, '/clock', self._tick, quality)

    def now(self) -> int | None:
        """Return the time (ns), None before the first tick of a simulated clock."""
        if self._simulated:
            return self._interpolated.at(time.monotonic_ns())
        return self._node.get_clock().now().nanoseconds

    @property
    def stands_still(self) -> bool:
        """Whether a simulated clock is held, as that of a replay which is paused."""
        return self._interpolated.stands_still

    def _tick(self, message: Clock) -> None:
        stamp = message.clock.sec * NANOSECONDS + message.clock.nanosec
        self._interpolated.tick(stamp, time.monotonic_ns())


class InputWatch:
    """Tells that input has stopped; while the clock stands still, as in a pause, it has not.

    Parameters
    ----------
    clock : RosClock
    patience : float
        Input that does not come for so long (s) has stopped.
    """

    def __init__(self, clock: RosClock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self.note()

    def note(self) -> None:
        """Note that input has come."""
        self._noted = time.monotonic_ns()

    def has_stopped(self) -> bool:
        """Tell whether input has stopped; to be asked more often than the patience is long."""
        if self._clock.stands_still:
            self.note()
        return time.monotonic_ns() - self._noted > self._patience * NANOSECONDS


def elapsed_seconds(since: int) -> float:
    """Seconds of steady time since `since` (ns)."""
    return (time.monotonic_ns() - since) / NANOSECONDS
