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

"""The order and the number of messages by their stamps."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.recordings.bag.order import Order, StreamTimes, in_order
from av_tracker_nodes.recordings.stamp_counter import StampCounter

MS = 1_000_000


def stream(period, count, delay, start=10_000 * MS):
    """Times of a stream of a period, delayed (ms)."""
    stamps = start + np.arange(count) * period * MS
    return StreamTimes(stamps, stamps + delay * MS, 0)


def test_a_late_stream_is_put_in_its_place():
    images, sound = stream(40, 50, 500), stream(10, 200, 0)
    order = Order.of([images, sound])
    assert order.lateness == 500 * MS
    assert order.time(int(images.logged[3]), int(images.stamps[3])) == images.stamps[3]


def test_punctual_streams_stay_as_they_are_logged():
    assert Order.of([stream(40, 50, 30), stream(10, 200, 0)]) == Order()


def test_the_log_may_have_a_clock_of_its_own():
    far = 10**9
    order = Order.of([stream(40, 50, far + 2000), stream(10, 200, far)])
    assert (order.delay, order.lateness) == (far * MS, 2000 * MS)


@pytest.mark.parametrize(
    'streams',
    [
        [],
        [stream(40, 50, 3_600_000), stream(10, 200, 0)],
        [stream(0, 50, 0, start=0), stream(10, 200, 0)],
        [
            StreamTimes(np.array([5, 6, 1, 2]) * 1000 * MS, np.array([5, 6, 7, 8]) * 1000 * MS),
            stream(10, 200, 0),
        ],
    ],
    ids=['nothing', 'an hour apart', 'stamps of zero', 'a clock that falls back'],
)
def test_stamps_that_are_not_to_be_trusted_change_nothing(streams):
    assert Order.of(streams) == Order()


def test_blocks_of_sound_end_with_the_next_one():
    stamps = [0, 10 * MS, 20 * MS]
    logged = [10 * MS, 20 * MS, 30 * MS]
    times = StreamTimes.of(stamps, logged, lasts=True)
    assert times.span == 10 * MS
    np.testing.assert_array_equal(times.delays, 0)


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 300)), max_size=40))
def test_messages_come_sorted_and_none_is_lost(pairs):
    """Log times are those of the stamps and up to `lateness` later."""
    messages = sorted((stamp + late, stamp, k) for k, (stamp, late) in enumerate(pairs))
    sorted_ = [m for _, m in in_order(messages, lambda m: (m[0], m[1]), 300)]
    assert sorted(sorted_) == messages
    assert [m[1] for m in sorted_] == sorted(m[1] for m in messages)


# ---- how many images there were, by their stamps


STAMPS = [10**18 + k * 40_000_000 for k in range(100)]
SPAN = STAMPS[-1] - STAMPS[1]


def counter_of(stamps):
    counter = StampCounter()
    for stamp in stamps:
        counter.add(stamp)
    return counter


@pytest.mark.parametrize(
    ('stamps', 'count', 'span'),
    [
        ([stamp for stamp in STAMPS for _ in range(2)], 100, SPAN),
        ([*STAMPS[:10], STAMPS[11], STAMPS[10], STAMPS[10], *STAMPS[12:]], 100, SPAN),
        *((STAMPS * k, 100 * k, k * (STAMPS[-1] - STAMPS[0]) - 40_000_000) for k in (1, 2, 3)),
    ],
    ids=['each counts once', 'slight disorder is no jump', 'a stream', 'again', 'and again'],
)
def test_stamps_are_counted(stamps, count, span):
    counter = counter_of(stamps)
    assert (counter.count, counter.span) == (count, span)


def test_other_streams_add_only_what_is_missing():
    counter = counter_of(STAMPS[:50] + STAMPS[51:])
    for stamp in STAMPS:
        counter.number(stamp)
    assert (counter.count, counter.span) == (100, SPAN)


def test_stamps_are_numbered_as_they_came_whoever_asks_for_which():
    counter = counter_of(STAMPS)
    assert [counter.number(stamp) for stamp in STAMPS[::3]] == list(range(0, 100, 3))
    assert counter.count == 100
    assert counter.number(STAMPS[-1] + 40_000_000) == 100
    assert counter.count == 101


def test_numbers_go_on_where_a_stream_begins_again():
    counter = counter_of(STAMPS * 2)
    assert [counter.number(stamp) for stamp in STAMPS] == list(range(100, 200))


def test_memory_is_bounded():
    counter = counter_of(range(0, 10**6, 40))
    assert counter.count == 25_000
    assert len(pickle.dumps(counter)) < 1500 * 10


@pytest.mark.parametrize('told_first', [False, True], ids=['in order', 'by another stream first'])
@pytest.mark.parametrize('away', [0, 7])
def test_what_came_while_nobody_counted_is_estimated_by_the_usual_time(told_first, away):
    before, after = STAMPS[:20], STAMPS[20 + away :]
    counter = StampCounter.resumed(counter_of(before).as_json(), estimates=True)
    if told_first:
        for stamp in after:
            counter.number(stamp)
    for stamp in (*before[10:], *after):
        counter.add(stamp)
    assert (counter.count, counter.missed) == (100, away)
