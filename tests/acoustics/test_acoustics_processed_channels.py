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

"""Channels that are described as microphones but are something else."""

import numpy as np
import pytest
from acoustic_scenes import fed
from builders import square
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from av_tracker_nodes.acoustics import AcousticStage
from av_tracker_nodes.acoustics.channels import dead_channels
from av_tracker_nodes.acoustics.processed_channels import ChannelRelations, processed_channels
from av_tracker_nodes.geometry import MicrophoneArray

RATE, SPEED = 16_000, 343.0
SQUARE = square(0.0323)


def hear(array, directions=2, seconds=5.0, noise=0.3, seed=0):
    """Noise from several directions at once, each with an echo, over noise of the channels."""
    rng = np.random.default_rng(seed)
    rate, count = array.rate, round(seconds * array.rate)
    frequency = np.fft.rfftfreq(count, 1 / rate)
    total = noise * rng.normal(size=(len(array.positions), count))
    for _ in range(directions):
        source = np.fft.rfft(rng.normal(size=count))
        for gain, lateness in ((1.0, 0.0), (0.5, 0.006)):
            towards = rng.normal(size=3)
            towards /= np.linalg.norm(towards)
            delays = lateness - array.positions @ towards / SPEED
            turned = source * np.exp(-2j * np.pi * frequency * delays[:, None])
            total += gain * np.fft.irfft(turned, count)
    return (0.03 * total.T).astype(np.float32)


def late(channel, seconds, rate=RATE):
    return np.roll(channel, round(seconds * rate))


def cleaned(channel):
    """What cards do to speech: a filter, and a gain that follows the level."""
    filtered = sosfilt(butter(2, 300, 'high', fs=RATE, output='sos'), channel)
    return np.tanh(filtered / np.sqrt((filtered**2).mean()))


UNRELATED = 0.03 * np.random.default_rng(9).normal(size=5 * RATE)


@pytest.mark.parametrize(
    ('first', 'reason'),
    [
        (lambda sound: late(sound.mean(axis=1), 0.15), 'comes 150 ms after the others'),
        (lambda sound: late(cleaned(sound.mean(axis=1)), 0.03), 'comes 30 ms after the others'),
        (lambda sound: late(sound[:, 1], 0.008), 'comes 8 ms after the others'),
        (lambda sound: late(cleaned(sound[:, 3]), -0.06), 'comes 60 ms before the others'),
        (lambda sound: UNRELATED, 'has nothing in common'),
        (lambda sound: 0.9 * sound[:, 2], 'is a copy of channel 2'),
        (lambda sound: -0.2 * sound[:, 2], 'is a copy of channel 2'),
        (lambda sound: sound[:, 1:].mean(axis=1), 'is a mixture of channels 1, 2, 3'),
    ],
)
def test_the_channel_is_named(first, reason):
    sound = hear(SQUARE)
    sound[:, 0] = first(sound)
    (found,) = processed_channels(sound, SQUARE).items()
    assert found[0] == 0
    assert reason in found[1]


def test_it_is_named_by_its_number_on_the_card():
    sound = np.column_stack([np.zeros((5 * RATE, 2)), hear(SQUARE)])
    sound[:, 4] = late(sound[:, 3], 0.05)
    array = MicrophoneArray(SQUARE.positions, channels=np.array([3, 2, 5, 4]))
    assert list(processed_channels(sound, array)) == [4]


def test_samples_that_are_no_numbers_hide_nothing():
    sound = hear(SQUARE)
    sound[:, 0] = late(sound[:, 1], 0.05)
    sound[::8000, 2], sound[4000, 1] = np.nan, np.inf
    assert list(processed_channels(sound, SQUARE)) == [0]


def test_the_acoustic_stage_names_it():
    sound = hear(SQUARE)
    stages = [AcousticStage(SQUARE) for _ in range(2)]
    for stage, delay in zip(stages, (0.0, 0.05), strict=True):
        sound[:, 0] = late(sound[:, 0], delay)
        fed(stage, sound, 1600)
    assert [list(stage.intruders()) for stage in stages] == [[], [0]]


def test_several_are_named():
    sound = hear(SQUARE)
    sound[:, 3], sound[:, 1] = late(cleaned(sound.mean(axis=1)), 0.1), UNRELATED
    assert list(processed_channels(sound, SQUARE)) == [1, 3]


def test_of_two_the_late_one_is_named():
    pair = MicrophoneArray(SQUARE.positions[:2])
    sound = hear(pair)
    sound[:, 0] = late(sound[:, 1], 0.05)
    assert list(processed_channels(sound, pair)) == [0]


@settings(max_examples=15)
@given(st.integers(2, 6), st.floats(0.02, 0.5), st.sampled_from([8000, 16_000, 44_100]), st.data())
def test_microphones_are_microphones(count, extent, rate, data):
    """However they stand, and however many sound at once."""
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    array = MicrophoneArray(extent * rng.uniform(-1, 1, (count, 3)), rate=rate)
    directions = data.draw(st.integers(0, 3))
    assert processed_channels(hear(array, directions, 4.0), array) == {}


def test_groups_that_hear_different_things_are_microphones():
    near, far = SQUARE.positions, SQUARE.positions + np.array([3.0, 0, 0])
    array = MicrophoneArray(np.concatenate([near, far]), groups=np.repeat([0, 1], 4))
    sound = np.column_stack([hear(SQUARE, seed=1), hear(SQUARE, seed=2)])
    assert processed_channels(sound, array) == {}


def test_dead_channels_are_left_to_those_who_look_for_them():
    sound = hear(SQUARE)
    sound[:, 1] = 0
    assert processed_channels(sound, SQUARE) == {}
    assert processed_channels(0 * sound, SQUARE) == {}


def test_too_little_sound_tells_nothing_and_silence_does_not_use_the_time_up():
    sound = hear(SQUARE)
    sound[:, 0] = late(sound[:, 1], 0.05)
    assert processed_channels(sound[: 2 * RATE], SQUARE) == {}
    relations = ChannelRelations(SQUARE)
    relations.add(0.001 * np.random.default_rng(0).normal(size=(30 * RATE, 4)))
    assert not relations.is_settled
    for start in range(0, len(sound), 160):
        relations.add(sound[start : start + 160])
    assert list(relations.intruders()) == [0]


@given(dead=st.sets(st.integers(0, 15), max_size=8), seed=st.integers(0, 99))
def test_up_to_half_of_the_channels_may_be_dead(dead, seed):
    power = 10 ** np.random.default_rng(seed).uniform(-8, -7, 16)
    power[list(dead)] = 0
    assert set(np.flatnonzero(dead_channels(power))) == dead


def test_quiet_channels_are_kept_and_hum_of_the_circuit_is_not():
    power = np.full(16, 1e-6)
    power[3] *= 1e-2
    power[7] *= 1e-5
    assert np.flatnonzero(dead_channels(power)).tolist() == [7]


def test_silence_everywhere_accuses_nobody():
    assert not dead_channels(np.zeros(8)).any()
