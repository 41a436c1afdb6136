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

import sys

import numpy as np
import pytest
import reference_kernels as reference
from acoustic_scenes import two_circles

from av_tracker_nodes.acoustics import backend, kernels
from av_tracker_nodes.acoustics.backend import choose_backend
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.errors import InputError

ARRAY = two_circles()
DELAYS = PairDelays.of(ARRAY)
GCC = GccPhat(16_000, DELAYS.longest)
SCALE = 1 / (DELAYS.speed * GCC.lag_step)
POINTS = np.random.default_rng(1).uniform([-1.8, -6, 0], [1.8, 2, 1.6], size=(5003, 3))


def correlation():
    shape = (len(DELAYS.pairs), len(GCC.lags))
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def agreed(name, *arguments, atol=1e-5):
    """What plain loops make of arguments; compiled ones make the same of them."""
    expected = getattr(reference, name)(*arguments)
    np.testing.assert_allclose(getattr(kernels, name)(*arguments), expected, atol=atol)
    return expected


def complex_noise(*shape):
    parts = np.random.default_rng(0).normal(size=(2, *shape))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def test_lookup_agrees():
    table = np.random.default_rng(2).integers(0, len(GCC.lags), size=(56, 5003)).astype(np.uint16)
    for pairs in (1, 6, 56):
        some = correlation()[:pairs], table[:pairs]
        expected = agreed('mean_at_lags', *some)
        assert expected[7] == pytest.approx(some[0][range(pairs), some[1][:, 7]].mean(), abs=1e-5)


def test_interpolation_agrees():
    arguments = correlation(), POINTS, ARRAY.positions, DELAYS.pairs, SCALE
    agreed('mean_at_points', *arguments, atol=1e-4)


@pytest.mark.parametrize('loops', [reference, kernels])
def test_points_too_far_away_read_nothing_beyond_the_lags(loops):
    """What lies around the table would be added, or is not even memory of this process."""
    directions = np.random.default_rng(3).normal(size=(5000, 3))
    ones = np.ones((len(DELAYS.pairs), len(GCC.lags)), np.float32)
    for distance in (1e30, 1e9, 1e6, 1e3):
        points = distance * directions
        values = loops.mean_at_points(ones, points, ARRAY.positions, DELAYS.pairs, SCALE)
        assert values.shape == (5000,)
    np.testing.assert_allclose(values, 1.0)


def test_interpolation_is_exact_for_straight_lines():
    ramp = np.tile(np.arange(len(GCC.lags), dtype=np.float32), (56, 1))
    values = reference.mean_at_points(ramp, POINTS, ARRAY.positions, DELAYS.pairs, SCALE)
    expected = DELAYS.at(POINTS).mean(axis=1) / GCC.lag_step + len(GCC.lags) // 2
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_cross_spectra_agree():
    rng = np.random.default_rng(0)
    whitened = np.exp(1j * rng.uniform(0, 6, (5, 16, 30))).astype(np.complex64)
    weights = rng.uniform(size=(5, 30)).astype(np.float32)
    agreed('weighted_cross', whitened, weights, DELAYS.pairs)


def noise_in_band():
    """Cross-spectra of noise, delays of a place and the band."""
    cross = complex_noise(len(DELAYS.pairs), 308) / np.float32(308)
    return cross, DELAYS.at(POINTS[0]), (GCC.first_bin, GCC.bin_width)


def test_correlations_at_delays_agree():
    cross, delays, band = noise_in_band()
    expected = reference.correlation_at(cross, delays, *band)
    scale = np.abs(expected).max(axis=0)
    actual = kernels.correlation_at(cross, delays, *band)
    np.testing.assert_allclose(actual / scale, expected / scale, atol=1e-5)


def test_derivatives_of_correlations_are_those_of_finite_differences():
    cross, delays, band = noise_in_band()
    step = 1e-7
    before, here, after = (
        reference.correlation_at(cross.astype(complex), delays + shift, *band)
        for shift in (-step, 0.0, step)
    )
    np.testing.assert_allclose(here[:, 0], pair_by_pair(cross, delays, *band), atol=1e-6)
    for order in (0, 1):
        slope = (after - before)[:, order] / (2 * step)
        error = 1e-3 * np.abs(slope).max()
        np.testing.assert_allclose(here[:, order + 1], slope, atol=error)


def pair_by_pair(cross, delays, first_bin, bin_width):
    """Correlations at delays by the plain definition."""
    frequencies = (first_bin + np.arange(cross.shape[1])) * bin_width
    return [
        sum(
            (c * np.exp(2j * np.pi * f * delay)).real
            for c, f in zip(row, frequencies, strict=True)
        )
        for row, delay in zip(cross, delays, strict=True)
    ]


def test_aligned_spectra_agree():
    cross, delays, band = noise_in_band()
    agreed('aligned_spectrum', cross, delays, *band, atol=1e-7)
    total = kernels.aligned_spectrum(cross, delays, *band).sum()
    correlations = kernels.correlation_at(cross, delays, *band)[:, 0]
    assert total == pytest.approx(correlations.mean(), abs=1e-6)


def test_delayed_spectra_agree_and_are_aligned_again():
    rng = np.random.default_rng(3)
    spectrum, gains = rng.uniform(size=308).astype(np.float32), np.ones(len(DELAYS.pairs))
    _, delays, band = noise_in_band()
    delayed = agreed('delayed_spectrum', spectrum, 2 * gains, delays, *band)
    again = kernels.aligned_spectrum(delayed, delays, *band)
    np.testing.assert_allclose(again, 2 * spectrum, atol=1e-5)


def turns_to(places):
    """Turns (periods a bin of 2 Hz) of the channels for beams to some places."""
    travel = DELAYS.travel(POINTS[:places])
    return 2 * (travel.max(axis=1, keepdims=True) - travel)


@pytest.mark.parametrize('places', [0, 1, 3])
def test_turned_sums_agree(places):
    beams = agreed('turned_sum', complex_noise(16, 4000), turns_to(places), atol=1e-4)
    assert beams.shape == (places, 4000)


def symmetric(strips, size):
    factors = np.random.default_rng(0).normal(size=(strips, size, size))
    return (factors @ factors.swapaxes(1, 2) / size).astype(np.float32)


@pytest.mark.parametrize('microphones', [1, 4, 16])
def test_weighed_spectra(microphones):
    spectra = complex_noise(microphones, 1001)
    weights = symmetric(63, microphones)
    actual = kernels.weighed(spectra, weights, 16)
    assert actual.dtype == np.complex64
    expected = np.einsum('kmn,nk->mk', weights[np.arange(1001) // 16], spectra)
    np.testing.assert_allclose(actual, expected, atol=1e-4)


@pytest.mark.parametrize('places', [0, 1, 2, 5])
def test_parted_beams_agree(places):
    beams = complex_noise(places, 1001)
    agreed('parted', beams, turns_to(places), symmetric(63, 16), 16, atol=1e-4)


def test_without_a_driver_torch_is_not_asked(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(backend.ctypes, 'CDLL', missing)
    monkeypatch.setattr(backend, 'torch_available', lambda: True)
    # To import it would fail.
    monkeypatch.setitem(sys.modules, 'torch', None)
    assert not backend.cuda_available()


def test_backends():
    assert choose_backend('numba') == 'numba'
    assert choose_backend() in ('cuda', 'numba')
    with pytest.raises(InputError, match='unknown acoustic backend'):
        choose_backend('fpga')
