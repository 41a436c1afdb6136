# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest
from acoustic_scenes import RATE, propagate, two_circles, voice

from av_tracker_nodes.acoustics.activity import BeamListener, speech_probability
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.noise_floor import NoiseFloor, direct_share, frame_power
from av_tracker_nodes.types import AudioBlock

ARRAY = two_circles()
DELAYS = PairDelays.of(ARRAY)
GCC = GccPhat(RATE, DELAYS.longest)
LISTENER = BeamListener(DELAYS, GCC)
PLACE = np.array([0.9, -0.4, 0.6])
ALIVE = np.ones(16, bool)


def cues(sound):
    samples = propagate([(PLACE, sound)], ARRAY, noise=1e-4)[4000:]
    spectra = [GCC.spectra(samples[320 * n : 320 * n + 640]) for n in range(10)]
    return LISTENER.listen(np.array(spectra), ALIVE, PLACE)


def hum(seconds):
    time = np.arange(round(seconds * RATE)) / RATE
    return sum(np.cos(2 * np.pi * 100 * n * time + n * n) / n for n in range(1, 30))


def test_a_voice_is_periodic_and_changes():
    rng = np.random.default_rng(0)
    spoken, noise, machine = cues(voice(1.0)), cues(rng.normal(size=RATE)), cues(hum(1.0))
    assert spoken.voicing > 0.6 > noise.voicing + 0.1
    assert machine.voicing > 0.9
    assert machine.flux < 1 < spoken.flux


def test_silence_has_no_cues():
    heard = LISTENER.listen(np.zeros((5, 16, len(GCC.frequencies)), np.complex64), ALIVE, PLACE)
    assert heard.voicing == 0
    assert heard.flux == 0


def test_more_coherence_means_more_speech():
    coefficients, heard = AcousticConfig().peak_speech, cues(voice(1.0))
    low, high = (speech_probability(c, 16, heard, coefficients) for c in (0.05, 0.4))
    assert 0 < low < 0.5 < high < 1
    assert speech_probability(0.12, 8, heard, coefficients) < speech_probability(
        0.12, 16, heard, coefficients
    )


def floor_of(samples, at):
    floor = NoiseFloor(GCC, np.arange(samples.shape[1]), AcousticConfig())
    audio = StampedAudio(samples.shape[1], RATE, 6.0)
    audio.add(AudioBlock(0, 0, RATE, samples))
    return floor.at(audio, at)


def test_floor_of_stationary_noise_is_its_power():
    samples = np.random.default_rng(0).normal(size=(3 * RATE, 4)).astype(np.float32)
    floor = floor_of(samples, 3 * RATE)
    spectra = np.array([GCC.spectra(samples[320 * n : 320 * n + 640]) for n in range(140)])
    power = frame_power(spectra)
    assert np.median(floor / power.mean(axis=0)) == pytest.approx(1.0, abs=0.35)
    assert direct_share(power, floor).mean() < 0.35


def test_floor_ignores_speech_with_pauses():
    rng = np.random.default_rng(0)
    noise = 1e-3 * rng.normal(size=(3 * RATE, 4))
    spoken = noise + voice(3.0)[:, None]
    quiet = floor_of(noise.astype(np.float32), 3 * RATE)
    loud = floor_of(spoken.astype(np.float32), 3 * RATE)
    assert np.median(loud / quiet) < 3


def test_floor_depends_on_the_samples_alone():
    samples = np.random.default_rng(0).normal(size=(4 * RATE, 4)).astype(np.float32)
    audio = StampedAudio(4, RATE, 6.0)
    audio.add(AudioBlock(0, 0, RATE, samples))
    steady, late = (NoiseFloor(GCC, np.arange(4), AcousticConfig()) for _ in range(2))
    for at in range(640, 3 * RATE, 640):
        steady.at(audio, at)
    end = 3 * RATE + 123
    np.testing.assert_array_equal(steady.at(audio, end), late.at(audio, end))


def test_floor_is_unknown_at_first_and_ignores_gaps():
    samples = np.random.default_rng(0).normal(size=(RATE, 4)).astype(np.float32)
    assert np.isinf(floor_of(samples, 1000)).all()
    samples[5000:9000] = np.nan
    assert floor_of(samples, RATE).min() > 0


def test_share_is_between_nothing_and_all():
    power = np.array([[0.0, 1.0, 2.0, 100.0]])
    share = direct_share(power, np.ones(4))
    np.testing.assert_allclose(share, [[0, 0, 0.5, 0.99]])
    assert not direct_share(power, np.full(4, np.inf)).any()
