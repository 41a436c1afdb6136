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
from scipy.signal import csd, welch

from av_tracker_nodes.research.simulation.diffuse import DiffuseField
from av_tracker_nodes.research.simulation.meeting_room import microphones
from av_tracker_nodes.research.simulation.speech import RATE


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
