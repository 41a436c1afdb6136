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

"""Beams: what the microphones hear from a place, as a signal."""

from __future__ import annotations

from math import gcd

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.noise_field import noise_field

_STRIP = 16
"""Bins for which gains of and between beams are taken as constant: 30 Hz for 0.5 s."""

_OWN = 0.03
"""Noise of a microphone, relative to that from all sides and to a place (validation scenes 1600
to 1606 of `av-tracker benchmark beams`, by the area under the ROC of the voice activity)."""


def delay_and_sum(
    samples: np.ndarray, delays: np.ndarray, rate: int, beam_rate: int | None = None
) -> np.ndarray:
    """Align the channels to places and average them (Johnson and Dudgeon 1993, section 4.2).

    Each channel waits until the sound has reached the last microphone, so that no sample of the
    future is missing; the first samples of a beam are incomplete for as long as channels wait.
    Delays are exact fractions of a sample, as turns of phase over the whole block, and the
    sampling rate changes by cutting or filling up its spectrum.

    Parameters
    ----------
    samples : np.ndarray, shape (n, microphones), float32
        Of the microphones that hear; leave dead ones out.
    delays : np.ndarray, shape (places, microphones)
        Times (s) of sound from the places to the microphones, up to a constant.
    rate : int
        Of the samples (Hz).
    beam_rate : int, optional
        Of the beams (Hz); that of the samples if left out.

    Returns
    -------
    np.ndarray, shape (places, n * beam_rate // rate), float32
        Each as loud as one microphone hears the place.
    """
    beam_rate = beam_rate or rate
    waits = _waits(delays)
    size, beam_size = _block_sizes(len(samples) + waits.max(initial=0.0) * rate, rate, beam_rate)
    spectra = _spectra(samples, size, beam_size)
    beams = kernels.turned_sum(spectra, rate / size * waits)
    beams *= np.float32(beam_size / size / len(spectra))
    return irfft(beams, beam_size)[:, : len(samples) * beam_rate // rate]


class PartedBeams:
    """Beams to several places at once, each without the others and with little noise.

    The least squares that explain sound x by the places and by noise of covariance D, that from
    all sides and of the microphones' own (:func:`noise_field`), with all places as loud as it::

        y = (A^H D^-1 A + I)^-1 A^H D^-1 x

    A are the steering vectors of the places. But for its gain at each frequency, a beam is the
    distortionless one against noise and the other places (Van Trees 2002, sections 6.2.4 and
    6.3). It needs no statistics of the sound, and no part of the past but the block itself.

    Parameters
    ----------
    delays : PairDelays
        Of the microphones.
    rate, beam_rate : int
        Of the samples and of the beams (Hz).
    count : int
        Samples of a block.
    lowest : float
        Sound below this frequency (Hz) is left out: offset and rumble.
    """

    def __init__(
        self,
        delays: PairDelays,
        rate: int,
        beam_rate: int,
        count: int,
        lowest: float = 0.0,
    ) -> None:
        self._delays = delays
        extent = np.linalg.norm(np.ptp(delays.microphones, axis=0)) / delays.speed
        self._size, self._beam_size = _block_sizes(count + extent * rate, rate, beam_rate)
        self._width = rate / self._size
        self._length = count * beam_rate // rate
        self._lowest = int(np.ceil(lowest / self._width))
        self._alive: np.ndarray | None = None

    @property
    def bin_width(self) -> float:
        """Hertz between the bins of `spectra`."""
        return self._width

    def form(self, samples: np.ndarray, alive: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Form the beams of a block, as signals.

        Parameters
        ----------
        samples, alive, places : np.ndarray
            See `spectra`.

        Returns
        -------
        np.ndarray, shape (places, count * beam_rate // rate), float32
        """
        return self.signals(self.spectra(samples, alive, places))

    def signals(self, spectra: np.ndarray) -> np.ndarray:
        """Turn `spectra` into signals (places, count * beam_rate // rate), float32."""
        return irfft(spectra, self._beam_size)[:, : self._length]

    def spectra(self, samples: np.ndarray, alive: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Form the beams of a block.

        Parameters
        ----------
        samples : np.ndarray, shape (count, microphones), float32
        alive : np.ndarray, shape (microphones,), bool
            Those that hear.
        places : np.ndarray, shape (places, 3)
            Metres, array frame.

        Returns
        -------
        np.ndarray, shape (places, bins), complex64
            As it reaches the last microphone; not as loud as it does, and least at low
            frequencies, where noise cannot be told from the places.
        """
        if self._alive is None or (alive != self._alive).any():
            self._alive, self._weights = alive.copy(), self._weights_of(alive)
        turns = self._width * _waits(self._delays.travel(places)[:, alive])
        spectra = _spectra(samples[:, alive], self._size, self._beam_size)
        white = kernels.weighed(spectra, self._weights, _STRIP)
        beams = kernels.turned_sum(white, turns)
        beams = kernels.parted(beams, turns, self._weights, _STRIP)
        beams[:, : self._lowest] = 0
        return beams * np.float32(self._beam_size / self._size)

    def _weights_of(self, alive: np.ndarray) -> np.ndarray:
        """Inverse of the covariance of noise in each strip (strips, microphones, microphones)."""
        bins = min(self._size, self._beam_size) // 2 + 1
        middles = (np.arange(0, bins, _STRIP) + _STRIP / 2) * self._width
        noise = noise_field(self._delays.microphones[alive], self._delays.speed, middles, _OWN)
        return np.linalg.inv(noise).astype(np.float32)


def _waits(delays: np.ndarray) -> np.ndarray:
    """How long channels wait (s) for the last one, shape of delays (places, microphones)."""
    return delays.max(axis=1, keepdims=True) - delays


def _spectra(samples: np.ndarray, size: int, beam_size: int) -> np.ndarray:
    """Spectra (microphones, bins) of samples (n, microphones), as far as beams have them."""
    return rfft(np.ascontiguousarray(samples.T), size)[:, : beam_size // 2 + 1]


def _block_sizes(needed: float, rate: int, beam_rate: int) -> tuple[int, int]:
    """Numbers of samples before and after the change of rate that last equally long."""
    common = gcd(rate, beam_rate)
    parts = next_fast_len(int(np.ceil(needed * common / rate)), real=True)
    return parts * (rate // common), parts * (beam_rate // common)
