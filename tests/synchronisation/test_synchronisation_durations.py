# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest

from av_tracker_nodes.synchronisation.durations import Durations


def test_percentiles_in_milliseconds():
    durations = Durations()
    assert durations.summary() == {}
    for milliseconds in range(101):
        durations.add(milliseconds * 1_000_000)
    assert durations.summary() == {'median': 50.0, 'p95': 95.0, 'p99': 99.0}


def test_only_the_newest_count():
    durations = Durations()
    for milliseconds in np.repeat([80, 3], [20_000, 15_000]).tolist():
        durations.add(milliseconds * 1_000_000)
    assert durations.summary() == pytest.approx({'median': 3, 'p95': 3, 'p99': 3})
