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

"""Counts images by their stamps, and numbers them, in little memory however long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from av_tracker_nodes.types import JUMP, TOLD_AGAIN

_RECENT = 1500
"""Stamps that are remembered: a minute at 25 Hz."""
_NOTED = 250
"""Of these, the newest are noted: more is not told again."""


class StampCounter:
    """Counts and numbers the stamps of a stream, each once.

    After a jump back, as in a replay that begins again, they count anew.

    Attributes
    ----------
    count : int
        Of the stamps.
    span : int
        Time (ns) from the second stamp to the last, jumps left out.
    missed : int
        Of the count: stamps that came while nobody counted, by the usual time between two.
    """

    def __init__(self) -> None:
        self.count = self.span = self.missed = 0
        self._newest = self._steps = 0
        self._recent: dict[int, int] = {}
        self._was_away = self._estimates = False

    def as_json(self) -> dict[str, Any]:
        """Return what :meth:`resumed` needs."""
        return {
            'count': self.count,
            'span': self.span,
            'missed': self.missed,
            'newest': self._newest,
            'steps': self._steps,
            'recent': list(self._recent.items())[-_NOTED:],
        }

    @classmethod
    def resumed(cls, noted: Mapping[str, Any], estimates: bool = False) -> StampCounter:
        """Go on where another one stopped; what it has counted may be told again.

        Parameters
        ----------
        noted : mapping
            What :meth:`as_json` returned.
        estimates : bool
            Count stamps that nobody tells of before the first new one, too.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is not what :meth:`as_json` returned.
        """
        counter = cls()
        counter.count, counter.span = int(noted['count']), int(noted['span'])
        counter.missed, counter._newest = int(noted['missed']), int(noted['newest'])
        counter._steps = int(noted['steps'])
        counter._recent = {int(stamp): int(number) for stamp, number in noted['recent']}
        counter._was_away, counter._estimates = counter.count > 0, estimates
        return counter

    def add(self, stamp: int) -> None:
        """Count a stamp (ns) of the stream."""
        if self._was_away:
            if -TOLD_AGAIN < stamp - self._newest <= 0:
                return
            self._was_away = False
            self._miss_until(stamp)
        if stamp < self._newest - JUMP:
            self._recent.clear()
            self._newest = stamp
        if self.count > 1:
            self.span += max(stamp - self._newest, 0)
            # Another stream may have numbered more of them before.
            self._steps += stamp > self._newest
        self._newest = max(stamp, self._newest)
        self.number(stamp)

    def number(self, stamp: int) -> int:
        """Tell how many stamps were counted before one (ns) that another stream tells of.

        It is counted too, unless it has been lately.
        """
        if stamp not in self._recent:
            self._recent[stamp] = self.count
            self.count += 1
            if len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]
        return self._recent[stamp]

    def _miss_until(self, stamp: int) -> None:
        """Count what nobody told of before the first stamp that is new."""
        if self._estimates and self._steps > 0:
            period = self.span / self._steps
            gap = max(round((stamp - self._newest) / period) - 1, 0)
            self.count += gap
            self.missed += gap
