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

"""The inner loops of the acoustic stage, compiled by numba."""

from __future__ import annotations

import numpy as np
from numba import njit

_compile = njit(cache=True, fastmath=True, nogil=True)

_BLOCK = 256


@_compile
def weighted_cross(whitened: np.ndarray, weights: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Sum the weighted cross-spectra of microphone pairs over frames.

    Parameters
    ----------
    whitened : np.ndarray, shape (frames, microphones, bins), complex64
        Spectra of unit modulus.
    weights : np.ndarray, shape (frames, bins), float32
    pairs : np.ndarray, shape (pairs, 2)

    Returns
    -------
    np.ndarray, shape (pairs, bins), complex64
        ``sum_t w(t, f) U_i(t, f) conj(U_j(t, f))``.
    """
    frames, _, bins = whitened.shape
    cross = np.zeros((len(pairs), bins), np.complex64)
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        for t in range(frames):
            for f in range(bins):
                cross[k, f] += weights[t, f] * whitened[t, i, f] * np.conj(whitened[t, j, f])
    return cross


@_compile
def mean_at_lags(correlation: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Look the correlation of every pair up at tabulated lags and average over pairs.

    Parameters
    ----------
    correlation : np.ndarray, shape (pairs, lags), float32
    table : np.ndarray, shape (pairs, points), uint16
        Index of the lag nearest to the delay of each point.

    Returns
    -------
    np.ndarray, shape (points,), float32

    Notes
    -----
    Four pairs at a time, so that a sum is loaded and stored once for four look-ups.
    """
    pairs, points = table.shape
    result = np.zeros(points, np.float32)
    whole = pairs - pairs % 4
    for k in range(0, whole, 4):
        one, two, three, four = correlation[k : k + 4]
        for p in range(points):
            result[p] += one[table[k, p]] + two[table[k + 1, p]]
            result[p] += three[table[k + 2, p]] + four[table[k + 3, p]]
    for k in range(whole, pairs):
        for p in range(points):
            result[p] += correlation[k, table[k, p]]
    return result / np.float32(pairs)


@_compile
def mean_at_points(
    correlation: np.ndarray,
    points: np.ndarray,
    microphones: np.ndarray,
    pairs: np.ndarray,
    lags_per_metre: float,
) -> np.ndarray:
    """Average the correlation of all pairs at points, linearly between lags.

    Parameters
    ----------
    correlation : np.ndarray, shape (pairs, lags), float32
        Zero lag in the middle.
    points : np.ndarray, shape (points, 3)
        Metres.
    microphones : np.ndarray, shape (microphones, 3)
        Metres.
    pairs : np.ndarray, shape (pairs, 2)
    lags_per_metre : float
        Lag steps that sound needs for a metre.

    Returns
    -------
    np.ndarray, shape (points,), float32

    Notes
    -----
    Blocks of points keep travel times and lags in the cache, and everything but the look-up
    vectorised; unsigned indices spare the test for negative ones.
    """
    number, lags = correlation.shape
    flat = correlation.ravel()
    scale, middle = np.float32(lags_per_metre), np.float32(lags // 2)
    last = np.int32(lags - 2)
    heard_at = microphones.astype(np.float32)
    place = np.empty((3, _BLOCK), np.float32)
    travel = np.empty((len(microphones), _BLOCK), np.float32)
    share = np.empty(_BLOCK, np.float32)
    entry = np.empty(_BLOCK, np.uint32)
    total = np.empty(_BLOCK, np.float32)
    result = np.empty(len(points), np.float32)
    for start in range(0, len(points), _BLOCK):
        count = min(_BLOCK, len(points) - start)
        for p in range(count):
            for axis in range(3):
                place[axis, p] = points[start + p, axis]
        for m in range(len(microphones)):
            for p in range(count):
                x = place[0, p] - heard_at[m, 0]
                y = place[1, p] - heard_at[m, 1]
                z = place[2, p] - heard_at[m, 2]
                travel[m, p] = np.sqrt(x * x + y * y + z * z) * scale
        total[:] = 0
        for k in range(number):
            i, j, row = pairs[k, 0], pairs[k, 1], np.uint32(lags * k)
            for p in range(count):
                lag = travel[i, p] - travel[j, p] + middle
                # From very far away, rounding alone leads beyond the lags.
                below = min(max(np.int32(lag), np.int32(0)), last)
                share[p] = lag - np.float32(below)
                entry[p] = row + np.uint32(below)
            for p in range(count):
                at = np.uint64(entry[p])
                low = flat[at]
                total[p] += low + share[p] * (flat[at + np.uint64(1)] - low)
        for p in range(count):
            result[start + p] = total[p] / np.float32(number)
    return result


@_compile
def correlation_at(
    cross: np.ndarray, delays: np.ndarray, first_bin: int, bin_width: float
) -> np.ndarray:
    """Correlate every pair at a delay, with the first and second derivative by the delay.

    Parameters
    ----------
    cross : np.ndarray, shape (pairs, bins), complex64
    delays : np.ndarray, shape (pairs,)
        Seconds.
    first_bin : int
        Of the band.
    bin_width : float
        Hz.

    Returns
    -------
    np.ndarray, shape (pairs, 3)
        ``sum_f Re((i w)^n C(f) exp(i w tau))`` for n = 0, 1, 2, with ``w = 2 pi f``.
    """
    pairs, bins = cross.shape
    result = np.empty((pairs, 3))
    real, imaginary = np.empty(bins), np.empty(bins)
    turn = 2 * np.pi * bin_width
    for k in range(pairs):
        _phasors(real, imaginary, delays[k], first_bin, bin_width)
        value = slope = curvature = 0.0
        for f in range(bins):
            x, y, w = cross[k, f].real, cross[k, f].imag, float(first_bin + f)
            along = x * real[f] + y * imaginary[f]
            value += along
            slope -= w * (y * real[f] - x * imaginary[f])
            curvature -= w * w * along
        result[k, 0] = value
        result[k, 1] = turn * slope
        result[k, 2] = turn * turn * curvature
    return result


@_compile
def aligned_spectrum(
    cross: np.ndarray, delays: np.ndarray, first_bin: int, bin_width: float
) -> np.ndarray:
    """Take the delays off cross-spectra and average the real part over pairs.

    Parameters are those of `correlation_at`.

    Returns
    -------
    np.ndarray, shape (bins,), float32
        ``1/K sum_k Re(C_k(f) exp(2 pi i f tau_k))``.
    """
    pairs, bins = cross.shape
    total = np.zeros(bins)
    real, imaginary = np.empty(bins), np.empty(bins)
    for k in range(pairs):
        _phasors(real, imaginary, delays[k], first_bin, bin_width)
        for f in range(bins):
            total[f] += cross[k, f].real * real[f] + cross[k, f].imag * imaginary[f]
    return (total / pairs).astype(np.float32)


@_compile
def delayed_spectrum(
    spectrum: np.ndarray,
    gains: np.ndarray,
    delays: np.ndarray,
    first_bin: int,
    bin_width: float,
) -> np.ndarray:
    """Cross-spectra of a source with a spectrum.

    Parameters
    ----------
    spectrum : np.ndarray, shape (bins,)
    gains, delays : np.ndarray, shape (pairs,)
        Factors, and seconds.
    first_bin : int
        Of the band.
    bin_width : float
        Hz.

    Returns
    -------
    np.ndarray, shape (pairs, bins), complex64
        ``g_k S(f) exp(-2 pi i f tau_k)``.
    """
    pairs, bins = len(delays), len(spectrum)
    result = np.empty((pairs, bins), np.complex64)
    real, imaginary = np.empty(bins), np.empty(bins)
    for k in range(pairs):
        _phasors(real, imaginary, delays[k], first_bin, bin_width)
        for f in range(bins):
            strength = gains[k] * spectrum[f]
            result[k, f] = complex(strength * real[f], strength * imaginary[f])
    return result


@_compile
def turned_sum(spectra: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Turn the bins of each microphone and add the microphones up, for each place.

    Parameters
    ----------
    spectra : np.ndarray, shape (microphones, bins), complex64
    turns : np.ndarray, shape (places, microphones)
        Periods that a bin is turned back by from one bin to the next.

    Returns
    -------
    np.ndarray, shape (places, bins), complex64
        ``sum_m X_m(k) exp(-2 pi i k u_m)`` at bin k.
    """
    places, (microphones, bins) = len(turns), spectra.shape
    real, imaginary = np.empty(bins, np.float32), np.empty(bins, np.float32)
    total = np.zeros((places, 2, bins), np.float32)
    for m in range(microphones):
        for p in range(places):
            _phasors(real, imaginary, turns[p, m], 0, 1.0)
            for f in range(bins):
                x, y = spectra[m, f].real, spectra[m, f].imag
                total[p, 0, f] += x * real[f] - y * imaginary[f]
                total[p, 1, f] += x * imaginary[f] + y * real[f]
    result = np.empty((places, bins), np.complex64)
    for p in range(places):
        for f in range(bins):
            result[p, f] = complex(total[p, 0, f], total[p, 1, f])
    return result


def weighed(spectra: np.ndarray, weights: np.ndarray, strip: int) -> np.ndarray:
    """Mix microphones, in each strip of bins by weights of its own.

    Parameters
    ----------
    spectra : np.ndarray, shape (microphones, bins), complex64
    weights : np.ndarray, shape (strips, microphones, microphones), float32
    strip : int
        Bins of a strip; the last one may be shorter.

    Returns
    -------
    np.ndarray, shape (microphones, bins), complex64
        ``sum_n W_mn X_n(k)``.
    """
    # BLAS mixes sooner than any loop. Weights are real: real and imaginary parts are columns
    # side by side.
    columns = np.ascontiguousarray(_in_strips(spectra, strip)).view(np.float32)
    return _from_strips((weights @ columns).view(np.complex64), spectra.shape[1])


@_compile
def parted(beams: np.ndarray, turns: np.ndarray, weights: np.ndarray, strip: int) -> np.ndarray:
    """Take off beams what they hear of each other's places.

    Parameters
    ----------
    beams : np.ndarray, shape (places, bins), complex64
        What `turned_sum` returns for spectra that were `weighed`.
    turns : np.ndarray, shape (places, microphones)
    weights : np.ndarray, shape (strips, microphones, microphones), float32
        Symmetric.
    strip : int

    Returns
    -------
    np.ndarray, shape (places, bins), complex64
        ``(G + I)^-1 B`` with ``G_st = E_s^T W conj(E_t)`` in the middle of the strip, E the turns.
    """
    places, bins = beams.shape
    microphones = turns.shape[1]
    angles = -2 * np.pi * strip * turns
    turned, onwards = np.exp(0.5j * angles), np.exp(1j * angles)
    gains = np.empty((places, places), np.complex128)
    weighed_turns = np.empty(microphones, np.complex128)
    result = np.zeros((places, bins), np.complex64)
    for start in range(0, bins, strip):
        for p in range(places):
            for m in range(microphones):
                total = 0j
                for n in range(microphones):
                    total += weights[start // strip, n, m] * turned[p, n]
                weighed_turns[m] = total
            for q in range(p + 1):
                gain = 0j
                for m in range(microphones):
                    gain += weighed_turns[m] * np.conj(turned[q, m])
                gains[p, q] = gain
                gains[q, p] = np.conj(gain)
            gains[p, p] += 1
        _invert(gains)
        for p in range(places):
            for q in range(places):
                weight = np.complex64(gains[p, q])
                for f in range(start, min(start + strip, bins)):
                    result[p, f] += weight * beams[q, f]
            for m in range(microphones):
                turned[p, m] *= onwards[p, m]
    return result


def _in_strips(spectra: np.ndarray, strip: int) -> np.ndarray:
    """Cut spectra (rows, bins) to (strips, rows, bins of a strip), the last filled up by zeros."""
    rows, bins = spectra.shape
    padded = np.pad(spectra, ((0, 0), (0, -bins % strip)))
    return padded.reshape(rows, padded.shape[1] // strip, strip).swapaxes(0, 1)


def _from_strips(cut: np.ndarray, bins: int) -> np.ndarray:
    strips, rows, strip = cut.shape
    return cut.swapaxes(0, 1).reshape(rows, strips * strip)[:, :bins]


@_compile
def _invert(matrix: np.ndarray) -> None:
    """Invert a positive Hermitian matrix in place (Gauss and Jordan)."""
    size = len(matrix)
    for p in range(size):
        pivot = 1 / matrix[p, p]
        matrix[p, p] = 1
        for k in range(size):
            matrix[p, k] *= pivot
        for q in range(size):
            if q != p:
                factor = matrix[q, p]
                matrix[q, p] = 0
                for k in range(size):
                    matrix[q, k] -= factor * matrix[p, k]


@_compile
def _phasors(
    real: np.ndarray, imaginary: np.ndarray, delay: float, first_bin: int, bin_width: float
) -> None:
    """Fill in ``exp(-2 pi i f tau)``, each time turning all that is there to as many bins more."""
    angle = -2 * np.pi * bin_width * delay
    real[0], imaginary[0] = np.cos(angle * first_bin), np.sin(angle * first_bin)
    cosine, sine = np.cos(angle), np.sin(angle)
    done = 1
    while done < len(real):
        c, s = real.dtype.type(cosine), real.dtype.type(sine)
        for f in range(min(done, len(real) - done)):
            real[done + f] = real[f] * c - imaginary[f] * s
            imaginary[done + f] = real[f] * s + imaginary[f] * c
        cosine, sine = cosine * cosine - sine * sine, 2 * cosine * sine
        done *= 2
