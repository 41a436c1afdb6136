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

"""Noise that is learnt: what is steady, and what has been there before."""

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    angle_between,
    fed,
    machine,
    person,
    propagate,
    seconds,
    two_circles,
    voice,
)
from builders import square
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.known_noises import KnownNoises, bins_set_in
from av_tracker_nodes.acoustics.noise_floor import direct_share, spectral_power
from av_tracker_nodes.acoustics.noise_profile import Noise, NoiseProfile
from av_tracker_nodes.acoustics.stage import AcousticStage
from av_tracker_nodes.types import AudioBlock

SQUARE = square(0.05)
DELAYS = PairDelays.of(SQUARE)
GCC = GccPhat(RATE, DELAYS.longest)
FAN_PLACE, ELSEWHERE = np.array([0.6, 0.9, 0.3]), np.array([1.1, -0.8, 0.4])
BELOW = np.array([0.02, 0.01, -0.25])


def profile():
    return NoiseProfile(GCC, SQUARE.channels, DELAYS.pairs, AcousticConfig())


def heard(samples):
    audio = StampedAudio(samples.shape[1], RATE, 12.0)
    audio.add(AudioBlock(0, 0, RATE, samples.astype(np.float32)))
    return audio


def noise_of(samples, at=None) -> Noise:
    return profile().at(heard(samples), len(samples) if at is None else at)


def power_of(samples):
    """Of frames, by themselves, shape (frames, bins)."""
    starts = range(0, len(samples) - GCC.length, GCC.length // 2)
    spectra = [GCC.spectra(samples[at : at + GCC.length].astype(np.float32)) for at in starts]
    return spectral_power(np.array(spectra)).mean(axis=1)


def agreement(cross, place) -> float:
    """How far cross-spectra are those of a place, 1 at most."""
    turns = np.exp(-2j * np.pi * DELAYS.at(place)[:, None] * GCC.frequencies)
    return float(np.mean(np.real(cross * np.conj(turns))))


def fan(place=FAN_PLACE, length=4.0, level=0.02, kind='white', noise=1e-4):
    return propagate([(place, level * machine(kind, length))], SQUARE, noise)


@pytest.mark.parametrize('kind', ['white', 'pink', 'low fan'])
@pytest.mark.parametrize('from_one_place', [True, False])
def test_power_of_steady_noise_is_its_mean(kind, from_one_place):
    sound = machine(kind, 5.0)
    rng = np.random.default_rng(2)
    samples = (
        fan(kind=kind, length=5.0)
        if from_one_place
        else np.stack([np.roll(sound, rng.integers(RATE)) for _ in range(4)], axis=1)
    )
    ratio = noise_of(samples).power / power_of(samples[-2 * RATE :]).mean(axis=0)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)
    assert np.percentile(ratio, 95) < 1.3
    assert np.percentile(ratio, 5) > 0.4


@pytest.mark.parametrize('place', [FAN_PLACE, ELSEWHERE, BELOW])
def test_cross_spectra_of_noise_say_from_where_it_comes(place):
    noise = noise_of(fan(place))
    assert agreement(noise.cross, place) > 0.9
    assert agreement(noise.cross, place @ np.diag([-1, -1, 1]) + [0.5, 0, 0]) < 0.6


def test_noise_from_nowhere_has_no_cross_spectra():
    samples = np.random.default_rng(0).normal(size=(4 * RATE, 4))
    assert np.abs(noise_of(samples).cross).mean() < 0.2


@pytest.mark.parametrize('seed', range(3))
def test_speech_beside_a_fan_is_not_learnt(seed):
    alone = fan(length=6.0)
    talk = propagate([(ELSEWHERE, person(6.0, seed))], SQUARE)
    both, quiet = noise_of(alone + talk), noise_of(alone)
    assert np.median(both.power / quiet.power) < 2
    assert agreement(both.cross, FAN_PLACE) > 0.8


