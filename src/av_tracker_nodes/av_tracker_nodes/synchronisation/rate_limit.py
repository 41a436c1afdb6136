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

"""Images of which as many are looked at in a second as are worth it."""

from __future__ import annotations

from av_tracker_nodes.types import JUMP, NANOSECONDS

MAX_RATE = 30.0
"""People do not move so fast that more images a second were worth their cost."""

_EARLY = 0.25
"""Share of a period by which an image may come before it is due: stamps jitter."""


class RateLimit:
    """Chooses, of a stream of stamps, no more than `rate` a second on average.

    Parameters
    ----------
    rate : float
        A second; 0 for all.
    """

    def __init__(self, rate: float = MAX_RATE) -> None:
        self._due: int | None = None
        self.rate = rate

    @property
    def rate(self) -> float:
        """Stamps a second; 0 for all."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._rate = rate
        self._period = round(NANOSECONDS / rate) if rate else 0

    def is_due(self, stamp: int) -> bool:
        """Tell whether a stamp (ns) would be chosen."""
        if self._due is None or not self._period:
            return True
        jumped_back = stamp < self._due - self._period - JUMP
        return jumped_back or stamp >= self._due - _EARLY * self._period

    def take(self, stamp: int) -> None:
        """Note that a stamp (ns) was chosen, by whomever."""
        early = 0 if self._due is None else self._due - stamp
        is_in_step = 0 < early <= _EARLY * self._period
        self._due = (self._due if is_in_step else stamp) + self._period

    def chooses(self, stamp: int) -> bool:
        """Choose a stamp (ns), or leave it out."""
        is_due = self.is_due(stamp)
        if is_due:
            self.take(stamp)
        return is_due
