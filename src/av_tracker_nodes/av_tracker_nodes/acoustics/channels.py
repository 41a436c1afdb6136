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

"""Microphones that hear nothing."""

from __future__ import annotations

import numpy as np

_FAR_BELOW = 1e-4
"""Power relative to that of a good channel (-40 dB) at which a channel counts as dead."""

_GOOD_QUANTILE = 0.75
"""A channel at this quantile of those that are not silent is taken as good."""


def dead_channels(power: np.ndarray) -> np.ndarray:
    """Find dead channels.

    Parameters
    ----------
    power : np.ndarray, shape (channels,)
        Mean power within the band that is correlated, so that a constant offset does not count.

    Returns
    -------
    np.ndarray, shape (channels,), bool
        True for channels that are silent while others are not. Any number may be silent to the
        last bit, and three quarters of the others hiss.
    """
    sounding = power[power > 0]
    if len(sounding) == 0:
        return np.zeros(power.shape, bool)
    return power < _FAR_BELOW * np.quantile(sounding, _GOOD_QUANTILE)
