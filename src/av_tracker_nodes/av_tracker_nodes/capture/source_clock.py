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

"""When an image was taken, by the time that its source wrote on it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_SAME_CLOCK = 1.0
"""A time no older than this (s) on one of our clocks was written by that clock."""
_MEMORY = 10.0
_JUMP = 1.0


class SourceClock:
    """Translates the times of one source to steady time, ``time.monotonic()``.

    The first time that a source writes tells its clock: the wall clock or the steady clock of
    this machine (V4L2 drivers, servers on the same computer, cameras with a common time server),
    or one of its own. Times of the former are taken as they are. Of the latter only differences
    mean something: the image that travelled fastest in the last 10 s is taken to have travelled
    for no time, so that what the others were delayed is made up for.

    Parameters
    ----------
    wall, steady : callable
        The clocks of this machine (s).
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._steady = steady
        self._known = (steady, wall)
        self._clock: Callable[[], float] | None = None
        self._delays: deque[tuple[float, float]] = deque()

    def steady_time(self, written: float) -> float:
        """Return the steady time (s) of a time (s) that the source wrote, never in the future."""
        now = self._steady()
        if self._clock is None and not self._delays:
            self._clock = next(
                (clock for clock in self._known if 0 <= clock() - written < _SAME_CLOCK), None
            )
        if self._clock is not None:
            return now - max(self._clock() - written, 0.0)
        return now - self._lateness(now, now - written)

    def _lateness(self, now: float, delay: float) -> float:
        """Return how much later (s) than the fastest of the last images one came."""
        if self._delays and abs(delay - self._delays[-1][1]) > _JUMP:
            self._delays.clear()
        self._delays.append((now, delay))
        while now - self._delays[0][0] > _MEMORY:
            self._delays.popleft()
        return delay - min(delay for _, delay in self._delays)
