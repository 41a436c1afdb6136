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
from acoustic_scenes import RATE, angle_between, blocks, machine, person, propagate, seconds, voice
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.noise_floor import direct_share, spectral_power
from av_tracker_nodes.acoustics.noise_profile import Noise, NoiseProfile
from av_tracker_nodes.acoustics.stage import AcousticStage
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.types import AudioBlock

SQUARE = MicrophoneArray(
    0.05 * np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]), rate=RATE
)
DELAYS = PairDelays.of(SQUARE)
GCC = GccPhat(RATE, DELAYS.longest)
FAN_PLACE, ELSEWHERE = np.array([0.6, 0.9, 0.3]), np.array([1.1, -0.8, 0.4])


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


def agreement(noise: Noise, place) -> float:
    """How far the cross-spectra are those of a place, 1 at most."""
    turns = np.exp(-2j * np.pi * DELAYS.at(place)[:, None] * GCC.frequencies)
    return float(np.mean(np.real(noise.cross * np.conj(turns))))


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


@pytest.mark.parametrize('place', [FAN_PLACE, ELSEWHERE, [0.02, 0.01, -0.25]])
def test_cross_spectra_of_noise_say_from_where_it_comes(place):
    noise = noise_of(fan(np.array(place)))
    assert agreement(noise, place) > 0.9
    assert agreement(noise, np.array(place) @ np.diag([-1, -1, 1]) + [0.5, 0, 0]) < 0.6


def test_noise_from_nowhere_has_no_cross_spectra():
    samples = np.random.default_rng(0).normal(size=(4 * RATE, 4))
    assert np.abs(noise_of(samples).cross).mean() < 0.2


@pytest.mark.parametrize('seed', range(3))
def test_speech_beside_a_fan_is_not_learnt(seed):
    alone = fan(length=6.0)
    talk = propagate([(ELSEWHERE, person(6.0, seed))], SQUARE)
    both, quiet = noise_of(alone + talk), noise_of(alone)
    assert np.median(both.power / quiet.power) < 2
    assert agreement(both, FAN_PLACE) > 0.8


def test_a_voice_that_talks_on_is_no_noise():
    talk = propagate([(ELSEWHERE, person(8.0))], SQUARE, 1e-3)
    assert np.median(noise_of(talk).power / power_of(talk).mean(axis=0)) < 0.2


@pytest.mark.parametrize('seconds_after', [4.5, 6.0])
def test_noise_that_moved_is_forgotten(seconds_after):
    moved = np.concatenate([fan(), fan(ELSEWHERE, length=seconds_after)])
    noise = noise_of(moved)
    assert agreement(noise, ELSEWHERE) > 0.9
    assert agreement(noise, FAN_PLACE) < 0.6


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


class TestStage:
    """What the stage makes of it."""

    @staticmethod
    def maps(samples, times):
        stage = AcousticStage(SQUARE)
        for block in blocks(samples):
            stage.add(block)
        return [stage.listen(seconds(t)) for t in times]

    @pytest.mark.parametrize('kind', ['white', 'pink', 'fan'])
    @pytest.mark.parametrize('place', [FAN_PLACE, np.array([0.02, 0.01, -0.25])])
    def test_a_fan_is_no_source_once_it_is_known(self, kind, place):
        maps = self.maps(fan(place, length=4.0, kind=kind), np.arange(3.0, 4.0, 0.08))
        assert max((peak.score for each in maps for peak in each.peaks), default=0.0) < 0.2

    @pytest.mark.parametrize('place', [FAN_PLACE, np.array([0.02, 0.01, -0.25])])
    def test_a_fan_does_not_pull_the_direction_of_a_voice(self, place):
        talk = propagate([(ELSEWHERE, voice(5.0))], SQUARE)
        noisy = talk + fan(
            place, length=5.0, level=np.std(talk) * np.linalg.norm(place), kind='fan'
        )
        errors = [
            angle_between(each.peaks[0].direction[:2], ELSEWHERE[:2])
            for each in self.maps(noisy, np.arange(3.0, 5.0, 0.08))
            if each.peaks and each.peaks[0].score > 0.15
        ]
        assert len(errors) > 10
        assert np.median(errors) < 4
