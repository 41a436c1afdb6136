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

"""SRP-PHAT and MUSIC of pyroomacoustics over the points that our own maps cover.

Its direction finders take no points in space, so grid and steering are set by hand. Its near-field
steering is that of the conjugate spectra (a delay is written as ``exp(+j w d / c)``).
"""

from __future__ import annotations

import importlib.util

import numpy as np

from av_tracker_nodes.geometry import MicrophoneArray

PEERS = ('srp', 'music')


def have_peers() -> bool:
    """Tell whether pyroomacoustics is installed."""
    return importlib.util.find_spec('pyroomacoustics') is not None


class PeerMap:
    """A spatial spectrum of pyroomacoustics over points.

    Parameters
    ----------
    method : str
        ``srp`` or ``music``.
    array : MicrophoneArray
    length : int
        Samples of a frame.
    band : tuple of float
        Lowest and highest frequency (Hz).
    """

    def __init__(
        self, method: str, array: MicrophoneArray, length: int, band: tuple[float, float]
    ) -> None:
        import pyroomacoustics

        self._doa = pyroomacoustics.doa
        self._finder = {'srp': self._doa.SRP, 'music': self._doa.MUSIC}[method]
        self._array = array
        self._length = length
        bin_width = array.rate / length
        self._bins = np.arange(np.ceil(band[0] / bin_width), band[1] // bin_width + 1, dtype=int)

    def __call__(self, spectra: np.ndarray, sources: int, points: np.ndarray) -> np.ndarray:
        """Evaluate the spectrum.

        Parameters
        ----------
        spectra : np.ndarray, shape (microphones, bins, frames), complex
            Of all bins of real transforms of `length` samples.
        sources : int
            How many there are: MUSIC needs to know.
        points : np.ndarray, shape (n, 3)
            Metres.

        Returns
        -------
        np.ndarray, shape (n,)
        """
        array = self._array
        finder = self._finder(
            array.positions.T,
            array.rate,
            self._length,
            array.speed_of_sound,
            num_src=sources,
            azimuth=np.zeros(1),
        )
        finder.grid = _points_grid(self._doa.Grid, points)
        finder.mode_vec = self._doa.ModeVector(
            array.positions.T, array.rate, self._length, array.speed_of_sound, finder.grid, 'near'
        )
        finder.locate_sources(spectra.conj(), freq_bins=self._bins)
        return finder.grid.values


def _points_grid(base: type, points: np.ndarray):
    """Wrap points (n, 3) as a grid of pyroomacoustics."""

    class Points(base):
        def find_peaks(self, k: int = 1) -> np.ndarray:
            return np.argsort(-self.values)[:k]

    grid = Points(len(points))
    grid.x, grid.y, grid.z = points.T
    return grid
