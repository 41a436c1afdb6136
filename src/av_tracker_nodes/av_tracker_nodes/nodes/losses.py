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

"""Lost samples as a problem that the diagnostics show for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

_SHOWN = 10.0


class RecentLoss:
    """Says what was lost while the last loss is less than 10 s old.

    Parameters
    ----------
    clock : callable
        Steady time (s).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lost, self._at = 0, -_SHOWN
        self._text: str | None = None

    def recent(self, lost: int) -> str | None:
        """Take the samples lost since the start; return what to show, None when all is well."""
        now = self._clock()
        if lost > self._lost:
            self._text = f'{lost - self._lost} samples lost ({lost} since the start)'
            self._lost, self._at = lost, now
        return self._text if now - self._at < _SHOWN else None
