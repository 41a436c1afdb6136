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

"""How late a stream comes, by its stamps, and how long it is worth waiting for it."""

from __future__ import annotations

from av_tracker_nodes.types import to_nanoseconds

MAX_LATENESS = 2.0
"""Streams are waited for if they are no later than this (s), unless somebody says otherwise."""

LONGEST_LATENESS = 5.0
"""More than this (s) cannot be waited for: what is heard is kept for so long."""

MARGIN = 1.25

LONGEST_WAIT = to_nanoseconds(MARGIN * LONGEST_LATENESS)
"""Nobody waits longer for what is late (ns)."""

_HALF_LIFE = to_nanoseconds(30.0)


class Lateness:
    """The most that a stream was late, of late.

    A stamp is as late as it is behind stream time, the newest stamp of any stream, when it comes.
    The measure goes up at once and is halved every 30 s of stream time: a wireless link that
    stalls now and then is still waited for at its next stall.

    Parameters
    ----------
    limit : int
        The longest that is waited for (ns). What is later by more than a quarter does not count:
        to wait for it for less would be in vain.

    Attributes
    ----------
    limit : int
        May be changed.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._most, self._at = 0.0, 0

    def note(self, behind: int, now: int) -> None:
        """Note how far behind (ns) stream time `now` (ns) something was when it came."""
        counts = behind <= MARGIN * self.limit
        self._most = max(self._most_at(now), behind if counts else 0)
        self._at = now

    def wait(self, now: int) -> int:
        """Tell how far behind stream time `now` (ns) the stream may yet come (ns).

        It is a quarter more than was measured, as links are irregular.
        """
        return int(MARGIN * min(self._most_at(now), self.limit))

    def _most_at(self, now: int) -> float:
        # Stream time that has jumped back counts as none.
        return self._most * 0.5 ** (max(now - self._at, 0) / _HALF_LIFE)
