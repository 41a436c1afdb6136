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

"""How long things take."""

from __future__ import annotations

from collections import deque

import numpy as np

_KEPT = 15_000
"""Ten minutes at 25 Hz: what ran well for days must not hide what is slow now."""


class Durations:
    """The newest durations and their percentiles."""

    def __init__(self) -> None:
        self._milliseconds: deque[float] = deque(maxlen=_KEPT)

    def add(self, nanoseconds: int) -> None:
        """Take a duration (ns)."""
        self._milliseconds.append(nanoseconds / 1e6)

    def summary(self) -> dict[str, float]:
        """Return median, p95 and p99 (ms); empty without any duration."""
        if not self._milliseconds:
            return {}
        values = np.percentile(self._milliseconds, (50, 95, 99)).round(3).tolist()
        return dict(zip(('median', 'p95', 'p99'), values, strict=True))
