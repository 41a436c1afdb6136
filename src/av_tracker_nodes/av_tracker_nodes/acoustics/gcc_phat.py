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

"""Generalised cross-correlation with phase transform (Knapp and Carter 1976).

Each channel is whitened once, pairs are products of whitened spectra, and the inverse transform
is taken at the few lags that the geometry allows, by matrix products, at a step finer than a
sample. Lags of opposite sign share their cosines and sines, which halves the work.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import next_fast_len, rfft

SILENT = 1e-9
"""Spectral magnitudes at or below this are digital silence, not sound."""


class GccPhat:
    """Correlates microphone pairs at fractional lags.

    Parameters
    ----------
    rate : int
        Sampling rate (Hz).
    longest_delay : float
        Lags are kept up to this delay (s).
    frame : float
        Length of the Hamming window (s).
    band : tuple of float
        Lowest and highest frequency used (Hz).
    oversampling : int
        Lags a period of twice the highest frequency.

    Attributes
    ----------
    length, size : int
        Samples of a frame, and of the Fourier transform that it is padded to.
    window : np.ndarray, shape (length, 1), float32
    frequencies : np.ndarray, shape (bins,)
        Hz.
    lag_step : float
        Seconds from one lag to the next.
    lags : np.ndarray, shape (lags,)
        Seconds, zero in the middle.
    cosines, sines : np.ndarray, shape (bins, side + 1), float32
        Inverse transform at the lags from zero on.
    """

    def __init__(
        self,
        rate: int,
        longest_delay: float,
        frame: float = 0.040,
        band: tuple[float, float] = (200.0, 7500.0),
        oversampling: int = 6,
    ) -> None:
        self.rate = rate
        self.length = round(rate * frame)
        self.size = next_fast_len(self.length + int(np.ceil(longest_delay * rate)), real=True)
        self.bin_width = rate / self.size
        self.first_bin = int(np.ceil(band[0] / self.bin_width))
        last_bin = int(min(band[1], rate / 2) / self.bin_width)
        self.frequencies = np.arange(self.first_bin, last_bin + 1) * self.bin_width
        self.lag_step = 1 / (2 * oversampling * self.frequencies[-1])
        side = int(np.ceil(longest_delay / self.lag_step)) + 1
        self.lags = np.arange(-side, side + 1) * self.lag_step
        # scipy.signal has it, too, but takes a third of a second to import.
        self.window = np.hamming(self.length + 1)[:-1, None].astype(np.float32)
        phase = 2 * np.pi * self.frequencies[:, None] * self.lags[side:]
        self.cosines = np.cos(phase).astype(np.float32)
        self.sines = np.sin(phase).astype(np.float32)

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Transform one frame.

        Parameters
        ----------
        samples : np.ndarray, shape (length, microphones), float32

        Returns
        -------
        np.ndarray, shape (microphones, bins), complex64
            Spectra within the band; a constant offset is taken off before.
        """
        level = samples - samples.mean(axis=0)
        windowed = np.ascontiguousarray((level * self.window).T)
        whole = rfft(windowed, self.size, axis=1)
        return whole[:, self.first_bin : self.first_bin + len(self.frequencies)]

    @staticmethod
    def whiten(spectra: np.ndarray) -> np.ndarray:
        """Keep the phase alone: spectra (...) of unit modulus, zero where there is silence."""
        magnitude = np.sqrt(spectra.real**2 + spectra.imag**2)
        gain = np.divide(1, magnitude, out=np.zeros_like(magnitude), where=magnitude > SILENT)
        return spectra * gain

    def correlate(self, cross: np.ndarray) -> np.ndarray:
        """Take whitened cross-spectra to the lags.

        Parameters
        ----------
        cross : np.ndarray, shape (pairs, bins), complex64
            Scaled so that the moduli of a pair sum to 1 at most.

        Returns
        -------
        np.ndarray, shape (pairs, lags), float32
            ``sum_f Re(C(f) exp(2 pi i f tau))``, 1 at most.
        """
        even, odd = cross.real @ self.cosines, cross.imag @ self.sines
        return np.concatenate([(even + odd)[:, :0:-1], even - odd], axis=1)
