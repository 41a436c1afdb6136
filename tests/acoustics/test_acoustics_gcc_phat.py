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
import pyroomacoustics as pra
import pytest
from acoustic_scenes import RATE, propagate, two_circles
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.acoustics.coherence_field import CoherenceField, lag_table
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.kernels import weighted_cross
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray


def plain_cross(gcc, samples, pairs):
    whitened = gcc.whiten(gcc.spectra(samples))[None]
    weights = np.full((1, len(gcc.frequencies)), 1 / len(gcc.frequencies), np.float32)
    return weighted_cross(whitened, weights, pairs)


def test_delays_by_hand():
    delays = PairDelays.of(two_circles())
    assert len(delays.pairs) == 56
    pair = delays.pairs.tolist().index([0, 4])
    # Microphones 1 and 5 of array 1 lie at x = -0.1 and +0.1; the point is in line with them.
    at = delays.at(np.array([2.0, 0.4, 0.0]))
    assert at[pair] == pytest.approx((2.1 - 1.9) / 343)
    assert delays.longest == pytest.approx(0.2 / 343)
    assert len(PairDelays.of(two_circles(), across=True).pairs) == 120


def test_array_without_pairs_is_refused():
    lonely = MicrophoneArray(np.eye(3), groups=[0, 1, 2])
    with pytest.raises(InputError, match='no two microphones share a group'):
        PairDelays.of(lonely)


@settings(max_examples=25)
@given(delay=st.floats(-8, 8), gain=st.floats(1e-3, 1e3))
def test_a_fractional_delay_is_found(delay, gain):
    rng = np.random.default_rng(3)
    spectrum = np.fft.rfft(rng.normal(size=4096))
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(4096) * delay)
    samples = np.stack([np.fft.irfft(spectrum * turn), gain * np.fft.irfft(spectrum)], axis=1)
    gcc = GccPhat(RATE, 10 / RATE)
    cross = plain_cross(gcc, samples[1000:1640].astype(np.float32), np.array([[0, 1]]))
    correlation = gcc.correlate(cross)[0]
    found = gcc.lags[np.argmax(correlation)] * RATE
    # The first channel is late by `delay`; the step is 0.27 samples.
    assert found == pytest.approx(delay, abs=0.2)
    assert 0.8 < correlation.max() <= 1 + 1e-5


def test_silence_gives_zeros():
    gcc = GccPhat(RATE, 10 / RATE)
    samples = np.zeros((640, 3), np.float32)
    samples[:, 2] = np.random.default_rng(0).normal(size=640)
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    assert not gcc.correlate(plain_cross(gcc, samples, pairs)).any()


def test_correlation_is_the_inverse_transform_at_the_lags():
    rng = np.random.default_rng(1)
    gcc = GccPhat(RATE, 6e-4)
    cross = rng.normal(size=(7, len(gcc.frequencies))) + 1j * rng.normal(
        size=(7, len(gcc.frequencies))
    )
    turn = np.exp(2j * np.pi * gcc.frequencies[:, None] * gcc.lags)
    expected = (cross @ turn).real
    np.testing.assert_allclose(gcc.correlate(cross.astype(np.complex64)), expected, atol=1e-3)


def test_constant_offset_does_not_matter():
    rng = np.random.default_rng(0)
    samples = 0.01 * rng.normal(size=(640, 2)).astype(np.float32)
    gcc, pairs = GccPhat(RATE, 10 / RATE), np.array([[0, 1]])
    plain = gcc.correlate(plain_cross(gcc, samples, pairs))
    offset = gcc.correlate(plain_cross(gcc, samples + np.float32(0.3), pairs))
    np.testing.assert_allclose(offset, plain, atol=1e-3)


def test_lags_are_the_same_fraction_of_a_period_at_any_rate():
    slow, fast = GccPhat(16_000, 6e-4), GccPhat(96_000, 6e-4)
    assert fast.length == 6 * slow.length
    assert fast.lag_step == pytest.approx(slow.lag_step, rel=0.01)


@pytest.fixture(scope='module')
def noisy_frame():
    array = two_circles()
    rng = np.random.default_rng(5)
    sound = rng.normal(size=2000)
    samples = propagate([(np.array([0.9, -0.3, 0.5]), sound)], array, noise=0.3)
    return array, samples[1200:1840]


@pytest.mark.thorough
def test_field_agrees_with_exact_steered_response(noisy_frame):
    array, samples = noisy_frame
    delays = PairDelays.of(array)
    gcc = GccPhat(RATE, delays.longest)
    rng = np.random.default_rng(0)
    points = rng.uniform([-1.8, -3, 0], [1.8, 2, 1.5], size=(1500, 3))
    cross = plain_cross(gcc, samples, delays.pairs)
    field = CoherenceField(delays, gcc, points)(gcc.correlate(cross))
    turn = np.exp(2j * np.pi * gcc.frequencies * delays.at(points)[..., None])
    exact = np.einsum('kf,nkf->n', cross, turn).real / len(delays.pairs)
    scale = np.abs(exact).max()
    assert np.sqrt(np.mean((field - exact) ** 2)) / scale < 0.01
    assert np.abs(field - exact).max() / scale < 0.03
    best = points[np.argmax(field)]
    assert np.linalg.norm(best - [0.9, -0.3, 0.5]) < 0.4


def test_field_agrees_with_pyroomacoustics(noisy_frame):
    array, samples = noisy_frame
    delays = PairDelays.of(array, across=True)
    gcc = GccPhat(RATE, delays.longest)
    # Its near-field steering is that of the conjugate spectra.
    size = gcc.size
    level = (samples - samples.mean(axis=0)) * np.hamming(641)[:640, None]
    spectra = np.fft.rfft(level, size, axis=0).T.conj()
    azimuth, colatitude = np.linspace(-3, 3, 24), np.linspace(0.4, 1.5, 7)
    peer = pra.doa.SRP(
        array.positions.T,
        RATE,
        size,
        c=array.speed_of_sound,
        azimuth=azimuth,
        colatitude=colatitude,
    )
    peer.mode_vec = pra.doa.ModeVector(
        array.positions.T, RATE, size, array.speed_of_sound, peer.grid, mode='near'
    )
    bins = np.rint(gcc.frequencies / gcc.bin_width).astype(int)
    peer.locate_sources(spectra[:, :, None], freq_bins=bins)
    points = np.stack([peer.grid.x, peer.grid.y, peer.grid.z], axis=1)
    cross = plain_cross(gcc, samples, delays.pairs)
    field = CoherenceField(delays, gcc, points)(gcc.correlate(cross))
    assert np.corrcoef(field, peer.grid.values)[0, 1] > 0.999


def test_table_holds_the_nearest_lag():
    delays = PairDelays.of(two_circles())
    gcc = GccPhat(RATE, delays.longest)
    points = np.random.default_rng(0).uniform(-2, 2, size=(50, 3))
    table = lag_table(delays, gcc, points)
    assert table.dtype == np.uint16
    error = gcc.lags[table] - delays.at(points)
    assert np.abs(error).max() <= gcc.lag_step / 2 + 1e-12
