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

"""The inner loops of the acoustic stage in plain NumPy, to compare the compiled ones with."""

from __future__ import annotations

import numpy as np

_CHUNK = 4096
"""Points handled at once, so that temporaries stay in the cache."""


def weighted_cross(whitened: np.ndarray, weights: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Sum the weighted cross-spectra of microphone pairs over frames."""
    weighted = whitened * weights[:, None]
    cross = np.zeros((len(pairs), whitened.shape[2]), np.complex64)
    for first, second in zip(weighted, whitened, strict=True):
        cross += first[pairs[:, 0]] * second[pairs[:, 1]].conj()
    return cross


def mean_at_lags(correlation: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Look the correlation of every pair up at tabulated lags and average over pairs."""
    result = np.zeros(table.shape[1], np.float32)
    for values, lags in zip(correlation, table, strict=True):
        result += values[lags]
    return result / np.float32(len(table))


def mean_at_points(
    correlation: np.ndarray,
    points: np.ndarray,
    microphones: np.ndarray,
    pairs: np.ndarray,
    lags_per_metre: float,
) -> np.ndarray:
    """Average the correlation of all pairs at points, linearly between lags."""
    middle = correlation.shape[1] // 2
    rows = np.arange(len(pairs))
    result = np.empty(len(points), np.float32)
    for start in range(0, len(points), _CHUNK):
        offsets = points[start : start + _CHUNK, None] - microphones
        travel = np.sqrt((offsets**2).sum(axis=-1)) * lags_per_metre
        lag = travel[:, pairs[:, 0]] - travel[:, pairs[:, 1]] + middle
        # From very far away, rounding alone leads beyond the lags.
        below = np.clip(np.floor(lag).astype(np.intp), 0, correlation.shape[1] - 2)
        share = (lag - below).astype(np.float32)
        values = (1 - share) * correlation[rows, below] + share * correlation[rows, below + 1]
        result[start : start + _CHUNK] = values.mean(axis=1)
    return result


def correlation_at(
    cross: np.ndarray, delays: np.ndarray, first_bin: int, bin_width: float
) -> np.ndarray:
    """Correlate every pair at a delay, with the first and second derivative by the delay."""
    angular = 2 * np.pi * (first_bin + np.arange(cross.shape[1])) * bin_width
    turned = cross * np.exp(1j * delays[:, None] * angular)
    return np.stack(
        [turned.real.sum(axis=1), -turned.imag @ angular, -turned.real @ angular**2], axis=1
    )


def aligned_spectrum(
    cross: np.ndarray, delays: np.ndarray, first_bin: int, bin_width: float
) -> np.ndarray:
    """Take the delays off cross-spectra and average the real part over pairs."""
    source = np.ones(cross.shape[1]), np.ones(len(cross))
    steering = delayed_spectrum(*source, delays, first_bin, bin_width)
    return (cross * steering.conj()).real.mean(axis=0)


def delayed_spectrum(
    spectrum: np.ndarray,
    gains: np.ndarray,
    delays: np.ndarray,
    first_bin: int,
    bin_width: float,
) -> np.ndarray:
    """Cross-spectra of a source with a spectrum."""
    frequencies = (first_bin + np.arange(len(spectrum))) * bin_width
    phasors = np.exp(-2j * np.pi * delays[:, None] * frequencies)
    return (gains[:, None] * spectrum * phasors).astype(np.complex64)


def turned_sum(spectra: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Turn the bins of each microphone and add the microphones up, for each place."""
    result = np.empty((len(turns), spectra.shape[1]), np.complex64)
    for beam, turn in zip(result, turns, strict=True):
        beam[:] = (spectra * _phasors(turn, np.arange(spectra.shape[1])).T).sum(axis=0)
    return result


def parted(beams: np.ndarray, turns: np.ndarray, weights: np.ndarray, strip: int) -> np.ndarray:
    """Take off beams what they hear of each other's places."""
    places, bins = beams.shape
    turned = _phasors(turns, np.arange(len(weights)) * strip + strip / 2)
    gains = turned @ weights @ turned.conj().swapaxes(1, 2)
    inverse = np.linalg.inv(gains + np.eye(places))
    return _from_strips(inverse @ _in_strips(beams, strip), bins).astype(np.complex64)


def _in_strips(spectra: np.ndarray, strip: int) -> np.ndarray:
    """Cut spectra (rows, bins) to (strips, rows, bins of a strip), the last filled up by zeros."""
    rows, bins = spectra.shape
    padded = np.pad(spectra, ((0, 0), (0, -bins % strip)))
    return padded.reshape(rows, padded.shape[1] // strip, strip).swapaxes(0, 1)


def _from_strips(cut: np.ndarray, bins: int) -> np.ndarray:
    strips, rows, strip = cut.shape
    return cut.swapaxes(0, 1).reshape(rows, strips * strip)[:, :bins]


def _phasors(turns: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return ``exp(-2 pi i k turns)`` for turns (...) at bins k, shape (bins, ...)."""
    return np.exp(np.multiply.outer(bins, -2j * np.pi * turns))
