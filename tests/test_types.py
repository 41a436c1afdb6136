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

"""What the stages say to each other holds together."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, samples_to_nanoseconds

RATES = 8_000, 16_000, 44_100, 48_000
HOURS = 3600 * 48_000 * 100


def block_at(stamp, first, rate, length):
    return AudioBlock(stamp, first, rate, np.zeros((length, 1), np.float32))


@given(
    rate=st.sampled_from(RATES),
    start=st.integers(0, 2**60),
    first=st.integers(0, HOURS),
    lengths=st.lists(st.integers(1, 5_000), min_size=2, max_size=20),
)
def test_blocks_that_follow_each_other_meet(rate, start, first, lengths):
    """Whatever their lengths, and however long the stream has gone on."""
    blocks = []
    for length in lengths:
        stamp = start + samples_to_nanoseconds(first, rate)
        blocks.append(block_at(stamp, first, rate, length))
        first += length
    for block, after in pairwise(blocks):
        assert block.end == after.stamp
        assert block.next_sample == after.first_sample
    assert sum(block.duration for block in blocks) == blocks[-1].end - blocks[0].stamp
    exact = start + Fraction(first * NANOSECONDS, rate)
    assert 0 <= exact - blocks[-1].end < 1


@given(
    rate=st.sampled_from(RATES),
    stamp=st.integers(0, 2**60),
    first=st.integers(0, HOURS),
    length=st.integers(1, 5_000),
)
def test_times_of_a_block_are_those_of_its_samples(rate, stamp, first, length):
    """To the nanosecond, whatever origin the stamp counts from."""
    block = block_at(stamp, first, rate, length)
    assert block.time_of(first) == stamp
    assert block.stamp <= block.last_stamp < block.end
    for sample, time in ((first + length, block.end), (first + length - 1, block.last_stamp)):
        assert abs(time - stamp - Fraction((sample - first) * NANOSECONDS, rate)) < 1
    assert block.duration == block.end - stamp


@pytest.mark.parametrize('rate', RATES)
def test_sound_that_is_cut_meets_over_hours(rate):
    """Blocks of a length that is no whole number of nanoseconds, at places over three hours."""
    length, hours = 997, 3
    chunk = np.zeros((length, 1), np.int8)
    count = hours * 3600 * rate // length // 50
    starts = range(0, 50 * count * length, count * length)
    for first in starts:
        blocks = list(cut_blocks([chunk] * 3, length, rate, 7, first))
        assert [block.end for block in blocks[:-1]] == [block.stamp for block in blocks[1:]]


def test_an_empty_block_takes_no_time():
    block = block_at(5, 441, 44_100, 0)
    assert (block.end, block.duration, block.next_sample) == (5, 0, 441)
