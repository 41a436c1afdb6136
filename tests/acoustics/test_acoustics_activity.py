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

"""Who talks: whether a sound is a voice, and when the robot itself talks."""

import pickle
from dataclasses import replace
from importlib import metadata

import numpy as np
import onnxruntime
import pytest
from acoustic_scenes import RATE, machine, person, propagate, two_circles, voice

from av_tracker_nodes.acoustics.activity import BeamListener, VoiceActivity, speech_probability
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.own_voice import OwnVoice
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.types import AudioBlock
from av_tracker_nodes.types import to_nanoseconds as at

ARRAY = two_circles()
PLACE = np.array([0.9, -0.4, 0.6])
ALIVE = np.ones(16, bool)
CONFIG = AcousticConfig()
GCC = GccPhat(RATE, PairDelays.of(ARRAY).longest)
VOICE = VoiceActivity(CONFIG.voice_frames)


def ends_of(sound, count=40, seed=0):
    """Stretches of the sound that are as long as the network listens, at random places."""
    starts = np.random.default_rng(seed).integers(0, len(sound) - VOICE.length, count)
    return np.stack([sound[start : start + VOICE.length] for start in starts]).astype(np.float32)


def listen(samples, array=ARRAY, alive=ALIVE, place=PLACE):
    audio = StampedAudio(samples.shape[1], array.rate, 2.0)
    audio.add(AudioBlock(0, 0, array.rate, samples))
    listener = BeamListener(VOICE, array, PairDelays.of(array))
    return listener.listen(audio, len(samples), alive, np.reshape(place, (-1, 3)))


def test_same_as_the_streaming_network_from_a_blank_state():
    file = 'silero_vad/data/silero_vad_16k_op15.onnx'
    session = onnxruntime.InferenceSession(metadata.distribution('silero-vad').locate_file(file))
    signals = ends_of(voice(3.0), count=6)
    signals *= 0.05 / np.sqrt(np.mean(signals**2, axis=1, keepdims=True))
    state = np.zeros((2, len(signals), 128), np.float32)
    for end in range(64 + 512, VOICE.length + 1, 512):
        inputs = {'input': signals[:, end - 576 : end], 'state': state, 'sr': np.array(RATE)}
        speech, state = session.run(None, inputs)
    expected = np.log(speech[:, 0] / (1 - speech[:, 0]))
    np.testing.assert_allclose(VOICE(signals), expected, atol=1e-3)


def test_signals_do_not_mind_each_other_nor_the_gain_nor_what_was_heard_before():
    signals = ends_of(voice(3.0), count=5)
    together = VOICE(signals)
    assert np.ptp(together) > 1
    np.testing.assert_allclose([VOICE(signal[None])[0] for signal in signals], together, atol=1e-4)
    np.testing.assert_allclose(VOICE(1e-3 * signals), together, atol=1e-3)
    np.testing.assert_array_equal(VOICE(signals), together)


@pytest.mark.parametrize('seed', range(4))
def test_recorded_people_are_voices(seed):
    assert (VOICE(ends_of(person(8.0, seed), count=100)) > 0).mean() > 0.7


@pytest.mark.parametrize('kind', ['white', 'pink', 'low fan', 'fan', 'hum', 'mains'])
def test_machines_are_not_voices(kind):
    odds = VOICE(ends_of(machine(kind, 5.0), count=200))
    assert (odds > 0).mean() <= 0.01


def test_silence_is_not_a_voice():
    assert VOICE(np.zeros((1, VOICE.length), np.float32))[0] < -2
    assert VOICE(np.zeros((0, VOICE.length), np.float32)).shape == (0,)


def test_a_beam_takes_a_voice_out_of_noise():
    samples = propagate([(PLACE, voice(4.0))], ARRAY, noise=0.05)
    at = [round(t * RATE) for t in np.arange(1.0, 4.0, 0.1)]
    beam = [listen(samples[:end])[0] for end in at]
    alone = [VOICE(samples[end - VOICE.length : end, :1].T)[0] for end in at]
    assert np.mean(np.array(beam) > 0) > np.mean(np.array(alone) > 0) + 0.2


