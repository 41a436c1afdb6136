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
import pyroomacoustics
import pytest
from scipy.signal import butter, csd, sosfiltfilt, welch

from av_tracker_nodes.research.simulation.diffuse import DiffuseField
from av_tracker_nodes.research.simulation.image_sources import HOP, render_early
from av_tracker_nodes.research.simulation.meeting_room import ROOM, microphones
from av_tracker_nodes.research.simulation.reverberation import (
    reflection_factor,
    render_tail,
    reverberation_time,
    tail_envelope,
)
from av_tracker_nodes.research.simulation.speech import RATE

ARRAY = microphones()
C = ARRAY.speed_of_sound
TALKERS = np.array([[1.1, 0.3, 0.9], [0.7, 1.0, 0.8], [1.3, -0.9, 1.0], [-1.2, -0.5, 0.9]])


def response(talker: np.ndarray, rt60: float) -> np.ndarray:
    """Impulse response (16, samples) of a talker who faces the table."""
    signal = np.zeros(round(1.3 * rt60 * RATE), np.float32)
    signal[0] = 1
    reflection = reflection_factor(ROOM, rt60, C)
    mouth = np.tile(talker, (signal.size // HOP + 2, 1))
    early = render_early(signal, mouth, -mouth, ARRAY.positions, ARRAY.groups, ROOM, reflection, C)
    envelope = tail_envelope(ROOM, talker, reflection, rt60, C)
    field, rng = DiffuseField(ARRAY), np.random.default_rng(0)
    return early + render_tail(signal, mouth, envelope, field, rng)


@pytest.mark.parametrize('rt60', [0.2, 0.45, 0.8])
def test_reverberation_time_of_a_known_decay(rt60):
    time = np.arange(2 * RATE) / RATE
    decay = np.random.default_rng(1).normal(size=time.size) * 10 ** (-3 * time / rt60)
    assert reverberation_time(decay, RATE) == pytest.approx(rt60, rel=0.03)


@pytest.mark.parametrize('rt60', [0.25, 0.35, 0.5])
def test_rendered_responses_decay_as_asked(rt60):
    measured = [
        np.mean([reverberation_time(channel, RATE) for channel in response(talker, rt60)])
        for talker in TALKERS
    ]
    np.testing.assert_allclose(measured, rt60, rtol=0.15)
    assert np.mean(measured) == pytest.approx(rt60, rel=0.1)


@pytest.mark.parametrize('rt60', [0.3, 0.5])
def test_decay_agrees_with_all_image_sources_of_pyroomacoustics(rt60):
    """Below 100 Hz images of equal sign add up, which no real wall does; it is left out."""
    pyroomacoustics.constants.set('c', C)
    reflection = reflection_factor(ROOM, rt60, C)
    high_pass = butter(4, 100, 'high', fs=RATE, output='sos')
    theirs, early_to_late = [], []
    for talker in TALKERS[:3]:
        room = pyroomacoustics.ShoeBox(
            ROOM.maximum - ROOM.minimum,
            fs=RATE,
            materials=pyroomacoustics.Material(1 - reflection**2),
            max_order=25,
            air_absorption=False,
        )
        room.add_source(talker - ROOM.minimum)
        room.add_microphone((ARRAY.positions[:1] - ROOM.minimum).T)
        room.compute_rir()
        full = sosfiltfilt(high_pass, room.rir[0][0][40:])
        ours = sosfiltfilt(high_pass, response(talker, rt60)[0])
        theirs.append(reverberation_time(full, RATE))
        late = [10 * np.log10(np.sum(x[800:] ** 2) / np.sum(x[:800] ** 2)) for x in (ours, full)]
        early_to_late.append(late[0] - late[1])
    assert np.mean(theirs) == pytest.approx(rt60, rel=0.15)
    # Voices are directed at the table, the sources of PyRoomAcoustics are not: a little drier.
    assert -4.0 < np.mean(early_to_late) < 0.5


def test_tail_of_a_walking_talker_keeps_its_power():
    rng = np.random.default_rng(2)
    signal = rng.normal(size=4 * RATE).astype(np.float32)
    envelope = tail_envelope(ROOM, TALKERS[0], 0.8, 0.3, C)
    knots = signal.size // HOP + 2
    still = np.tile(TALKERS[0], (knots, 1))
    walking = still + np.linspace(0, 3, knots)[:, None] * [0, -1, 0]
    field = DiffuseField(ARRAY)
    power = [
        np.var(render_tail(signal, mouth, envelope, field, rng)[:, RATE:])
        for mouth in (still, walking)
    ]
    assert 10 * np.log10(power[1] / power[0]) == pytest.approx(0, abs=0.6)


@pytest.fixture(scope='module')
def noise() -> np.ndarray:
    return DiffuseField(microphones()).noise(30 * RATE, 0.7, np.random.default_rng(0))


@pytest.mark.thorough
@pytest.mark.parametrize(('i', 'j'), [(0, 1), (0, 4), (0, 8)])
def test_coherence_is_that_of_a_diffuse_field(noise, i, j):
    array = microphones()
    frequency, cross = csd(noise[i], noise[j], RATE, nperseg=1024)
    power = [welch(noise[k], RATE, nperseg=1024)[1] for k in (i, j)]
    coherence = cross / np.sqrt(power[0] * power[1])
    apart = np.linalg.norm(array.positions[i] - array.positions[j])
    expected = np.sinc(2 * frequency * apart / array.speed_of_sound)
    band = (frequency > 100) & (frequency < 7000)
    assert np.abs(coherence - expected)[band].max() < 0.2
    assert np.sqrt(np.mean(np.abs(coherence - expected)[band] ** 2)) < 0.06


def test_noise_is_steady_of_unit_variance_and_falls_with_frequency(noise):
    assert noise.shape == (16, 30 * RATE)
    assert noise.std(axis=1) == pytest.approx(1.0, rel=0.05)
    level = np.sqrt(np.mean(noise.reshape(16, 30, -1) ** 2, axis=(0, 2)))
    assert level == pytest.approx(1.0, rel=0.1)
    frequency, power = welch(noise[0], RATE, nperseg=4096)
    at = [power[np.abs(frequency - f) < 100].mean() for f in (500, 4000)]
    assert 10 * np.log10(at[0] / at[1]) == pytest.approx(20 * 0.7 * np.log10(8), abs=1.0)
