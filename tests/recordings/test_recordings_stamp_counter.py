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

import pickle

import pytest

from av_tracker_nodes.recordings.stamp_counter import StampCounter

STAMPS = [10**18 + k * 40_000_000 for k in range(100)]


def counter_of(stamps):
    counter = StampCounter()
    for stamp in stamps:
        counter.add(stamp)
    return counter


def test_each_stamp_counts_once():
    counter = counter_of([stamp for stamp in STAMPS for _ in range(2)])
    assert counter.count == 100
    assert counter.span == STAMPS[-1] - STAMPS[1]


def test_slight_disorder_is_no_jump():
    counter = counter_of([*STAMPS[:10], STAMPS[11], STAMPS[10], STAMPS[10], *STAMPS[12:]])
    assert counter.count == 100
    assert counter.span == STAMPS[-1] - STAMPS[1]


@pytest.mark.parametrize('passes', [1, 2, 3])
def test_a_stream_that_begins_again_counts_anew(passes):
    counter = counter_of(STAMPS * passes)
    assert counter.count == 100 * passes
    assert counter.span == passes * (STAMPS[-1] - STAMPS[0]) - 40_000_000


def test_other_streams_add_only_what_is_missing():
    counter = counter_of(STAMPS[:50] + STAMPS[51:])
    for stamp in STAMPS:
        counter.number(stamp)
    assert counter.count == 100
    assert counter.span == STAMPS[-1] - STAMPS[1]


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
