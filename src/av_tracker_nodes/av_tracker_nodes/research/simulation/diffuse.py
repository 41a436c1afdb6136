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

"""Diffuse sound: noise that reaches the microphones from all directions alike."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.research.simulation.speech import RATE


class DiffuseField:
    """Random noise with the coherence of a diffuse field between microphones.

    Between microphones `d` apart the coherence is ``sin(2 pi f d / c) / (2 pi f d / c)`` (Cook et
    al. 1955); independent noises are mixed by its Cholesky factor at each frequency (Habets, Cohen
    and Gannot 2008).

    Parameters
    ----------
    array : MicrophoneArray
    """

    BLOCK = 8192
    """Samples of one block."""

    def __init__(self, array: MicrophoneArray) -> None:
        apart = np.linalg.norm(array.positions[:, None] - array.positions, axis=-1)
        self._frequency = np.fft.rfftfreq(self.BLOCK, 1 / RATE)
        coherence = np.sinc(2 * self._frequency[:, None, None] * apart / array.speed_of_sound)
        steadied = (coherence + 1e-4 * np.eye(len(apart))) / (1 + 1e-4)
        self._mixing = np.linalg.cholesky(steadied).astype(np.float32)

    def block(self, rng: np.random.Generator) -> np.ndarray:
        """Draw one block of white noise of unit variance, shape (microphones, BLOCK)."""
        return self._blocks(1, np.ones_like(self._frequency), rng)[0]

    def noise(self, samples: int, slope: float, rng: np.random.Generator) -> np.ndarray:
        """Draw noise of unit variance whose amplitude falls as frequency ** -slope above 60 Hz.

        Parameters
        ----------
        samples : int
        slope : float
        rng : np.random.Generator

        Returns
        -------
        np.ndarray, shape (microphones, samples), float32
        """
        hop = self.BLOCK // 2
        count = samples // hop + 2
        shape = np.maximum(self._frequency, 60.0) ** -slope * (self._frequency > 20.0)
        shape /= np.sqrt(np.mean(shape**2))
        window = np.sin(np.pi * (np.arange(self.BLOCK) + 0.5) / self.BLOCK).astype(np.float32)
        result = np.zeros((self._mixing.shape[1], (count + 1) * hop), np.float32)
        for index, block in enumerate(self._blocks(count, shape, rng)):
            result[:, index * hop : index * hop + self.BLOCK] += window * block
        return result[:, hop : hop + samples]

    def _blocks(self, count: int, shape: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw blocks of noise of a spectral shape, (count, microphones, BLOCK)."""
        size = (len(shape), self._mixing.shape[1], count)
        parts = rng.standard_normal((2, *size), dtype=np.float32) * np.sqrt(self.BLOCK / 2)
        real, imaginary = (self._mixing @ part for part in parts)
        spectrum = (real + 1j * imaginary) * shape[:, None, None]
        return np.fft.irfft(spectrum.transpose(2, 1, 0), self.BLOCK, axis=-1).astype(np.float32)
