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

"""Clocks of the nodes, what is told twice, and how long a player waits for answers."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.nodes.clock import InputWatch, InterpolatedClock
from av_tracker_nodes.nodes.handover import Handover
from av_tracker_nodes.nodes.unanswered import Unanswered
from av_tracker_nodes.types import to_nanoseconds

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


# ---- what a node that was started again tells again, and how long a player waits for answers


PERIOD = to_nanoseconds(0.04)


def taken(told):
    """Numbers of the images that are taken, of those that publishers tell of."""
    handover = Handover()
    return [k for publisher, k in told if not handover.is_known(publisher, k * PERIOD)]


@given(st.lists(st.tuples(st.integers(1, 80), st.integers(0, 60)), min_size=1, max_size=6))
def test_whoever_dies_and_tells_again_each_image_is_taken_once(lives):
    told, reached = [], 100
    for publisher, (length, again) in enumerate(lives):
        told += [(publisher, k) for k in range(reached - again, reached + length)]
        reached += length
    first = 100 - lives[0][1]
    assert taken(told) == list(range(first, reached))


def test_a_recording_that_begins_again_is_taken_again():
    assert taken([('a', k) for k in [*range(50), *range(50)]]) == [*range(50), *range(50)]


def test_another_recording_of_another_publisher_is_taken():
    told = [*(('a', k) for k in range(2000, 2010)), *(('b', k) for k in range(10))]
    assert taken(told) == [*range(2000, 2010), *range(10)]


def test_slight_disorder_is_taken():
    assert taken([('a', k) for k in (0, 1, 3, 2, 4)]) == [0, 1, 3, 2, 4]


def second(number):
    return to_nanoseconds(float(number))


class TestUnanswered:
    def test_nobody_is_behind_who_has_answered_all(self):
        images = Unanswered(second(0.5))
        for k in range(10):
            images.send(k, k * PERIOD)
            images.answer(k, k * PERIOD)
        assert not images.is_behind(second(100))
        assert (len(images), images.sent, images.lost()) == (0, 10, 0)

    def test_the_oldest_decides_who_is_behind(self):
        images = Unanswered(second(0.5))
        images.send(0, second(10))
        images.send(1, second(10.4))
        assert not images.is_behind(second(10.5))
        assert images.is_behind(second(10.51))

    def test_whatever_clock_has_set_the_stamps(self):
        images = Unanswered(second(0.5))
        images.send(second(1e9), second(10))
        assert not images.is_behind(second(10.2))

    def test_images_that_are_passed_over_are_lost_and_hold_nothing_up(self):
        images = Unanswered(second(0.5))
        for k in range(5):
            images.send(k, k * PERIOD)
        images.answer(3, 4 * PERIOD)
        assert not images.is_behind(second(0.6))
        images.answer(1, 4 * PERIOD)
        images.answer(4, 4 * PERIOD)
        assert images.lost() == 2
        assert images.lost() == 0

    def test_after_an_answer_the_player_waits_again(self):
        images = Unanswered(second(0.5))
        images.send(0, 0)
        images.give_up()
        assert not images.waits
        images.answer(0, second(0.1))
        assert images.waits
        images.send(1, second(1))
        assert images.is_behind(second(1.6))

    def test_answers_that_need_what_comes_later_are_not_waited_for_in_vain_twice(self):
        """Sound was logged 1.2 s after its images: they are answered that much later."""
        images, waited = Unanswered(second(0.5)), 0
        for k in range(200):
            now = k * PERIOD
            images.send(k, now)
            if images.waits and images.is_behind(now):
                waited += 1
                images.give_up()
            if k >= 30:
                images.answer(k - 30, now)
        assert waited == 1
