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

"""Blocks of sound: of any rate, whatever the description of the array says, in any order."""

from dataclasses import replace
from math import gcd

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    angle_between,
    blocks,
    fed,
    frame_at,
    meeting_rig,
    person,
    propagate,
    seconds,
    two_circles,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from av_tracker_nodes.acoustics.beamformer import Beamformer
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.stage import AcousticStage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.types import AudioBlock

SAMPLES = np.random.default_rng(0).normal(size=(RATE, 2)).astype(np.float32)


def filled(stream, held=2.0):
    return fed(StampedAudio(2, RATE, held), stream)


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


# ---- rates and channels, and changes in mid-stream


RATES = [8_000, 16_000, 22_050, 44_100, 48_000, 96_000]
PLACE = np.array([0.7, 0.3, 0.6])
ARRAY = two_circles()
LONGEST = 2.0


def spoken(rate, place=PLACE, length=LONGEST):
    """Somebody who talks at a place, as the microphones hear it at a rate."""
    common = gcd(rate, RATE)
    speech = resample_poly(person(length, seed=3), rate // common, RATE // common)
    return propagate([(place, speech)], replace(ARRAY, rate=rate), noise=1e-4)


def hear(stage, samples, rate, start=0.0, first=0):
    stream = blocks(samples, rate // 100, seconds(start), rate)
    return [stage.add(replace(each, first_sample=first + each.first_sample)) for each in stream]


def direction_of_loudest(sound):
    return max(sound.peaks, key=lambda peak: peak.score).direction


@pytest.mark.thorough
@pytest.mark.parametrize('rate', RATES)
def test_the_sound_says_its_rate(rate):
    """The array is described with 16 kHz throughout."""
    stage = AcousticStage(meeting_rig())
    hear(stage, spoken(rate), rate)
    sound = stage.process(frame_at(1.5))
    assert sound.coverage == 1
    towards = PLACE - ARRAY.positions.mean(axis=0)
    assert angle_between(direction_of_loudest(sound), towards) < 3
    assert max(peak.speech for peak in sound.peaks) > 0.5


@pytest.mark.parametrize('rate', [16_000, 44_100])
def test_a_description_of_that_rate_changes_nothing(rate):
    samples = spoken(rate, length=1.0)
    maps = []
    for described in (16_000, rate):
        stage = AcousticStage(meeting_rig(microphones=replace(ARRAY, rate=described)))
        hear(stage, samples, rate)
        maps.append(stage.process(frame_at(0.9)).values)
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize(
    ('rate', 'channels'), [(44_100, 16), (RATE, 18), (8_000, 18)], ids=['rate', 'channels', 'both']
)
def test_a_change_in_mid_stream_begins_anew(rate, channels):
    stage = AcousticStage(meeting_rig())
    hear(stage, spoken(RATE, length=1.0), RATE)
    after = spoken(rate, length=1.0)
    after = np.pad(after, ((0, 0), (0, channels - 16)))
    size = rate // 100
    with pytest.raises(InputError, match=f'changed from 16 channels at 16000 Hz to {channels}'):
        hear(stage, after[:size], rate, start=1.0)
    restarts = hear(stage, after[size:], rate, start=1.01, first=size)
    assert restarts[0]
    assert not any(restarts[1:])
    alone = AcousticStage(meeting_rig())
    hear(alone, after[size:], rate, start=1.01, first=size)
    np.testing.assert_array_equal(
        stage.process(frame_at(1.9)).values, alone.process(frame_at(1.9)).values
    )


@pytest.mark.parametrize(
    ('rate', 'shape'), [(RATE, (160, 17)), (48_000, (480, 16)), (RATE, (160, 3)), (0, (160, 16))]
)
def test_one_block_of_another_format_costs_itself_alone(rate, shape):
    samples = spoken(RATE, length=1.0)
    whole, disturbed = AcousticStage(meeting_rig()), AcousticStage(meeting_rig())
    for number, block in enumerate(blocks(samples)):
        whole.add(block)
        if number % 30 == 10:
            odd = np.ones(shape, np.float32)
            with pytest.raises(InputError):
                disturbed.add(AudioBlock(block.stamp, block.first_sample, rate, odd))
        assert not disturbed.add(block)
    np.testing.assert_array_equal(
        disturbed.process(frame_at(0.9)).values, whole.process(frame_at(0.9)).values
    )


@pytest.mark.parametrize('rate', [4_000, 1_000_000])
def test_absurd_rates_are_refused(rate):
    with pytest.raises(InputError, match=f'audio at {rate} Hz'):
        AcousticStage(meeting_rig()).add(AudioBlock(0, 0, rate, np.zeros((99, 16), np.float32)))


def test_another_geometry_hears_sound_of_the_same_rate():
    stage = AcousticStage(meeting_rig())
    samples = spoken(8_000, length=1.0)
    hear(stage, samples, 8_000)
    before = stage.process(frame_at(0.9)).values
    stage.set_rig(meeting_rig())
    np.testing.assert_array_equal(stage.process(frame_at(0.9)).values, before)


def test_beams_follow_the_rate_of_the_sound():
    beamformer = Beamformer(ARRAY)
    for rate in (16_000, 48_000):
        samples = spoken(rate, length=0.5)
        rates = set()
        for block in blocks(samples, rate // 100, rate=rate):
            try:
                beams = beamformer.process(block, {1: PLACE})
            except InputError:
                continue
            rates |= {beam.rate for _, beam in beams}
        assert rates == {rate}
