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

"""Noise that is nobody's: what comes from all sides alike, and what each microphone adds."""

from __future__ import annotations

import numpy as np


def noise_field(
    microphones: np.ndarray, speed: float, frequencies: np.ndarray, own: float
) -> np.ndarray:
    """Covariance of diffuse sound of unit power and of the microphones' own noise.

    Diffuse sound has the coherence ``sin(2 pi f d / c) / (2 pi f d / c)`` between microphones d
    apart (Cook et al. 1955). A beam against it alone, the superdirective beam, multiplies errors
    of places and gains; noise of the microphones' own bounds by how much, as its output is
    ``own |w|^2`` (Cox, Zeskind and Owen 1987; Bitzer and Simmer 2001).

    Parameters
    ----------
    microphones : np.ndarray, shape (microphones, 3)
        Metres.
    speed : float
        Of sound (m/s).
    frequencies : np.ndarray, shape (bins,)
        Hz.
    own : float
        Power of the noise of a microphone, relative to diffuse sound.

    Returns
    -------
    np.ndarray, shape (bins, microphones, microphones), float32
    """
    apart = np.linalg.norm(microphones[:, None] - microphones, axis=-1)
    coherence = np.sinc(2 * np.multiply.outer(frequencies, apart) / speed)
    return (coherence + own * np.eye(len(apart))).astype(np.float32)
