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

"""Directions of several voices at once, for arrays too small to tell them apart in one field.

The field of an array of some centimetres has one broad peak where two people talk, and it lies
between them. But voices are sparse: of most bins of time and frequency nearly all belongs to one
of them (Yilmaz and Rickard 2004). So each bin is asked by itself which directions it fits, and a
mixture of directions is fitted to all of them: its shares are high where voices are. A part of the
mixture comes from nowhere in particular, and takes the bins that noise or echoes spoil.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.frames import FieldCache, SpectralFrame
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.mixture import Weights, fit
from av_tracker_nodes.acoustics.watson import hearing_groups, likelihood_ratios, steering
from av_tracker_nodes.geometry.grid import directions, surround_grid
from av_tracker_nodes.geometry.region import Region

LARGEST, LONGEST_LINE = 0.15, 0.25
"""Microphones at most this far apart (m), or on a line of that length, hear plane waves, nearly,
from `min_range` on; those of larger arrays tell ranges, and enough directions in their field."""

_HIGHEST = 5000.0
"""Frequency (Hz) up to which bins are asked, every second one, since the window spreads each over
its neighbours: above, voices are weak (validation scenes, seeds 1400 to 1405)."""
_EVERY = 2

_SPACING, _FINEST = 0.14, np.radians(6.0)
"""Least distance of directions, see `_Scale`, and spacing (rad) of those that it chooses from."""

_WIDTH, _REACH = 0.14, 0.35
"""Deviation over which shares are smoothed to find peaks, and reach of a peak (same unit)."""

_BESIDE = np.radians(40.0)
"""Points that sound alike, but lie farther apart than this (rad), have no place between them."""

_STEPS, _MEMORY, _FORGETTING = 8, 0.05, 0.22
"""Steps of the fit; time constants (s) with which what was found before counts as evidence, and is
a place to start from (validation scenes, seeds 1400 to 1405)."""


@dataclass(frozen=True)
class _Found:
    """Shares of directions of the sound before a sample."""

    end: int
    alive: np.ndarray
    weights: Weights


class SparseDirections:
    """Fits a mixture of directions to the bins of time and frequency.

    Parameters
    ----------
    delays : PairDelays
    gcc : GccPhat
        Gives the frequencies.
    region : Region
        Where sound can come from.
    config : AcousticConfig
    """

    def __init__(
        self, delays: PairDelays, gcc: GccPhat, region: Region, config: AcousticConfig
    ) -> None:
        self._config = config
        self._groups = delays.connected
        self._rate = gcc.rate
        self._bins = np.flatnonzero(gcc.frequencies <= _HIGHEST)[::_EVERY]
        centre = delays.microphones.mean(axis=0)
        inverse_range = (1 / config.min_range + 1 / config.max_range) / 2
        points = surround_grid(centre, directions(_FINEST), np.array([inverse_range]), region)
        scale = _Scale(delays.microphones - centre)
        self.points = points[scale.spread_out(points - centre, _SPACING)]
        apart = scale.distances(self.points - centre)
        self._smoothing = np.exp(-0.5 * (apart / _WIDTH) ** 2).astype(np.float32)
        self._neighbours = apart <= _REACH
        offsets = self.points - centre
        units = offsets / np.linalg.norm(offsets, axis=1, keepdims=True)
        self._beside = units @ units.T >= np.cos(_BESIDE)
        self._towards = steering(delays.travel(self.points), gcc.frequencies[self._bins])
        self.forget()

    def forget(self) -> None:
        """Forget what was found before."""
        self._found: list[_Found] = []
        self._ratios = FieldCache()

    def find(
        self, end: int, frames: Sequence[SpectralFrame], share: np.ndarray, alive: np.ndarray
    ) -> list[np.ndarray]:
        """Find directions, strongest first.

        Parameters
        ----------
        end : int
            Index after the last sample of the frames. What was found before earlier samples
            counts too, the less the longer ago.
        frames : sequence of SpectralFrame
            Oldest first.
        share : np.ndarray, shape (frames, bins)
            Of their power that stands out from the noise.
        alive : np.ndarray, shape (microphones,), bool

        Returns
        -------
        list of np.ndarray, shape (3,)
            A place (m) in each direction.
        """
        groups = hearing_groups(self._groups, alive)
        if not groups:
            return []
        before, seconds = self._before(end, alive)
        uniform = Weights.uniform(len(self.points))
        prior = before.mixed(uniform, 1 - np.exp(-seconds / _FORGETTING))
        counts = share[:, self._bins].ravel()
        loud = counts > 0
        ratios = self._ratios_of(frames, alive, groups)[loud]
        weights = fit(ratios, counts[loud], prior, float(np.exp(-seconds / _MEMORY)), _STEPS)
        earlier = [found for found in self._found if found.end < end]
        self._found = [*earlier[-1:], _Found(end, alive, weights)]
        return self._peaks(weights.places * counts.mean())

    def _before(self, end: int, alive: np.ndarray) -> tuple[Weights, float]:
        """Weights that were found before, and how long ago (s) that was."""
        for found in reversed(self._found):
            if found.end < end and np.array_equal(found.alive, alive):
                return found.weights, (end - found.end) / self._rate
        return Weights.uniform(len(self.points)), np.inf

    def _ratios_of(
        self, frames: Sequence[SpectralFrame], alive: np.ndarray, groups: list[np.ndarray]
    ) -> np.ndarray:
        """Likelihood ratios of directions, shape (frames * bins, points); most are met again."""
        ratios = self._ratios.of(
            frames,
            alive,
            lambda frame: likelihood_ratios(
                frame.whitened[None, :, self._bins], self._towards, groups
            )[0],
        )
        return np.concatenate(ratios)

    def _peaks(self, activity: np.ndarray) -> list[np.ndarray]:
        """Gather activities (points,) about the highest points of their smoothed course.

        The activity of a direction is its share of all bins, those that are silent included.
        """
        peaks: list[np.ndarray] = []
        rest = activity.copy()
        while len(peaks) < self._config.max_peaks:
            near = self._neighbours[np.argmax(self._smoothing @ rest)]
            if rest[near].sum() < self._config.min_activity:
                break
            here = near & self._beside[np.argmax(np.where(near, rest, 0))]
            peaks.append(np.average(self.points[here], axis=0, weights=rest[here]))
            rest[near] = 0
        return peaks


class _Scale:
    """Distances between directions as microphones hear them.

    A delay is linear in the direction d, ``tau = -P d / c`` with the offsets P of the microphones;
    so directions are as far apart as ``|P (d - e)|``, scaled such that it is ``|d - e|`` along the
    longest axis of the array. Directions that sound alike, as mirror images in the plane of a flat
    array and all of a cone about a line, have no distance.

    Parameters
    ----------
    offsets : np.ndarray, shape (microphones, 3)
        From their centre (m).
    """

    def __init__(self, offsets: np.ndarray) -> None:
        _, extents, axes = np.linalg.svd(offsets, full_matrices=False)
        self._axes = (extents / extents[0])[:, None] * axes

    def _heard(self, towards: np.ndarray) -> np.ndarray:
        units = towards / np.linalg.norm(towards, axis=1, keepdims=True)
        return units @ self._axes.T

    def distances(self, towards: np.ndarray) -> np.ndarray:
        """Distances between all of some vectors (n, 3), shape (n, n)."""
        heard = self._heard(towards)
        return np.linalg.norm(heard[:, None] - heard[None], axis=-1)

    def spread_out(self, towards: np.ndarray, least: float) -> list[int]:
        """Choose some of the vectors (n, 3), each at least so far from the others."""
        heard = self._heard(towards)
        chosen: list[int] = []
        free = np.ones(len(heard), bool)
        for index in range(len(heard)):
            if free[index]:
                chosen.append(index)
                free &= np.linalg.norm(heard - heard[index], axis=1) >= least
        return chosen
