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

"""Differences of the times at which sound reaches the microphones of a pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray


@dataclass(frozen=True)
class PairDelays:
    """Delays of microphone pairs.

    The delay of the pair (i, j) at a point is ``(d_i - d_j) / c`` with ``d`` the distances from
    the point to the microphones: positive when the sound reaches j first. It is where
    ``X_i conj(X_j)`` correlates.

    Attributes
    ----------
    microphones : np.ndarray, shape (microphones, 3)
        Metres, array frame.
    pairs : np.ndarray, shape (pairs, 2)
        Indices of microphones.
    speed : float
        Of sound (m/s).
    """

    microphones: np.ndarray
    pairs: np.ndarray
    speed: float

    @classmethod
    def of(
        cls, array: MicrophoneArray, across: bool = False, most: int | None = None
    ) -> PairDelays:
        """Form the pairs of an array, within each rigid group unless `across`, `most` at most.

        Raises
        ------
        InputError
            If there is no pair.
        """
        pairs = array.pairs(across, most)
        if len(pairs) == 0:
            raise InputError(
                f"array '{array.name}': no two microphones share a group, so no delay can be "
                'measured; check groups, or pair across arrays'
            )
        return cls(array.positions, pairs, array.speed_of_sound)

    @property
    def largest(self) -> np.ndarray:
        """Largest delay that any point can cause, of each pair (s), shape (pairs,)."""
        first, second = self.microphones[self.pairs.T]
        return np.linalg.norm(first - second, axis=-1) / self.speed

    @property
    def longest(self) -> float:
        """Longest delay that any point can cause (s)."""
        return float(self.largest.max())

    @cached_property
    def connected(self) -> tuple[np.ndarray, ...]:
        """Sets of microphones that pairs connect, directly or in steps."""
        size = len(self.microphones)
        first, second = self.pairs.T
        graph = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
        _, label = connected_components(graph, directed=False)
        return tuple(np.flatnonzero(label == set_) for set_ in np.unique(label[self.pairs]))

    def at(self, points: np.ndarray) -> np.ndarray:
        """Delays of all pairs.

        Parameters
        ----------
        points : np.ndarray, shape (..., 3)
            Metres.

        Returns
        -------
        np.ndarray, shape (..., pairs)
            Seconds.
        """
        travel = self.travel(points)
        return travel[..., self.pairs[:, 0]] - travel[..., self.pairs[:, 1]]

    def travel(self, points: np.ndarray) -> np.ndarray:
        """Return the times (s) of sound from points (..., 3) to the microphones, (..., m)."""
        offsets = np.asarray(points, float)[..., None, :] - self.microphones
        return np.sqrt(np.einsum('...i,...i->...', offsets, offsets)) / self.speed
