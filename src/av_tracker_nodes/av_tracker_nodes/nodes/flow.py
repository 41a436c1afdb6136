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

"""How messages flow: how often and from whom they come, what is lost, when the last one came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from av_tracker_nodes.types import NANOSECONDS

_PERIODS = 10
_FORMER = 4
_LEAST_RETURNS = 2
"""A message may come late from a publisher that has died: once."""


class Growth:
    """How a count has grown over the last ten marks, which are set once a second.

    Parameters
    ----------
    clock : callable
        Steady time (s).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque([(clock(), 0)], maxlen=_PERIODS + 1)

    def mark(self, count: int) -> None:
        """Note the count as it is now."""
        self._marks.append((self._clock(), count))

    @property
    def total(self) -> int:
        """Growth from the oldest mark to the newest."""
        return self._marks[-1][1] - self._marks[0][1]

    @property
    def rate(self) -> float:
        """Growth a second."""
        seconds = self._marks[-1][0] - self._marks[0][0]
        return self.total / seconds if seconds > 0 else 0.0


class Flow:
    """The messages that come in on one topic.

    Parameters
    ----------
    topic : str
    is_needed : bool
        Whether nothing can be done without them.

    Attributes
    ----------
    lost : int
        Messages that were sent but never came, by the count of their publisher.
    returns : int
        How often messages of a publisher came after those of another one had come between.
    """

    def __init__(self, topic: str, is_needed: bool = False) -> None:
        self.topic, self.is_needed = topic, is_needed
        self.lost = self.returns = 0
        self._former: deque[object] = deque(maxlen=_FORMER)
        self._taken = 0
        self._number: tuple[object, int] | None = None
        self._newest: int | None = None
        self._taken_lately, self._lost_lately = Growth(), Growth()
        self._returned_lately = Growth()

    def note(self, now: int, number: int | None = None, publisher: object = None) -> None:
        """Take a message.

        Parameters
        ----------
        now : int
            ROS time (ns).
        number : int or None
            Count of its publisher, where the middleware tells it.
        publisher : object
            Which one that is.
        """
        self._taken += 1
        self._newest = now
        if number is None:
            return
        if self._number is not None:
            former, last = self._number
            if former == publisher:
                self.lost += max(number - last - 1, 0)
            else:
                self.returns += publisher in self._former
                self._former.append(former)
        self._number = publisher, number

    def mark(self) -> None:
        """End a period of a second."""
        self._taken_lately.mark(self._taken)
        self._lost_lately.mark(self.lost)
        self._returned_lately.mark(self.returns)

    @property
    def rivalry(self) -> str | None:
        """Say that two publish in turns, lately; one that replaces another does so once."""
        return self._rivals() if self._returned_lately.total >= _LEAST_RETURNS else None

    @property
    def former_rivalry(self) -> str | None:
        """Say that two have ever published in turns."""
        return self._rivals() if self.returns >= _LEAST_RETURNS else None

    @property
    def rate(self) -> float:
        """Messages a second, lately."""
        return self._taken_lately.rate

    @property
    def loss(self) -> float:
        """Share of the messages that was lost lately."""
        lost = self._lost_lately.total
        return lost / max(lost + self._taken_lately.total, 1)

    def silence(self, now: int) -> float:
        """Return the time (s) since the last message; 0 before the first one.

        A clock that has jumped back begins to count anew.
        """
        if self._newest is None:
            return 0.0
        self._newest = min(self._newest, now)
        return (now - self._newest) / NANOSECONDS

    def _rivals(self) -> str:
        return (
            f'two nodes publish {self.topic}: does another graph run in this namespace? Give one '
            'of them namespace:=NAME or another ROS_DOMAIN_ID'
        )