def test_a_voice_that_talks_on_is_no_noise():
    talk = propagate([(ELSEWHERE, person(8.0))], SQUARE, 1e-3)
    assert np.median(noise_of(talk).power / power_of(talk).mean(axis=0)) < 0.2


@pytest.mark.parametrize('seconds_after', [4.5, 6.0])
def test_noise_that_moved_is_forgotten(seconds_after):
    moved = np.concatenate([fan(), fan(ELSEWHERE, length=seconds_after)])
    noise = noise_of(moved)
    assert agreement(noise.cross, ELSEWHERE) > 0.9
    assert agreement(noise.cross, FAN_PLACE) < 0.6


def test_noise_that_stopped_hides_nothing():
    stopped = np.concatenate(
        [fan(level=0.2), 1e-4 * np.random.default_rng(0).normal(size=(8000, 4))]
    )
    quiet = power_of(stopped[-8000:]).mean(axis=0)
    assert np.median(noise_of(stopped).power / quiet) < 6


def test_what_is_learnt_depends_on_the_samples_alone():
    samples = fan(length=6.0) + propagate([(ELSEWHERE, person(6.0))], SQUARE)
    audio = heard(samples)
    steady, late = profile(), profile()
    for at in range(640, 5 * RATE, 640):
        steady.at(audio, at)
    end = 5 * RATE + 123
    first, second = steady.at(audio, end), late.at(audio, end)
    np.testing.assert_allclose(first.power, second.power, rtol=1e-5)
    np.testing.assert_allclose(first.cross, second.cross, atol=1e-5)


def test_unknown_at_first_and_after_a_reset():
    samples = fan(length=3.0)
    learnt, audio = profile(), heard(samples)
    learnt.at(audio, len(samples))
    learnt.reset()
    for noise in (noise_of(samples, 1000), learnt.at(audio, 1000)):
        assert np.isinf(noise.power).all()
        assert not noise.cross.any()
    fresh = noise_of(samples)
    np.testing.assert_array_equal(learnt.at(audio, len(samples)).power, fresh.power)


def test_gaps_are_no_silence():
    samples = fan(length=4.0).astype(np.float32)
    whole = noise_of(samples).power
    samples[30_000:40_000] = np.nan
    assert np.median(noise_of(samples).power / whole) == pytest.approx(1.0, abs=0.2)


def test_nothing_at_all_is_known_as_nothing():
    noise = noise_of(np.zeros((2 * RATE, 4)))
    assert not noise.power.any()
    assert not noise.cross.any()


@given(
    arrays(np.float64, (4, 7), elements=st.floats(0, 1e6)),
    arrays(np.float64, 7, elements=st.floats(0, 1e6)),
)
def test_share_is_between_nothing_and_what_exceeds_the_noise(power, floor):
    share = direct_share(power, floor)
    exceeding = 1 - np.divide(np.minimum(floor, power), np.maximum(power, 1e-300))
    assert (share >= 0).all()
    assert (share <= exceeding + 1e-6).all()


def test_noise_of_a_mean_hardly_stands_out_and_speech_does():
    rng = np.random.default_rng(0)
    power = rng.exponential(size=(10, 300))
    assert direct_share(power, np.ones(300)).mean() < 0.03
    power[4:, 100:110] += 10
    assert direct_share(power, np.ones(300))[5:, 101:109].mean() > 0.8
    assert not direct_share(power, np.full(300, np.inf)).any()


def maps_of(samples, times, array=SQUARE):
    """What the stage makes of it."""
    stage = fed(AcousticStage(array), samples)
    return [stage.listen(seconds(t)) for t in times]


@pytest.mark.parametrize('kind', ['white', 'pink', 'fan'])
@pytest.mark.parametrize('place', [FAN_PLACE, BELOW])
def test_a_fan_is_no_source_once_it_is_known(kind, place):
    maps = maps_of(fan(place, length=4.0, kind=kind), np.arange(3.0, 4.0, 0.08))
    assert max((peak.score for each in maps for peak in each.peaks), default=0.0) < 0.2


