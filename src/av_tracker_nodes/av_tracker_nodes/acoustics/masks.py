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

"""Soft masks: which share of each bin of time and frequency belongs to each of several places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.mixture import Weights, fit, responsibilities
from av_tracker_nodes.acoustics.watson import hearing_groups, likelihood_ratios, steering

_STEPS = 5
"""Of the fit of how much of the sound each place has."""


def soft_masks(
    places: Sequence[np.ndarray],
    whitened: np.ndarray,
    share: np.ndarray,
    alive: np.ndarray,
    delays: PairDelays,
    gcc: GccPhat,
) -> np.ndarray:
    """Share bins among places; what fits none of them is left over.

    Parameters
    ----------
    places : sequence of np.ndarray, shape (3,)
        Metres, array frame.
    whitened : np.ndarray, shape (frames, microphones, bins), complex64
        Spectra of unit modulus.
    share : np.ndarray, shape (frames, bins), float32
        What bins count when the shares of places are weighed.
    alive : np.ndarray, shape (microphones,), bool
    delays : PairDelays
    gcc : GccPhat
        Gives the frequencies.

    Returns
    -------
    np.ndarray, shape (places, frames, bins), float32
        0..1; they add up to 1 at most.
    """
    if len(places) == 0:
        return np.zeros((0, *share.shape), np.float32)
    towards = steering(delays.travel(np.array(places)), gcc.frequencies)
    ratios = likelihood_ratios(whitened, towards, hearing_groups(delays.connected, alive))
    uniform = Weights.uniform(len(places))
    weights = fit(ratios.reshape(-1, len(places)), share.ravel(), uniform, 0.0, _STEPS)
    return np.moveaxis(responsibilities(ratios, weights), -1, 0)
