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

from av_tracker_nodes.types import JUMP

_RECENT = 1500
"""Stamps that are remembered: a minute at 25 Hz."""


class Tally:
    """Counts and numbers the stamps of a stream, each once.

    After a jump back, as in a replay that begins again, they count anew.

    Attributes
    ----------
    count : int
        Of the stamps.
    span : int
        Time (ns) from the second stamp to the last, jumps left out.
    """

    def __init__(self) -> None:
        self.count = self.span = 0
        self._newest = 0
        self._recent: dict[int, int] = {}

    def add(self, stamp: int) -> None:
        """Count a stamp (ns) of the stream."""
        if stamp < self._newest - JUMP:
            self._recent.clear()
            self._newest = stamp
        if self.count > 1:
            self.span += max(stamp - self._newest, 0)
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
