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

"""What is wrong with single channels: from a stretch of sound, without directions."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics.channels import dead_channels

OK = 'ok'
TWIN = 'copy of channel'
SILENCE = 1e-6
"""Amplitude of the last bits of good converters (-120 dB): what is below is digital silence."""

_CLIPPED = 0.999
_COPY = 1e-4
"""Power of the difference of two channels, relative to theirs: no two microphones are so alike."""
_WEAK = 0.1
"""Power relative to the median of the channels."""


def channel_states(window: np.ndarray, channels: np.ndarray) -> tuple[str, ...]:
    """Tell how each channel is.

    Parameters
    ----------
    window : np.ndarray, shape (samples, microphones)
        In [-1, 1]; half a second tells enough.
    channels : np.ndarray, shape (microphones,)
        Numbers that channels are told by.

    Returns
    -------
    tuple of str
        One a microphone: ``ok``, ``dead``, ``clipped``, ``weak``, or ``copy of channel N``.
    """
    varying = window - window.mean(axis=0)
    power = (varying**2).mean(axis=0)
    dead = dead_channels(power) | (power <= SILENCE**2)
    clipped = (np.abs(window) >= _CLIPPED).any(axis=0)
    weak = power < _WEAK * np.median(power)
    states = []
    for index in range(len(power)):
        twin = next((k for k in range(index) if _same(varying, power, k, index)), None)
        if dead[index]:
            states.append('dead')
        elif twin is not None:
            states.append(f'{TWIN} {channels[twin]}')
        else:
            states.append('clipped' if clipped[index] else 'weak' if weak[index] else OK)
    return tuple(states)


def _same(varying: np.ndarray, power: np.ndarray, first: int, second: int) -> bool:
    difference = ((varying[:, first] - varying[:, second]) ** 2).mean()
    return power[first] > SILENCE**2 and difference < _COPY * power[first]
