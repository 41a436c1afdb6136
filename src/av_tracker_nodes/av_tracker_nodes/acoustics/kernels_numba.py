# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The inner loops of the acoustic stage, compiled by numba; documented in `kernels_numpy`."""

from __future__ import annotations

import numpy as np
from numba import njit

_compile = njit(cache=True, fastmath=True, nogil=True)

_BLOCK = 64


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
    """Average the correlation of all pairs at points, linearly between lags.

    Blocks of points keep the travel times in the cache and the inner loops vectorised.
    """
    scale = np.float32(lags_per_metre)
    middle = np.float32(correlation.shape[1] // 2)
    travel = np.empty((len(microphones), _BLOCK), np.float32)
    lag = np.empty(_BLOCK, np.float32)
    below = np.empty(_BLOCK, np.int32)
    total = np.empty(_BLOCK, np.float32)
    result = np.empty(len(points), np.float32)
    for start in range(0, len(points), _BLOCK):
        count = min(_BLOCK, len(points) - start)
        for m in range(len(microphones)):
            for p in range(count):
                x = np.float32(points[start + p, 0] - microphones[m, 0])
                y = np.float32(points[start + p, 1] - microphones[m, 1])
                z = np.float32(points[start + p, 2] - microphones[m, 2])
                travel[m, p] = np.sqrt(x * x + y * y + z * z) * scale
        total[:] = 0
        for k in range(len(pairs)):
            i, j = pairs[k, 0], pairs[k, 1]
            for p in range(count):
                lag[p] = travel[i, p] - travel[j, p] + middle
                below[p] = np.int32(lag[p])
            for p in range(count):
                low = correlation[k, below[p]]
                share = lag[p] - np.float32(below[p])
                total[p] += low + share * (correlation[k, below[p] + 1] - low)
        for p in range(count):
            result[start + p] = total[p] / np.float32(len(pairs))
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
