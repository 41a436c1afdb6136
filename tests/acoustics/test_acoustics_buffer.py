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

from dataclasses import replace

import numpy as np
from acoustic_scenes import RATE, blocks, seconds
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.types import AudioBlock

SAMPLES = np.random.default_rng(0).normal(size=(RATE, 2)).astype(np.float32)


def filled(stream, held=2.0):
    audio = StampedAudio(2, RATE, held)
    for block in stream:
        audio.add(block)
    return audio


@settings(max_examples=30)
@given(size=st.integers(50, 3000), end=st.integers(1000, RATE))
def test_blocks_join_at_any_border(size, end):
    audio = filled(blocks(SAMPLES, size))
    samples, received = audio.read(end, 1000)
    assert received.all()
    np.testing.assert_array_equal(samples, SAMPLES[end - 1000 : end])


@settings(max_examples=20)
@given(order=st.permutations(range(10)))
def test_disorder_and_repeats_change_nothing(order):
    stream = blocks(SAMPLES[:1600], 160, start=seconds(10))
    start = stream[0]
    audio = filled([start, *(stream[n] for n in order), stream[order[0]]])
    samples, received = audio.read(1600, 1600)
    assert received.all()
    np.testing.assert_array_equal(samples, SAMPLES[:1600])
    assert audio.index_at(seconds(10.05)) == 800


def test_what_came_first_stays():
    stream = blocks(SAMPLES[:320], 160)
    audio = filled([*stream, replace(stream[0], samples=stream[0].samples + 1)])
    np.testing.assert_array_equal(audio.read(320, 320)[0], SAMPLES[:320])


def test_a_gap_reads_as_marked_zeros():
    stream = blocks(SAMPLES)
    audio = filled(stream[:10] + stream[13:])
    samples, received = audio.read(3200, 3200)
    missing = np.zeros(3200, bool)
    missing[1600:2080] = True
    np.testing.assert_array_equal(received, ~missing)
    assert not samples[missing].any()
    np.testing.assert_array_equal(samples[~missing], SAMPLES[:3200][~missing])


def test_values_that_are_not_finite_are_missing():
    broken = SAMPLES[:320].copy()
    broken[100:110] = np.nan
    broken[200:300, 1] = np.inf
    samples, received = filled(blocks(broken)).read(320, 320)
    assert not received[100:110].any()
    assert received.sum() == 310
    assert np.isfinite(samples).all()
    np.testing.assert_array_equal(samples[200:300, 0], SAMPLES[200:300, 0])
    assert not samples[200:300, 1].any()


def test_time_follows_the_stamps_of_the_blocks():
    # The clock of the sound card runs 100 ppm fast, and the stamps say so.
    stream = [
        AudioBlock(seconds(5 + 0.009999 * n), 160 * n, RATE, SAMPLES[160 * n : 160 * n + 160])
        for n in range(100)
    ]
    audio = filled(stream)
    assert audio.index_at(seconds(5 + 0.009999 * 90)) == 160 * 90
    assert audio.covers(seconds(5 + 0.9999))
    assert not audio.covers(seconds(5 + 1.001))


def test_an_empty_buffer_covers_nothing():
    assert not StampedAudio(2, RATE).covers(0)


def test_only_the_last_seconds_are_held():
    audio = filled(blocks(np.tile(SAMPLES, (3, 1))), held=1.0)
    _, received = audio.read(3 * RATE, 2 * RATE)
    assert not received[:RATE].any()
    assert received[RATE:].all()


def test_a_backward_jump_begins_anew():
    audio = filled(blocks(SAMPLES, start=seconds(20)))
    again = blocks(SAMPLES, start=seconds(19.2))[0]
    assert audio.add(again)
    assert audio.end == 160
    assert audio.index_at(seconds(19.2)) == 0


def test_a_counter_that_restarts_begins_anew():
    audio = filled(blocks(SAMPLES, start=seconds(20)))
    assert audio.add(blocks(SAMPLES, start=seconds(22))[0])
    assert audio.end == 160


def test_a_long_pause_of_the_clock_begins_anew():
    audio = filled(blocks(SAMPLES))
    far = AudioBlock(seconds(60), 60 * RATE, RATE, SAMPLES[:160])
    assert audio.add(far)
    assert audio.read(60 * RATE + 160, 160)[1].all()


def test_before_any_block_everything_reads_as_zeros_that_never_came():
    samples, received = StampedAudio(2, RATE).read(100, 50)
    assert samples.shape == (50, 2)
    assert not samples.any()
    assert not received.any()