@pytest.mark.parametrize('place', [FAN_PLACE, BELOW])
def test_a_fan_does_not_pull_the_direction_of_a_voice(place):
    talk = propagate([(ELSEWHERE, voice(5.0))], SQUARE)
    noise = fan(place, length=5.0, level=np.std(talk) * np.linalg.norm(place), kind='fan')
    errors = [
        angle_between(each.peaks[0].direction[:2], ELSEWHERE[:2])
        for each in maps_of(talk + noise, np.arange(3.0, 5.0, 0.08))
        if each.peaks and each.peaks[0].score > 0.15
    ]
    assert len(errors) > 10
    assert np.median(errors) < 4


# ---- noises that come back


ARRAYS = {'a square': SQUARE, 'two circles': two_circles()}
KINDS = 'hum', 'white', 'pink', 'fan'
BURST = 1.2
"""Seconds that a machine is on."""


def on_at(times, length, level=0.02, kind='hum'):
    """A machine that is on for a while from some times (s) on, at a place, with soft noise."""
    sound = level * machine(kind, length)
    time = np.arange(len(sound)) / RATE
    on = sum((time >= start) & (time < start + BURST) for start in times)
    return propagate(
        [(FAN_PLACE, sound * np.convolve(on, np.ones(80) / 80, 'same'))], SQUARE, 3e-4
    )


def listened(samples, until=None):
    """Noise profile that heard samples, image by image, and the sound."""
    audio, learnt = heard(samples), profile()
    for end in range(640, (until or len(samples)) + 1, 640):
        noise = learnt.at(audio, end)
    return learnt, audio, noise


def power_before(samples, time, frames=10):
    """Power of the frames before a time (s), shape (frames, bins)."""
    hop = GCC.length // 2
    ends = round(time * RATE) - hop * np.arange(frames)[::-1]
    spectra = [GCC.spectra(samples[end - GCC.length : end].astype(np.float32)) for end in ends]
    return spectral_power(np.array(spectra)).mean(axis=1)


@pytest.mark.parametrize('kind', KINDS)
def test_what_is_back_is_noise_at_once(kind):
    samples = on_at([0.8, 5.0], 6.0, kind=kind)
    *_, noise = listened(samples, round(5.12 * RATE))
    power = power_before(samples, 5.12, 2)
    found = noise.during(power)
    assert found.power.sum() == pytest.approx(power.sum(), rel=0.3)
    assert noise.power.sum() < 0.1 * power.sum() / len(power), 'forgotten by the average'
    assert len(GCC.frequencies) * agreement(found.cross(power / power.sum()), FAN_PLACE) > 0.8


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('seed', range(2))
def test_a_voice_over_what_is_back_stands_out_as_much(kind, seed):
    noise_alone = on_at([0.8, 5.0], 6.2, kind=kind)
    talk = propagate([(ELSEWHERE, person(6.2, seed))], SQUARE)
    talk[: round(4.0 * RATE)] = 0
    *_, noise = listened(noise_alone + talk, round(6.0 * RATE))
    both, alone = power_before(noise_alone + talk, 6.0), power_before(noise_alone, 6.0)
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
    power = power_before(samples, 7.0, 100)
    assert np.minimum(noise.known[0].in_frames(power), power).sum() < 0.1 * power.sum()


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('voices', [1, 2])
def test_nothing_is_learnt_of_speech(seed, voices):
    places = FAN_PLACE, ELSEWHERE
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
    samples, times = (
        propagate([(FAN_PLACE, sound)], ARRAYS[array], 3e-4),
        np.arange(0.2, 8.0, 0.04),
    )
    maps = maps_of(samples, times, ARRAYS[array])
    spoken = [max((peak.speech for peak in each.peaks), default=0.0) > 0.5 for each in maps]
    assert np.mean(np.array(spoken)[times > 2.6]) <= 0.02
