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

"""Clocks of the nodes."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from av_tracker_nodes.nodes.clock import InputWatch, InterpolatedClock

MS = 1_000_000


class TestInterpolatedClock:
    def test_knows_nothing_before_the_first_tick(self):
        assert InterpolatedClock().at(5) is None

    def test_runs_on_between_ticks(self):
        clock = InterpolatedClock()
        clock.tick(1000 * MS, 50 * MS)
        assert clock.at(57 * MS) == 1007 * MS

    @pytest.mark.parametrize('rate', [0.5, 1.0, 4.0])
    def test_is_right_within_the_least_delay(self, rate):
        rng = np.random.default_rng(0)
        clock = InterpolatedClock()
        for k in range(200):
            steady = 20 * MS * k
            clock.tick(round(rate * steady), steady + round(MS * rng.exponential(1.0)))
        now = 20 * MS * 199 + 15 * MS
        assert clock.at(now) == pytest.approx(rate * now, abs=0.6 * MS * rate)

    def test_follows_a_jump_back(self):
        clock = InterpolatedClock()
        clock.tick(90_000 * MS, 0)
        clock.tick(10_000 * MS, 20 * MS)
        assert clock.at(25 * MS) == 10_005 * MS

    def test_stands_still_with_its_source(self):
        clock = InterpolatedClock()
        for k in range(10):
            clock.tick(20 * MS * k, 20 * MS * k)
        for k in range(10, 40):
            clock.tick(180 * MS, 20 * MS * k)
        assert abs(clock.at(780 * MS) - 180 * MS) <= 60 * MS
        assert clock.stands_still
        clock.tick(200 * MS, 800 * MS)
        assert not clock.stands_still


class TestInputWatch:
    @pytest.fixture
    def source(self, monkeypatch):
        source = SimpleNamespace(now=0.0, stands_still=False)
        monkeypatch.setattr(time, 'monotonic_ns', lambda: round(1e9 * source.now))
        return source

    def test_input_that_does_not_come_has_stopped(self, source):
        watch = InputWatch(source, patience=1.0)
        source.now = 0.9
        assert not watch.has_stopped()
        watch.note()
        source.now = 1.8
        assert not watch.has_stopped()
        source.now = 2.0
        assert watch.has_stopped()

    def test_it_may_take_as_long_after_a_pause_as_ever(self, source):
        watch = InputWatch(source, patience=1.0)
        source.stands_still = True
        source.now = 5.0
        assert not watch.has_stopped()
        source.stands_still = False
        source.now = 5.9
        assert not watch.has_stopped()
        source.now = 6.1
        assert watch.has_stopped()
