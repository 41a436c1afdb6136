# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest
from acoustic_scenes import two_circles

from av_tracker_nodes.acoustics import kernels_numpy
from av_tracker_nodes.acoustics.backend import choose_backend, load_kernels
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.errors import InputError

ARRAY = two_circles()
DELAYS = PairDelays.of(ARRAY)
GCC = GccPhat(16_000, DELAYS.longest)
POINTS = np.random.default_rng(1).uniform([-1.8, -6, 0], [1.8, 2, 1.6], size=(5003, 3))


@pytest.fixture(scope='module')
def compiled():
    return pytest.importorskip('av_tracker_nodes.acoustics.kernels_numba')


def correlation():
    shape = (len(DELAYS.pairs), len(GCC.lags))
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_lookup_agrees(compiled):
    table = np.random.default_rng(2).integers(0, len(GCC.lags), size=(5003, 56)).astype(np.uint16)
    expected = kernels_numpy.mean_at_lags(correlation(), table)
    np.testing.assert_allclose(compiled.mean_at_lags(correlation(), table), expected, atol=1e-5)


def test_interpolation_agrees(compiled):
    arguments = (POINTS, ARRAY.positions, DELAYS.pairs, 1 / (DELAYS.speed * GCC.lag_step))
    expected = kernels_numpy.mean_at_points(correlation(), *arguments)
    np.testing.assert_allclose(
        compiled.mean_at_points(correlation(), *arguments), expected, atol=1e-4
    )


def test_interpolation_is_exact_for_straight_lines():
    ramp = np.tile(np.arange(len(GCC.lags), dtype=np.float32), (56, 1))
    scale = 1 / (DELAYS.speed * GCC.lag_step)
    values = kernels_numpy.mean_at_points(ramp, POINTS, ARRAY.positions, DELAYS.pairs, scale)
    expected = DELAYS.at(POINTS).mean(axis=1) / GCC.lag_step + len(GCC.lags) // 2
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_cross_spectra_agree(compiled):
    rng = np.random.default_rng(0)
    whitened = np.exp(1j * rng.uniform(0, 6, (5, 16, 30))).astype(np.complex64)
    weights = rng.uniform(size=(5, 30)).astype(np.float32)
    expected = kernels_numpy.weighted_cross(whitened, weights, DELAYS.pairs)
    actual = compiled.weighted_cross(whitened, weights, DELAYS.pairs)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_steering_agrees(compiled):
    delays = np.random.default_rng(0).uniform(-6e-4, 6e-4, 56)
    expected = kernels_numpy.steering(delays, 9, 308, 24.0)
    np.testing.assert_allclose(compiled.steering(delays, 9, 308, 24.0), expected, atol=1e-5)


def test_backends():
    assert choose_backend('numpy') == 'numpy'
    assert load_kernels('numpy') is kernels_numpy
    assert choose_backend() in ('cuda', 'numba', 'numpy')
    with pytest.raises(InputError, match='unknown acoustic backend'):
        choose_backend('fpga')
