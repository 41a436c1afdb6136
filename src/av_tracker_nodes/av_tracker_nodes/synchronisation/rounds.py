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

"""Streams whose stamps jump back together, each at its own moment: a recording that loops."""

from __future__ import annotations

from enum import Enum, auto

from av_tracker_nodes.types import JUMP


class Arrival(Enum):
    """What a stamp says about the round of its stream."""

    GOES_ON = auto()
    """It belongs to the round that runs."""
    JUMPS_BACK = auto()
    """It is the first of a new round."""
    LEFT_OVER = auto()
    """It is from before the last jump, and comes after that."""


class Rounds:
    """Finds the first stamp after a jump back, and late data of other streams from before it.

    Attributes
    ----------
    newest : dict of str to int
        The newest stamp of each stream in this round (ns).
    """

    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self._before_jump: int | None = None

    @property
    def now(self) -> int | None:
        """*Stream time*: the newest stamp of any stream (ns), None before the first."""
        return max(self.newest.values(), default=None)

    def arrive(self, stream: str, stamp: int) -> Arrival:
        """Take a stamp (ns) of a stream."""
        if self._is_left_over(stamp):
            return Arrival.LEFT_OVER
        arrival = Arrival.GOES_ON
        if stamp < self.newest.get(stream, stamp) - JUMP:
            arrival = Arrival.JUMPS_BACK
            self._before_jump = self.now
            self.newest.clear()
        self.newest[stream] = max(stamp, self.newest.get(stream, stamp))
        return arrival

    def forget(self, stream: str | None = None) -> None:
        """Reset all streams, or one stream."""
        if stream is None:
            self.newest.clear()
        else:
            self.newest.pop(stream, None)
        self._before_jump = None

    def _is_left_over(self, stamp: int) -> bool:
        """Nearer to the time before the jump than to the time now, and not well beyond it."""
        now = self.now
        if self._before_jump is None or now is None:
            return False
        caught_up = now > self._before_jump - JUMP
        if caught_up or stamp > self._before_jump + JUMP:
            self._before_jump = None
            return False
        return abs(stamp - self._before_jump) < abs(stamp - now)
