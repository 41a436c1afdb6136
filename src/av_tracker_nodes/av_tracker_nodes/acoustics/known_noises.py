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

"""Noises that were heard before, and are known as noise at once when they are back.

Averages over seconds know a hum, a fan or a motor that is switched on only seconds later, each
time anew. But machines are steady from their first second on, and speech is not: nearly all of
the power of a machine is in bins that keep theirs for half a second, of speech hardly any. So what
sets in and is steady is kept: its power, and its cross-spectra, which say from where it comes.

In a later frame of power P a known noise N has the gain ``g = q(P / N) / q0``, with q a low
quantile over the bins of the noise, and q0 the mean of q over the frames that it was learnt from.
A voice on top of the noise is sparse in frequency and does not raise the quantile, and a voice
alone leaves enough of the bins empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation

_STEADY = 5.0
"""Limit of the highest over the lowest smoothed power of a steady bin; what sets in exceeds what
was there before by as much. With the next one chosen on validation scenes, seeds 1001 and 1002."""

_MOSTLY = 0.9
"""Share of the power of what sets in that is steady: more in machines, below 0.5 in speech."""

_FEWEST = 6
"""Bins in which something must set in to be known."""

_OWN = 2.0
"""Mean power over what was there before in the bins of a noise."""

_QUANTILES = 0.2, 0.75
"""Low and high quantile of a frame over the bins of a noise."""

_LOUDEST = 2.0
"""Gain above which it is something else."""

_THERE = 0.5
"""Gain above which a noise is there."""

_ALONE = 2.0
"""High over low quantile, relative to that of the noise, below which there is nothing else."""

_EDGE = 3
"""Frames that hold a beginning or an end: of 40 ms each, and 20 ms apart."""

_ALIKE = 0.8
"""Share of the power of a noise that another one has too if both are one."""

_CAPACITY = 8
"""Noises that are kept, the last ones heard."""


@dataclass(frozen=True, eq=False)
class KnownNoise:
    """A noise that may be back.

    Attributes
    ----------
    learnt : int
        Sample up to which it was heard.
    power : np.ndarray, shape (bins,), float32
        Mean over frames and channels; zero in bins that are not its own.
    cross : np.ndarray, shape (pairs, bins), complex64
        Mean of its whitened cross-spectra.
    low, high : float
        Means of the quantiles of its frames, relative to `power`.
    """

    learnt: int
    power: np.ndarray
    cross: np.ndarray
    low: float
    high: float

    @classmethod
    def heard(
        cls, learnt: int, mean: np.ndarray, cross: np.ndarray, power: np.ndarray
    ) -> KnownNoise:
        """Describe a noise of a mean power (bins,) by its frames (frames, bins)."""
        low, high = _quantiles(power, mean).mean(axis=1)
        return cls(learnt, mean, cross, max(float(low), np.finfo(np.float32).tiny), float(high))

    def in_frames(self, power: np.ndarray) -> np.ndarray:
        """Power of the noise in frames, shape (frames, bins), by all power in them, likewise.

        It has no limit where the noise sets in or stops: a tone that begins or ends within a frame
        is no line in it, but a click.
        """
        low, high = _quantiles(power, self.power)
        gain = low / self.low
        gain[gain > _LOUDEST] = 0
        alone = (gain > _THERE) & (high / self.high < _ALONE * gain)
        clicks = binary_dilation(alone, iterations=_EDGE) & (gain < _THERE)
        found = gain[:, None] * self.power
        found[clicks] = np.inf
        return found

    def is_like(self, other: KnownNoise) -> bool:
        """Whether another noise has the same spectrum, at any level."""
        first, second = (noise.power / noise.power.sum() for noise in (self, other))
        return bool(np.minimum(first, second).sum() > _ALIKE)


def bins_set_in(smooth: np.ndarray, before: np.ndarray) -> np.ndarray | None:
    """Find the bins of a machine that set in and has been steady since.

    Parameters
    ----------
    smooth : np.ndarray, shape (times, bins)
        Smoothed power, of all the time that it must be steady.
    before : np.ndarray, shape (bins,)
        Lowest smoothed power of a longer time.

    Returns
    -------
    np.ndarray, shape (bins,), bool, or None
        None if it is no machine.
    """
    mean = smooth.mean(axis=0)
    new = mean > _STEADY * before
    steady = smooth.max(axis=0) < _STEADY * smooth.min(axis=0)
    both = new & steady
    if both.sum() < _FEWEST or mean[both].sum() < _MOSTLY * mean[new].sum():
        return None
    return steady & (mean > _OWN * before)


class KnownNoises:
    """The noises that were heard last."""

    def __init__(self) -> None:
        self._noises: list[KnownNoise] = []

    def learn(self, at: int, power: np.ndarray, own: np.ndarray, cross: np.ndarray) -> None:
        """Keep a noise, in place of one that is like it or of the oldest.

        What goes on is soon no longer new: bins that were its own before remain so.

        Parameters
        ----------
        at : int
            Sample up to which it was heard.
        power : np.ndarray, shape (frames, bins)
        own : np.ndarray, shape (bins,), bool
            Its bins.
        cross : np.ndarray, shape (pairs, bins), complex64
        """
        mean = np.where(own, power.mean(axis=0), 0).astype(np.float32)
        noise = KnownNoise.heard(at, mean, cross, power)
        alike = [known for known in self._noises if noise.is_like(known)]
        for known in alike:
            own = noise.power > 0
            mean = np.where(own, noise.power, known.power)
            noise = KnownNoise.heard(at, mean, np.where(own, noise.cross, known.cross), power)
        others = [known for known in self._noises if known not in alike]
        self._noises = [*others, noise][-_CAPACITY:]

    def before(self, end: int) -> list[KnownNoise]:
        """Return the noises that were known at a sample."""
        return [noise for noise in self._noises if noise.learnt <= end]


def _quantiles(power: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Quantiles of the power of frames (frames, bins) over a noise (bins,), shape (2, frames)."""
    own = noise > 0
    ranks = [int(share * own.sum()) for share in _QUANTILES]
    return np.partition(power[:, own] / noise[own], ranks, axis=1)[:, ranks].T
