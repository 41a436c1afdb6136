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

import numpy as np
import pytest
from acoustic_scenes import RATE, blocks, machine, person, propagate, seconds, two_circles
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.known_noises import KnownNoises, bins_set_in
from av_tracker_nodes.acoustics.noise_floor import spectral_power
from av_tracker_nodes.acoustics.noise_profile import NoiseProfile
from av_tracker_nodes.acoustics.stage import AcousticStage
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.types import AudioBlock

SQUARE = MicrophoneArray(
    0.05 * np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]), rate=RATE
)
ARRAYS = {'a square': SQUARE, 'two circles': two_circles()}
DELAYS = PairDelays.of(SQUARE)
GCC = GccPhat(RATE, DELAYS.longest)
PLACE, ELSEWHERE = np.array([0.6, 0.9, 0.3]), np.array([1.1, -0.8, 0.4])
KINDS = 'hum', 'white', 'pink', 'fan'
BURST = 1.2
"""Seconds that a machine is on."""


def on_at(times, length, level=0.02, kind='hum'):
    """A machine that is on for a while from some times (s) on, at a place, with soft noise."""
    sound = level * machine(kind, length)
    time = np.arange(len(sound)) / RATE
    on = sum((time >= start) & (time < start + BURST) for start in times)
    return propagate([(PLACE, sound * np.convolve(on, np.ones(80) / 80, 'same'))], SQUARE, 3e-4)


def listened(samples, until=None, learnt=None):
    """Noise profile that heard samples, image by image, and the sound."""
    audio = StampedAudio(samples.shape[1], RATE, 12.0)
    audio.add(AudioBlock(0, 0, RATE, samples.astype(np.float32)))
    learnt = learnt or NoiseProfile(GCC, SQUARE.channels, DELAYS.pairs, AcousticConfig())
    for end in range(640, (until or len(samples)) + 1, 640):
        noise = learnt.at(audio, end)
    return learnt, audio, noise


def power_of(samples, time, frames=10):
    """Power of the frames before a time (s), shape (frames, bins)."""
    hop = GCC.length // 2
    ends = round(time * RATE) - hop * np.arange(frames)[::-1]
    spectra = [GCC.spectra(samples[end - GCC.length : end].astype(np.float32)) for end in ends]
    return spectral_power(np.array(spectra)).mean(axis=1)


@pytest.mark.parametrize('kind', KINDS)
def test_what_is_back_is_noise_at_once(kind):
    samples = on_at([0.8, 5.0], 6.0, kind=kind)
    *_, noise = listened(samples, round(5.12 * RATE))
    power = power_of(samples, 5.12, 2)
    found = noise.during(power)
    assert found.power.sum() == pytest.approx(power.sum(), rel=0.3)
    assert noise.power.sum() < 0.1 * power.sum() / len(power), 'forgotten by the average'
    turns = np.exp(-2j * np.pi * DELAYS.at(PLACE)[:, None] * GCC.frequencies)
    weights = power / power.sum()
    assert np.mean(np.real(found.cross(weights) * np.conj(turns)).sum(axis=1)) > 0.8


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('seed', range(2))
def test_a_voice_over_what_is_back_stands_out_as_much(kind, seed):
    noise_alone = on_at([0.8, 5.0], 6.2, kind=kind)
    talk = propagate([(ELSEWHERE, person(6.2, seed))], SQUARE)
    talk[: round(4.0 * RATE)] = 0
    *_, noise = listened(noise_alone + talk, round(6.0 * RATE))
    both, alone = power_of(noise_alone + talk, 6.0), power_of(noise_alone, 6.0)
    found = noise.during(both).power
    assert np.minimum(found, both).sum() < 3 * alone.sum() + 0.1 * both.sum()


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('seed', range(3))
def test_a_voice_is_not_taken_for_a_noise_that_is_off(kind, seed):
    talk = propagate([(ELSEWHERE, person(7.0, seed))], SQUARE)
    talk[: round(3.0 * RATE)] = 0
    samples = on_at([0.8], 7.0, kind=kind) + talk
    *_, noise = listened(samples)
    assert len(noise.known) == 1
    power = power_of(samples, 7.0, 100)
    assert np.minimum(noise.known[0].in_frames(power), power).sum() < 0.1 * power.sum()


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('voices', [1, 2])
def test_nothing_is_learnt_of_speech(seed, voices):
    places = PLACE, ELSEWHERE
    talk = [(places[n], person(9.0, seed + 10 * n)) for n in range(voices)]
    samples = propagate(talk, SQUARE, 1e-3)
    assert not listened(samples)[-1].known


