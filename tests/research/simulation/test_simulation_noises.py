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

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import stft, welch

from av_tracker_nodes.geometry.rig_description import NOISE_KINDS, NoiseSource, RigDescription
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.research.simulation.noises import NOISES, switched
from av_tracker_nodes.research.simulation.rig_scene import build_rig_scene
from av_tracker_nodes.research.simulation.speech import RATE

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
