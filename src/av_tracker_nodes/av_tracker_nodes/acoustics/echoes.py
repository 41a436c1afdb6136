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

"""Sound that comes back from walls, floor, ceiling and tables.

Single reflections come from the mirror image of a voice: the same sound, weaker, and later by
the way that it is longer. A source that correlates with a stronger one, at the lag of a detour by
a plane of a room, is its echo. After many reflections sound comes from everywhere and decays
steadily: what has been louder a moment ago by no more than that decay is such a tail (Lebart,
Boucher and Denbigh 2001).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.fft import irfft, next_fast_len
from scipy.ndimage import uniform_filter1d

from av_tracker_nodes.acoustics.mirror_images import MirrorImages
from av_tracker_nodes.geometry import MicrophoneArray

TAIL_FRAMES = 3
"""Hops of 20 ms over which the decay is judged."""

_TAIL_DECAY = 10**-0.4
"""What a tail keeps of its power over that time: 4 dB less, as in a room of 0.9 s (chosen on
training rooms of 0.2 to 0.8 s, seeds 400 to 402: fewest voices where nobody is)."""

_TAIL_SMOOTHING = 9
"""Bins over which power is averaged before it is compared."""

_BAND = 150.0, 3000.0
"""Frequencies that are compared (Hz); those above tell less in the same training rooms as
`_PROMINENCE`."""

_SHORTEST, _LONGEST = 0.001, 0.030
"""Lags (s) of detours over a table and across a room."""

_WHITENING = 20.0
"""Width (Hz) over which spectra are averaged before they are flattened, so that the harmonics of
a voice, which repeat at its pitch, do not pass for an echo."""

_PROMINENCE = 1.0
"""An echo correlates more at lags behind the stronger source than at leads, both weighed as mirror
images, by this many deviations of the correlation. Of echoes 39 % do, of other people who talk
8 % (ReSpeaker, UMA-8 and Azure Kinect in training rooms, seeds 400 to 403, one to three talkers;
most others come by way of two walls), with 16 microphones in two circles 89 % and none of 23."""


def without_tails(share: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Take off the share of frames what may be a tail of the frames before.

    ``s <- s (1 - d P(t - T, f) / P(t, f))``, ``d`` the decay over `TAIL_FRAMES`.

    Parameters
    ----------
    share : np.ndarray, shape (frames, bins)
        That counts of the newest frames, 0..1.
    power : np.ndarray, shape (earlier + frames, bins)
        Of these frames, and of as many before them as there are.

    Returns
    -------
    np.ndarray, shape (frames, bins), float32
    """
    smooth = uniform_filter1d(power, _TAIL_SMOOTHING, axis=1)
    tail = np.zeros_like(smooth)
    for hops in (TAIL_FRAMES, 2 * TAIL_FRAMES):
        decayed = _TAIL_DECAY ** (hops / TAIL_FRAMES) * smooth[:-hops]
        np.maximum(tail[hops:], decayed, out=tail[hops:])
    left = np.minimum(tail, smooth)
    fresh = 1 - np.divide(left, smooth, out=np.zeros_like(left), where=smooth > 0)
    return (share * fresh[-len(share) :]).astype(np.float32)


class EchoFinder:
    """Finds sources that are echoes of stronger ones.

    Parameters
    ----------
    array : MicrophoneArray
    bin_width : float
        Of the spectra of beams (Hz).

    Attributes
    ----------
    images : MirrorImages
        Which detours stand for a plane of a room.
    """

    def __init__(self, array: MicrophoneArray, bin_width: float) -> None:
        first, last = (round(edge / bin_width) for edge in _BAND)
        self._band = slice(first, last + 1)
        self._smoothing = max(round(_WHITENING / bin_width), 1)
        self._size = next_fast_len(2 * (last + 1), real=True)
        step = 1 / (self._size * bin_width)
        self._least, self._reach = (round(lag / step) for lag in (_SHORTEST, _LONGEST))
        lags = step * np.arange(self._least, self._reach + 1)
        self.images = MirrorImages(array, array.speed_of_sound * lags)

    def find(
        self,
        beams: np.ndarray,
        places: np.ndarray,
        covariances: np.ndarray,
        suspects: Sequence[int],
    ) -> set[int]:
        """Find out which of some sources are echoes.

        Parameters
        ----------
        beams : np.ndarray, shape (sources, bins), complex64
            Spectra of beams to all sources, strongest first.
        places : np.ndarray, shape (sources, 3)
            Metres, array frame.
        covariances : np.ndarray, shape (sources, 3, 3)
            Of them (m^2).
        suspects : sequence of int
            Indices of those that are asked about, without the strongest, which is never an echo.

        Returns
        -------
        set of int
        """
        if not suspects:
            return set()
        flat = self._flattened(beams[: max(suspects) + 1])
        return {
            late
            for late in suspects
            if any(
                self._prominence(
                    flat[late] * flat[early].conj(),
                    self.images.weights(places[early], covariances[early], places[late]),
                )
                > _PROMINENCE
                for early in range(late)
            )
        }

    def _flattened(self, beams: np.ndarray) -> np.ndarray:
        """Spectra within the band, without their envelope; zero below it."""
        spectra = beams[:, self._band]
        power = spectra.real**2 + spectra.imag**2
        envelope = np.sqrt(uniform_filter1d(power, self._smoothing, axis=1))
        flat = np.zeros_like(beams[:, : self._band.stop])
        np.divide(spectra, envelope, out=flat[:, self._band], where=envelope > 0)
        return flat

    def _prominence(self, cross: np.ndarray, weights: np.ndarray) -> float:
        """By how much more a cross-spectrum (bins,) correlates behind than ahead, weighed."""
        correlation = irfft(cross, self._size)
        behind = correlation[self._least : self._reach + 1]
        ahead = correlation[-self._reach : len(correlation) - self._least + 1][::-1]
        deviation = np.median(np.abs(np.concatenate([behind, ahead]))) / 0.6745
        excess = (weights * behind).max() - (weights * ahead).max()
        return float(excess / deviation) if deviation > 0 else 0.0
