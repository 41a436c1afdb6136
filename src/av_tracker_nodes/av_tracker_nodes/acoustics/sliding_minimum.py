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

"""Minimum over the last items of a stream."""

from __future__ import annotations

from collections import deque

import numpy as np


class SlidingMinimum:
    """Minimum, element by element, of the arrays that came lately.

    Two stacks make a queue: the newer items have one running minimum, the older ones that of each
    with all that are newer among them. An item costs three comparisons, however many there are.
    """

    def __init__(self) -> None:
        self._older: list[tuple[int, np.ndarray]] = []
        self._newer: deque[tuple[int, np.ndarray]] = deque()
        self._newest: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    def add(self, at: int, values: np.ndarray) -> None:
        """Add an array (n,) that came at an instant, later than all before."""
        self._newer.append((at, values))
        self._newest = values if self._newest is None else np.minimum(self._newest, values)

    def drop(self, until: int) -> None:
        """Drop what came at an instant or before."""
        while self._older or self._newer:
            if not self._older:
                self._turn_over()
            if self._older[-1][0] > until:
                return
            self._older.pop()

    @property
    def minimum(self) -> np.ndarray | None:
        """Minimum (n,) of all that is there; None of nothing."""
        if not self._older:
            return self._newest
        oldest = self._older[-1][1]
        return oldest if self._newest is None else np.minimum(oldest, self._newest)

    def _turn_over(self) -> None:
        least: np.ndarray | None = None
        while self._newer:
            at, values = self._newer.pop()
            least = values if least is None else np.minimum(least, values)
            self._older.append((at, least))
        self._newest = None
