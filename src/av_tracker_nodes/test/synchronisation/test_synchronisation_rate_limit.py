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

"""Which images of a fast camera are looked at."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.synchronisation import RateLimit
from av_tracker_nodes.synchronisation.durations import Durations
from av_tracker_nodes.types import JUMP, NANOSECONDS


def chosen(limit, stamps):
    return [k for k, stamp in enumerate(stamps) if limit.chooses(int(stamp))]


@pytest.mark.parametrize(
    ('images', 'rate', 'steps'),
    [
        (25, 30, {1}),
        (30, 30, {1}),
        (59.94, 30, {2}),
        (60, 30, {2}),
        (25, 12.5, {2}),
        (25, 20, {1, 2}),
        (60, 0, {1}),
    ],
)
def test_stamps_that_jitter_are_chosen_in_a_regular_pattern(images, rate, steps):
    jitter = np.random.default_rng(0).uniform(-0.002, 0.002, 600)
    stamps = NANOSECONDS * (1e9 + np.arange(600) / images + jitter)
    kept = chosen(RateLimit(rate), stamps)
    assert {later - earlier for earlier, later in pairwise(kept)} == steps


@given(st.lists(st.floats(0.0, 0.3), min_size=2, max_size=200), st.floats(1, 60))
def test_no_more_are_chosen_than_the_rate_allows(intervals, rate):
    stamps = NANOSECONDS * np.cumsum(intervals)
    kept = chosen(RateLimit(rate), stamps)
    seconds = (stamps[kept[-1]] - stamps[kept[0]]) / NANOSECONDS
    assert len(kept) - 1 <= rate * seconds + 0.25 + 1e-6


def test_what_another_has_chosen_sets_the_step():
    limit = RateLimit(10.0)
    limit.take(0)
    assert not limit.is_due(50_000_000)
    limit.take(50_000_000)
    assert not limit.is_due(100_000_000)
    assert limit.is_due(150_000_000)


def test_a_recording_that_begins_again_is_looked_at_from_its_beginning():
    limit = RateLimit(30.0)
    start = 10 * JUMP
    assert limit.chooses(start + 10 * JUMP)
    assert limit.chooses(start)


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
