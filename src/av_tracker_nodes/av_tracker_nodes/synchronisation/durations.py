# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