def test_a_noise_that_comes_and_goes_is_one():
    *_, noise = listened(on_at([0.8, 3.5, 6.2], 8.0))
    assert len(noise.known) == 1


def test_only_the_last_noises_are_kept():
    known, rng = KnownNoises(), np.random.default_rng(0)
    for number in range(40):
        own = np.zeros(400, bool)
        own[10 * number : 10 * number + 10] = True
        known.learn(number, rng.exponential(size=(25, 400)), own, np.zeros((6, 400), complex))
    kept = known.before(40)
    assert 4 <= len(kept) <= 16
    assert [noise.learnt for noise in kept] == list(range(40 - len(kept), 40))


def test_what_was_learnt_later_is_not_known_before():
    learnt, audio, noise = listened(on_at([0.8], 4.0))
    assert noise.known
    assert not learnt.at(audio, RATE).known


def test_noises_are_known_through_a_pause_of_listening_but_not_after_a_reset():
    samples = on_at([0.8], 11.0)
    learnt, audio, _ = listened(samples, 3 * RATE)
    assert learnt.at(audio, len(samples)).known
    learnt.reset()
    assert not learnt.at(audio, len(samples)).known


FRAMES = np.random.default_rng(1).uniform(0.5, 1.5, size=(25, 60)) * np.geomspace(1, 100, 60)


def hum_of(own=slice(None)):
    bins = np.zeros(60, bool)
    bins[own] = True
    known = KnownNoises()
    known.learn(0, FRAMES, bins, np.zeros((1, 60), complex))
    return known.before(0)[0]


@given(st.floats(0.55, 1.6))
def test_a_noise_is_as_loud_as_it_is_this_time(gain):
    ratio = hum_of().in_frames(gain * FRAMES) / (gain * FRAMES.mean(axis=0))
    assert np.median(ratio) == pytest.approx(1, abs=0.1)


@given(st.lists(st.integers(0, 59), max_size=12), st.floats(0, 1e6))
def test_what_is_sparse_in_frequency_makes_a_noise_little_louder(bins, level):
    noise = hum_of()
    with_voice = FRAMES.copy()
    with_voice[:, bins] += level
    assert noise.in_frames(with_voice).sum() < 1.5 * noise.in_frames(FRAMES).sum()


@given(st.floats(3.0, 1e6))
def test_what_is_much_louder_is_something_else(gain):
    assert not hum_of().in_frames(gain * FRAMES).any()


def test_a_noise_has_no_power_in_bins_of_others():
    found = hum_of(slice(0, 30)).in_frames(FRAMES)
    assert found[:, :30].all()
    assert not found[:, 30:].any()


def test_clicks_where_a_noise_sets_in_or_stops_are_noise_too():
    level = np.array([0, 0, 0, 0, 0.1, 1, 1, 1, 1, 0.1, 0, 0, 0, 0])
    found = hum_of().in_frames(level[:, None] * FRAMES[:14])
    unlimited = np.isinf(found).all(axis=1)
    assert unlimited[[4, 9]].all()
    assert not unlimited[[0, 5, 6, 7, 8, 13]].any()


@pytest.mark.parametrize(
    ('name', 'course', 'expected'),
    [
        ('sets in', np.full((25, 40), 10.0), True),
        ('was there before', np.full((25, 40), 1.5), False),
        ('comes and goes', 10 * 10 ** np.sin(np.arange(25))[:, None] * np.ones(40), False),
        ('silence', np.zeros((25, 40)), False),
    ],
)
def test_machines_are_what_sets_in_and_stays(name, course, expected):
    assert (bins_set_in(course, np.full(40, min(1.0, course.mean()))) is not None) == expected


@pytest.mark.thorough
@pytest.mark.parametrize('array', ARRAYS)
@pytest.mark.parametrize('kind', [*KINDS, 'low fan'])
def test_what_is_back_does_not_speak(array, kind):
    on = np.arange(round(8.0 * RATE)) // (RATE * 5 // 4) % 2 == 1
    sound = 0.02 * machine(kind, 8.0) * np.convolve(on, np.ones(80) / 80, 'same')
    stage = AcousticStage(ARRAYS[array])
    for block in blocks(propagate([(PLACE, sound)], ARRAYS[array], 3e-4)):
        stage.add(block)
    maps = [stage.listen(seconds(time)) for time in np.arange(0.2, 8.0, 0.04)]
    spoken = [max((peak.speech for peak in each.peaks), default=0.0) > 0.5 for each in maps]
    again = np.arange(0.2, 8.0, 0.04) > 2.6
    assert np.mean(np.array(spoken)[again]) <= 0.02
