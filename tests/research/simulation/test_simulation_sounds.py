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

"""Voices, and noises of machines."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import stft, welch

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.rig_description import NOISE_KINDS, NoiseSource, RigDescription
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.research.simulation import speech
from av_tracker_nodes.research.simulation.noises import NOISES, switched
from av_tracker_nodes.research.simulation.rig_scene import build_rig_scene
from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE, speech_segments
from av_tracker_nodes.research.simulation.splits import Split


def burst(*stretches: tuple[float, float], duration: float = 5.0) -> np.ndarray:
    signal = np.zeros(round(duration * RATE), np.float32)
    for start, end in stretches:
        time = np.arange(round(start * RATE), round(end * RATE))
        signal[time] = ACTIVE_LEVEL * np.sqrt(2) * np.sin(2 * np.pi * 300 / RATE * time)
    return signal


def test_segments_merge_short_pauses_and_drop_clicks():
    signal = burst((0.5, 1.0), (1.2, 2.0), (2.5, 3.0), (4.0, 4.04))
    np.testing.assert_allclose(speech_segments(signal), [(0.5, 2.0), (2.5, 3.0)])


def test_segments_of_silence_are_none():
    assert speech_segments(np.zeros(RATE, np.float32)) == ()


@pytest.mark.parametrize('seed', range(6))
def test_first_voice_is_a_recorded_person_and_nobody_sounds_like_another(seed):
    voices = speech.draw_voices(Split.TRAIN, 3, np.random.default_rng(seed))
    assert voices[0].name.split()[0] in ('reader', 'speaker')
    assert len({voice.name for voice in voices}) == 3


def test_splits_share_no_recording_and_no_synthetic_voice():
    for one, other in combinations(Split, 2):
        recordings = [
            {name for names in speech._RECORDED[split].values() for name in names}
            for split in (one, other)
        ]
        assert not recordings[0] & recordings[1]
        assert not set(speech._SYNTHETIC[one]) & set(speech._SYNTHETIC[other])


@pytest.mark.parametrize(
    ('seed', 'split'),
    [(0, Split.TRAIN), (999, Split.TRAIN), (1000, Split.VALIDATION), (2000, Split.TEST)],
)
def test_seed_decides_the_split(seed, split):
    assert Split.of_seed(seed) is split


def test_talk_stays_inside_its_turns_and_is_silent_outside_its_segments():
    rng = np.random.default_rng(3)
    voice = speech.draw_voices(Split.TRAIN, 1, rng)[0]
    turns = [(0.5, 4.0), (6.0, 9.0)]
    signal = speech.talk(voice, turns, 10.0, rng)
    segments = speech_segments(signal)
    inside = np.zeros(signal.size, bool)
    for start, end in segments:
        assert any(a - 1e-6 <= start and end <= b + 0.02 for a, b in turns)
        inside[round(start * RATE) : round(end * RATE)] = True
    assert not signal[~inside].any()
    assert sum(end - start for start, end in segments) > 4.0
    active = speech.frame_level(signal, 320)
    active = active[active > 0.1 * active.max()]
    assert 20 * np.log10(np.sqrt(np.mean(active**2)) / ACTIVE_LEVEL) == pytest.approx(0, abs=1.5)


def test_pitch_factor_raises_the_pitch():
    tone = np.sin(2 * np.pi * 200 / RATE * np.arange(2 * RATE))
    shifted = speech._shift_pitch(tone, 1.12)
    spectrum = np.abs(np.fft.rfft(shifted * np.hanning(shifted.size)))
    found = np.fft.rfftfreq(shifted.size, 1 / RATE)[spectrum.argmax()]
    assert found == pytest.approx(224, abs=1)


def test_synthetic_voices_of_a_split_differ():
    voices = [
        speech._synthetic_voice(program, name, Split.TRAIN, 1.0).phrases[0]
        for program, name in speech._SYNTHETIC[Split.TRAIN]
    ]
    for one, other in combinations(voices, 2):
        assert one.size != other.size or not np.allclose(one, other)


def test_missing_recordings_are_named_with_the_command_that_installs_them(monkeypatch, tmp_path):
    monkeypatch.setattr(speech, 'RECORDINGS', tmp_path)
    speech._recorded_voice.cache_clear()
    with pytest.raises(InputError, match=f'{tmp_path}.*apt-get install pocketsphinx-testdata'):
        speech.draw_voices(Split.TRAIN, 1, np.random.default_rng(0))


def test_missing_synthesiser_is_named_with_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(InputError, match=r'espeak-ng is not installed.*apt-get install'):
        speech._synthetic_voice.__wrapped__('espeak-ng', 'en-us+m1', Split.TRAIN, 1.0)


# ---- noises


RIG = Path(__file__).parents[3] / 'rigs' / 'pair_webcam.yaml'


def draw(kind: str, seconds: float = 10.0, seed: int = 0) -> np.ndarray:
    return NOISES[kind](round(seconds * RATE), np.random.default_rng(seed))


def loudness(sound: np.ndarray) -> np.ndarray:
    """Power of each 20 ms."""
    return np.mean(sound.reshape(-1, RATE // 50) ** 2, axis=1)


def test_every_kind_that_a_rig_may_name_can_be_drawn():
    assert set(NOISES) | {'television'} == set(NOISE_KINDS)


@pytest.mark.parametrize('kind', NOISES)
def test_a_kind_has_its_length_and_no_two_draws_alike(kind):
    first, again, other = draw(kind, 3.0, 0), draw(kind, 3.0, 0), draw(kind, 3.0, 1)
    assert first.shape == (3 * RATE,)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1 * first.std()


@pytest.mark.parametrize('kind', NOISES)
@pytest.mark.parametrize('samples', [100, RATE // 10])
def test_a_kind_can_be_drawn_however_short(kind, samples):
    assert NOISES[kind](samples, np.random.default_rng(3)).shape == (samples,)


@pytest.mark.parametrize('seed', range(4))
def test_hum_is_lines_at_harmonics_of_mains(seed):
    sound = draw('hum', 10.0, seed)
    power = np.abs(np.fft.rfft(sound)) ** 2
    lines = np.flatnonzero(power > 1e-3 * power.max()) * RATE / len(sound)
    pitch = lines[0]
    assert any(pitch == pytest.approx(f, abs=0.2) for f in (50, 60, 100, 120, 150))
    np.testing.assert_allclose(lines / pitch, np.round(lines / pitch), atol=0.01)


def test_a_motor_rests_and_its_tones_follow_its_speed():
    sound = draw('motor', 20.0)
    rests = loudness(sound) == 0
    assert 0.15 < rests.mean() < 0.8
    frequency, _, spectrum = stft(sound, RATE, nperseg=2048)
    strongest = frequency[np.argmax(np.abs(spectrum), axis=0)]
    moving = np.abs(spectrum).max(axis=0) > 0.01
    assert np.std(strongest[moving]) > 20


@pytest.mark.parametrize(('kind', 'slope'), [('white', 0.0), ('pink', -1.0)])
def test_noise_has_the_slope_of_its_colour(kind, slope):
    frequency, power = welch(draw(kind, 20.0), RATE, nperseg=2048)
    band = (frequency > 100) & (frequency < 7000)
    fitted = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert fitted == pytest.approx(slope, abs=0.05)


def test_knocks_are_short():
    power = loudness(draw('knocks', 20.0))
    assert np.mean(power < 0.01 * power.max()) > 0.4
    assert power.max() > 8 * power.mean()


def test_music_has_notes_that_change():
    frequency, _, spectrum = stft(draw('music', 20.0), RATE, nperseg=4096)
    low = frequency < 1000
    strongest = frequency[low][np.argmax(np.abs(spectrum[low]), axis=0)]
    assert len(np.unique(strongest)) >= 4


@pytest.mark.parametrize('ramp', [0.005, 0.5])
def test_what_is_switched_is_there_in_full_at_times_and_gone_at_others(ramp):
    steady = np.ones(30 * RATE, np.float32)
    sound = switched(steady, np.random.default_rng(5), ramp)
    assert 0.15 < np.mean(sound == 1) < 0.85
    assert np.mean(sound == 0) > 0.15
    assert np.abs(np.diff(sound)).max() <= 1.01 / (ramp * RATE)


@pytest.mark.parametrize('kind', NOISE_KINDS)
def test_a_rig_scene_has_the_noise_of_its_rig(kind):
    rig = load_rig_description(RIG)
    noise = NoiseSource(kind, np.array([1.0, 0.5, 1.0]), -3.0, switched=True)
    described = RigDescription(**{**vars(rig), 'noise': (noise,)})
    (source,) = build_rig_scene(described, 'nobody', 1001, 6.0).scene.sources
    assert source.level_db == -3.0
    assert source.sound.shape == (6 * RATE,)
    assert source.sound.any()
    assert not source.sound[: RATE // 4].any()
