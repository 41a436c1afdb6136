# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The inner loops of the acoustic stage, compiled by numba; documented in `kernels_numpy`."""

from __future__ import annotations

import numpy as np
from numba import njit

_compile = njit(cache=True, fastmath=True, nogil=True)


@_compile
def weighted_cross(whitened, weights, pairs):
    """Sum the weighted cross-spectra of microphone pairs over frames."""
    frames, _, bins = whitened.shape
    cross = np.zeros((len(pairs), bins), np.complex64)
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        for t in range(frames):
            for f in range(bins):
                cross[k, f] += weights[t, f] * whitened[t, i, f] * np.conj(whitened[t, j, f])
    return cross


@_compile
def mean_at_lags(correlation, table):
    """Look the correlation of every pair up at tabulated lags and average over pairs."""
    points, pairs = table.shape
    result = np.empty(points, np.float32)
    for p in range(points):
        total = np.float32(0)
        for k in range(pairs):
            total += correlation[k, table[p, k]]
        result[p] = total / np.float32(pairs)
    return result


@_compile
def mean_at_points(correlation, points, microphones, pairs, lags_per_metre):
    """Average the correlation of all pairs at points, linearly between lags."""
    middle = correlation.shape[1] // 2
    travel = np.empty(len(microphones), np.float64)
    result = np.empty(len(points), np.float32)
    for p in range(len(points)):
        for m in range(len(microphones)):
            x = points[p, 0] - microphones[m, 0]
            y = points[p, 1] - microphones[m, 1]
            z = points[p, 2] - microphones[m, 2]
            travel[m] = np.sqrt(x * x + y * y + z * z) * lags_per_metre
        total = np.float32(0)
        for k in range(len(pairs)):
            lag = travel[pairs[k, 0]] - travel[pairs[k, 1]] + middle
            below = int(lag)
            share = np.float32(lag - below)
            low = correlation[k, below]
            total += low + share * (correlation[k, below + 1] - low)
        result[p] = total / np.float32(len(pairs))
    return result


@_compile
def steering(delays, first_bin, bins, bin_width):
    """Cross-spectra of a source of unit strength, by turning a phasor from bin to bin."""
    result = np.empty((len(delays), bins), np.complex64)
    for k in range(len(delays)):
        turn = np.exp(-2j * np.pi * bin_width * delays[k])
        phasor = np.exp(-2j * np.pi * bin_width * delays[k] * first_bin)
        for f in range(bins):
            result[k, f] = phasor
            phasor *= turn
    return result