def test_dead_microphones_are_not_listened_to():
    samples = propagate([(PLACE, voice(1.2))], ARRAY, noise=1e-3)
    alive = ALIVE.copy()
    alive[[0, 3, 9]] = False
    damaged = samples.copy()
    damaged[:, ~alive] = 1e3 * np.random.default_rng(0).normal(size=(len(samples), 3))
    assert listen(damaged, alive=alive)[0] == listen(np.where(alive, samples, 0), alive=alive)[0]
    assert listen(damaged, alive=alive)[0] == pytest.approx(listen(samples)[0], abs=1)


@pytest.mark.parametrize('rate', [44_100, 48_000, 96_000])
def test_any_sampling_rate_gives_the_same(rate):
    samples = propagate([(PLACE, voice(1.2))], ARRAY, noise=1e-3)
    count = len(samples) * rate // RATE
    spectrum = np.fft.rfft(samples, axis=0)
    faster = np.fft.irfft(spectrum, count, axis=0).astype(np.float32) * (count / len(samples))
    odds = listen(faster, array=replace(ARRAY, rate=rate))
    assert odds[0] == pytest.approx(listen(samples)[0], abs=0.3)


def test_both_coherence_and_voice_mean_speech():
    low, high = 0.05, 0.4
    for coefficients in (CONFIG.peak_speech, CONFIG.face_speech):

        def speech(coherence, odds, microphones=16, coefficients=coefficients):
            return speech_probability(coherence, microphones, odds, coefficients)

        assert speech(0.01, 10) < speech(low, 10) < speech(high, 10)
        assert speech(high, 10) > 0.75
        assert speech(high, -10) < 0.5 < speech(high, 3)
        assert speech(0.0, 10) < 0.1
        assert speech(0.12, 3, microphones=8) < speech(0.12, 3)


def test_another_network_is_refused(tmp_path):
    with pytest.raises(InputError, match=r'voice activity detector .* not found'):
        VoiceActivity(12, tmp_path / 'absent.onnx')


# ---- the voice of the robot itself


def heard_at(own, *seconds):
    return [own.is_heard(at(second)) for second in seconds]


def test_is_heard_while_it_talks_and_a_while_after():
    own = OwnVoice(hold=0.5)
    assert not own.talks
    own.tell(True, at(10))
    assert own.talks
    assert heard_at(own, 9.99, 10, 12) == [False, True, True]
    own.tell(False, at(13))
    assert not own.talks
    assert heard_at(own, 13.49, 13.5) == [True, False]


def test_cycles_may_lag_behind_what_is_told():
    own = OwnVoice(hold=0.1)
    for begin in (1, 2, 30):
        own.tell(True, at(begin))
        own.tell(False, at(begin + 0.5))
    assert heard_at(own, 1.2, 1.7, 2.2, 2.7, 30.2) == [True, False, True, False, True]


def test_what_is_repeated_changes_nothing():
    own = OwnVoice(hold=0.0)
    for second in (1, 2):
        own.tell(True, at(second))
    assert heard_at(own, 1.5) == [True]
    for second in (3, 4):
        own.tell(False, at(second))
    assert heard_at(own, 3.5) == [False]


def test_after_a_jump_only_what_goes_on_counts():
    own = OwnVoice()
    own.tell(True, at(10))
    own.tell(False, at(20))
    own.reset()
    assert heard_at(own, 15) == [False]
    own.tell(True, at(30))
    own.reset()
    assert heard_at(own, 2, 40) == [True, True]
    own.tell(False, at(3))
    assert heard_at(own, 4) == [False]


def test_what_is_over_is_not_kept():
    own = OwnVoice()
    sizes = []
    for second in range(100):
        own.tell(second % 2 == 0, at(second))
        own.is_heard(at(second))
        sizes.append(len(pickle.dumps(own)))
    assert max(sizes[50:]) <= max(sizes[:50])
