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

"""The last values of a stream, addressed by stamp."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Generic, TypeVar

from av_tracker_nodes.types import JUMP

Value = TypeVar('Value')


class StampedBuffer(Generic[Value]):
    """Values by stamp, in order, none older than `span` before the newest.

    Parameters
    ----------
    span : int
        How long values are kept (ns).
    """

    def __init__(self, span: int) -> None:
        self.span = span
        self._stamps: list[int] = []
        self._values: list[Value] = []

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def newest(self) -> int | None:
        """Stamp of the newest value (ns), None when there is none."""
        return self._stamps[-1] if self._stamps else None

    def add(self, stamp: int, value: Value) -> None:
        """Insert a value; one of the same stamp is replaced, a jump back clears the rest."""
        if self._stamps and stamp < self._stamps[-1] - JUMP:
            self.clear()
        index = bisect_left(self._stamps, stamp)
        if index < len(self._stamps) and self._stamps[index] == stamp:
            self._values[index] = value
            return
        self._stamps.insert(index, stamp)
        self._values.insert(index, value)
        expired = bisect_left(self._stamps, self._stamps[-1] - self.span)
        del self._stamps[:expired], self._values[:expired]

    def at(self, stamp: int) -> Value | None:
        """Return the value of exactly this stamp, None when there is none."""
        index = bisect_left(self._stamps, stamp)
        found = index < len(self._stamps) and self._stamps[index] == stamp
        return self._values[index] if found else None

    def around(self, stamp: int) -> tuple[tuple[int, Value] | None, tuple[int, Value] | None]:
        """Return the last item not after `stamp` and the first not before it, None for neither."""
        before = bisect_right(self._stamps, stamp) - 1
        after = bisect_left(self._stamps, stamp)
        return self._item(before), self._item(after)

    def between(self, start: int, end: int) -> list[tuple[int, Value]]:
        """Return the items with ``start <= stamp < end``, in order."""
        first, last = bisect_left(self._stamps, start), bisect_left(self._stamps, end)
        return list(zip(self._stamps[first:last], self._values[first:last], strict=True))

    def drop_until(self, stamp: int) -> None:
        """Forget the values up to a stamp, that one included."""
        gone = bisect_right(self._stamps, stamp)
        del self._stamps[:gone], self._values[:gone]

    def clear(self) -> None:
        """Forget everything."""
        self._stamps.clear()
        self._values.clear()

    def _item(self, index: int) -> tuple[int, Value] | None:
        if 0 <= index < len(self._stamps):
            return self._stamps[index], self._values[index]
        return None
