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

"""How much of the power at a time and frequency stands out from the noise."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

_USUAL_RATIO = 10**1.5
"""Of the power of speech to that of noise where there is speech (Gerkmann and Hendriks 2012)."""

_SPEECH_BEFORE = 0.2
"""Probability of speech before anything is heard (validation scenes, seeds 1001 and 1002)."""

_SURROUNDINGS = 3, 5
"""Frames and bins that are averaged: speech is never at one time and frequency alone."""

_STRONGEST = 50.0
"""One loud bin must not make speech of those around it."""


def spectral_power(spectra: np.ndarray) -> np.ndarray:
    """Square of the modulus of spectra (...)."""
    return spectra.real**2 + spectra.imag**2


def above(power: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Share of the power that is above a floor, ``max(0, 1 - N / P)``; no doubt is cast on it.

    Parameters
    ----------
    power : np.ndarray, shape (frames, bins)
    floor : np.ndarray, shape (bins,)

    Returns
    -------
    np.ndarray, shape (frames, bins), float32
        0..1.
    """
    ratio = np.divide(floor, power, out=np.full(power.shape, np.inf), where=power > 0)
    return np.clip(1 - ratio, 0, 1).astype(np.float32)


def direct_share(power: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Share of the power that is more than noise.

    ``p (1 - N / P)``, with P the power, N that of noise, and p the probability that there is
    more than noise at all (Gerkmann and Hendriks 2012, eq 18):
    ``p = 1 / (1 + (1 - q) / q (1 + x) exp(-r x / (1 + x)))``, with q the probability before
    anything is heard, r = P / N smoothed and x its usual value. Without it, much of any noise
    would stand out from its own mean.

    Parameters
    ----------
    power : np.ndarray, shape (frames, bins)
    floor : np.ndarray, shape (bins,)
        Of the noise.

    Returns
    -------
    np.ndarray, shape (frames, bins), float32
        0..1.
    """
    loud = power > _STRONGEST * floor
    ratio = np.divide(power, floor, out=np.zeros_like(power), where=~loud & (power > 0))
    ratio[loud] = _STRONGEST
    smoothed = uniform_filter(ratio, _SURROUNDINGS, mode='nearest')
    odds = _SPEECH_BEFORE / (1 - _SPEECH_BEFORE) / (1 + _USUAL_RATIO)
    slope = _USUAL_RATIO / (1 + _USUAL_RATIO)
    presence = 1 / (1 + np.exp(-slope * smoothed) / odds)
    return (presence * above(power, floor)).astype(np.float32)
