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

"""Beams that leave a place as it is and let through as little else as they can (MVDR).

For sound x, the minimum-variance distortionless-response beam to a place with steering d is
``w^H x`` with ``w = R^-1 d / (d^H R^-1 d)`` (Capon 1969). R is the covariance of what is not
wanted. Were the wanted sound in it, a beam that is steered a little wrong would take the wanted
sound away; so R is put together from parts that do not hold it::

    R = D + a sum_t e_t e_t^H + k N / mean(diag N)

D is noise from all sides and of the microphones' own (:func:`noise_field`), which loads the
diagonal; e_t steers to the other places, where somebody may speak at any time; N was heard while
the place was quiet. Whether it was, in each stretch of time and frequency, the sound itself
tells: by how much it is likelier under a complex angular central Gaussian of covariance
``d d^H + Q`` than under one of Q (Ito, Araki and Nakatani 2016), with Q in proportion to D::

    l = -log(1 + g) - M log(1 - r / (1 + g))
    g = d^H Q^-1 d,    r = |d^H Q^-1 x|^2 / (x^H Q^-1 x)

The place prevails with probability ``exp(l_s) / (1 + sum_t exp(l_t))`` over all places t.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from av_tracker_nodes.acoustics.noise_field import noise_field

# All were chosen on validation scenes (seeds 1600 to 1611, arrays of 2, 4, 7 and 16 microphones).

_STRIP = 70.0
"""About so many hertz share statistics."""

_HIGHEST = 8000.0
"""Above (Hz) there is little speech: what is there is delayed and summed."""

_OWN = 0.1
"""Noise of a microphone, relative to that from all sides: bounds what errors are multiplied by."""

_OTHERS, _KEPT = 0.3, 10.0
"""Power of each other place, and of what was heard, relative to noise from all sides."""

_DIFFUSE = 0.6
"""Power from all sides, relative to that from a place, where the place prevails."""

_POOLED_STRIPS, _POOLED_FRAMES, _SAMPLES = 5, 3, 8.0
"""What likelihoods are averaged over, and independent samples that the average is worth."""

_QUIET = 0.9
"""Probability that a place does not prevail from which on sound is kept."""

_MEMORY, _HALF = 1.0, 0.1
"""So much quiet time (s) replaces what is kept; after so much (s) it has half of its weight."""

_LEVEL_MEMORY, _LEVEL_BAND, _LEVEL_LIMIT = 5.0, (200.0, 4000.0), 2.0
"""Time (s) and band (Hz) of the levels of microphones, and what they are brought up by at most."""

_TINY = 1e-20


@dataclass
class _Kept:
    """Covariance of what was heard while a place was quiet, and hops that it is made of."""

    covariance: np.ndarray
    hops: np.ndarray


class DistortionlessBeams:
    """Beams to places, frame by frame.

    Parameters
    ----------
    microphones : np.ndarray, shape (microphones, 3)
        Metres.
    groups : np.ndarray, shape (microphones,)
        Rigid array of each; within one, all hear about the same power.
    speed : float
        Of sound (m/s).
    bins : int
        Of a frame; the first is at 0 Hz.
    width : float
        Of a bin (Hz).
    hop : float
        From one frame to the next (s).
    """

    def __init__(
        self,
        microphones: np.ndarray,
        groups: np.ndarray,
        speed: float,
        bins: int,
        width: float,
        hop: float,
    ) -> None:
        self._same_array = (groups[:, None] == groups) / (groups[:, None] == groups).sum(axis=1)
        self._frequencies = np.arange(bins) * width
        self._strip = max(1, round(_STRIP / width))
        self._strips = int(min(bins, _HIGHEST / width)) // self._strip
        middles = np.arange(self._strips) * self._strip + (self._strip - 1) / 2
        self._centres = middles * width
        between = np.clip((np.arange(bins) - middles[0]) / self._strip, 0, self._strips - 1)
        self._below = np.minimum(between.astype(int), self._strips - 2)
        self._onwards = (between - self._below).astype(np.float32)
        self._noise = noise_field(microphones, speed, self._centres, _OWN)
        self._whitening = np.linalg.inv(_DIFFUSE * self._noise)
        self._half = _HALF / hop
        self._fading, self._level_fading = np.exp(-hop / _MEMORY), np.exp(-hop / _LEVEL_MEMORY)
        self._power = np.zeros(len(microphones))
        self._kept: dict[int, _Kept] = {}
        self._likelihoods: deque[np.ndarray] = deque(maxlen=_POOLED_FRAMES)

    def form(
        self,
        spectra: np.ndarray,
        numbers: Sequence[int],
        waits: np.ndarray,
    ) -> np.ndarray:
        """Form the beams of the next frame.

        Parameters
        ----------
        spectra : np.ndarray, shape (microphones, bins), complex64
        numbers : sequence of int
            Of the places that beams go to; each stays that of its place.
        waits : np.ndarray, shape (places, microphones)
            How long (s) each channel has to wait for the sound of a place to reach the last one.
            The places of the beams come first, then others where somebody may speak.

        Returns
        -------
        np.ndarray, shape (len(numbers), bins), complex64
            The sound of the places, as it reaches the last microphone.
        """
        spectra = self._levelled(spectra)
        turns = np.exp(-2j * np.pi * waits[:, :, None] * self._frequencies).astype(np.complex64)
        steering = np.exp(2j * np.pi * waits[:, None] * self._centres[:, None])
        steering = steering.astype(np.complex64)
        inside = self._in_strips(spectra)
        quiet = self._quiet(inside, self._in_strips(turns), steering)
        heard = inside @ inside.conj().swapaxes(1, 2)
        self._kept = {
            number: self._keep(number, heard, quiet[place]) for place, number in enumerate(numbers)
        }
        beams = [
            self._beam(turns[place] * spectra, steering, place, kept)
            for place, kept in enumerate(self._kept.values())
        ]
        return np.array(beams)

    def _levelled(self, spectra: np.ndarray) -> np.ndarray:
        """Bring the microphones of a rigid array to the same level."""
        low, high = np.searchsorted(self._frequencies, _LEVEL_BAND)
        power = np.linalg.norm(spectra[:, low:high], axis=1) ** 2
        self._power = self._level_fading * self._power + power
        wanted = self._same_array @ self._power
        gain = np.sqrt((wanted + _TINY) / (self._power + _TINY))
        limited = np.clip(gain, 1 / _LEVEL_LIMIT, _LEVEL_LIMIT).astype(np.float32)
        return limited[:, None] * spectra

    def _in_strips(self, spectra: np.ndarray) -> np.ndarray:
        """Cut (..., microphones, bins) to (..., strips, microphones, bins of a strip)."""
        inside = spectra[..., : self._strips * self._strip]
        cut = inside.reshape(*inside.shape[:-1], self._strips, self._strip)
        return cut.swapaxes(-2, -3)

    def _quiet(self, sound: np.ndarray, turns: np.ndarray, steering: np.ndarray) -> np.ndarray:
        """Probability that each place does not prevail.

        Parameters
        ----------
        sound : np.ndarray, shape (strips, microphones, bins)
        turns : np.ndarray, shape (places, strips, microphones, bins)
            Conjugate of the steering in each bin.
        steering : np.ndarray, shape (places, strips, microphones)
            In the middle of each strip.

        Returns
        -------
        np.ndarray, shape (places, strips)
        """
        white = self._whitening @ sound
        power = np.sum(sound.conj() * white, axis=(1, 2)).real
        along = np.sum(np.abs(np.sum(turns * white, axis=2)) ** 2, axis=-1)
        whitened = (self._whitening @ steering[..., None])[..., 0]
        gain = np.sum(steering.conj() * whitened, axis=-1).real
        share = np.clip(along / (power + _TINY) / (1 + gain), 0, 0.9999)
        likelihood = -np.log1p(gain) - sound.shape[1] * np.log1p(-share)
        if self._likelihoods and self._likelihoods[-1].shape != likelihood.shape:
            self._likelihoods.clear()
        self._likelihoods.append(likelihood)
        pooled = uniform_filter1d(np.mean(self._likelihoods, axis=0), _POOLED_STRIPS, axis=1)
        odds = np.exp(np.minimum(_SAMPLES * pooled, 50.0))
        return 1 - odds / (1 + odds.sum(axis=0))

    def _keep(self, number: int, heard: np.ndarray, quiet: np.ndarray) -> _Kept:
        """Keep the sound of the strips in which a place is quiet."""
        weight = np.where(quiet > _QUIET, quiet, 0).astype(np.float32)
        fresh = weight[:, None, None] * heard
        before = self._kept.get(number)
        if before is None:
            return _Kept(fresh, weight)
        fading = self._fading**weight
        covariance = fading[:, None, None] * before.covariance + fresh
        return _Kept(covariance, fading * before.hops + weight)

    def _beam(
        self, aligned: np.ndarray, steering: np.ndarray, place: int, kept: _Kept
    ) -> np.ndarray:
        """Weigh channels that were aligned to a place (microphones, bins), and add them up."""
        others = np.delete(steering, place, axis=0).transpose(1, 2, 0)
        trusted = _KEPT * kept.hops / (kept.hops + self._half)
        level = np.trace(kept.covariance, axis1=1, axis2=2).real / len(aligned) + _TINY
        unwanted = self._noise + (trusted / level)[:, None, None] * kept.covariance
        unwanted += _OTHERS * (others @ others.conj().swapaxes(1, 2))
        weights = np.linalg.solve(unwanted, steering[place, ..., None])[..., 0]
        # For aligned channels weights change little along frequency, and their sum is one.
        turned = (weights.conj() * steering[place]).T
        turned /= turned.sum(axis=0)
        weights = turned[:, self._below]
        weights += self._onwards * (turned[:, self._below + 1] - weights)
        weights[:, self._strips * self._strip :] = 1 / len(aligned)
        return np.sum(weights * aligned, axis=0)
