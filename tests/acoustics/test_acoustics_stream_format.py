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

"""Sound of any rate, whatever the description of the array says, and changes in mid-stream."""

from dataclasses import replace
from math import gcd

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    angle_between,
    blocks,
    frame_at,
    meeting_rig,
    person,
    propagate,
    seconds,
    two_circles,
)
from scipy.signal import resample_poly

from av_tracker_nodes.acoustics.beamformer import Beamformer
from av_tracker_nodes.acoustics.stage import AcousticStage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.types import NANOSECONDS, AudioBlock

RATES = [8_000, 16_000, 22_050, 44_100, 48_000, 96_000]
PLACE = np.array([0.7, 0.3, 0.6])
ARRAY = two_circles()
LONGEST = 2.0


def spoken(rate, place=PLACE, length=LONGEST):
    """Somebody who talks at a place, as the microphones hear it at a rate."""
    speech = person(length, seed=3)
    common = gcd(rate, RATE)
    return propagate(
        [(place, resample_poly(speech, rate // common, RATE // common))],
        replace(ARRAY, rate=rate),
        noise=1e-4,
    )


def hear(stage, samples, rate, start=0.0, first=0):
    size = rate // 100
    return [
        stage.add(
            AudioBlock(
                seconds(start) + begin * NANOSECONDS // rate,
                first + begin,
                rate,
                samples[begin : begin + size],
            )
        )
        for begin in range(0, len(samples), size)
    ]


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
