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

"""Short-term identity of faces, from their boxes and how they look.

A tracklet promises one thing: all its faces are of the same person. Where boxes cannot tell who is
who (two faces met and parted again), new tracklets begin, and later stages decide. A face that
looks otherwise begins one too: who comes out from behind somebody is found where that one was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from av_tracker_nodes.assignment import assign
from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.types import Face, to_nanoseconds, to_seconds

POSITION_STD = 0.08
"""Deviation of a detected centre (face sizes)."""
ACCELERATION = 30.0
"""Spectral density of the acceleration in the image (face sizes^2 / s^3)."""
FIRST_SPEED_STD = 5.0
"""Deviation of the speed of a face seen once (face sizes / s)."""
SIZE_STD = 0.15
"""Deviation of the logarithm of a face's size from one image to the next."""
LOOKS_STD, LOOKS_GROWTH = 0.058, 0.36
"""Deviation of the distance between embeddings of one person (root of the cosine distance) after
40 ms, and the power of time with which it grows: the gate keeps 99.5 % of six training scenes
(seeds 1 to 6, 1200 faces), where cosine distances have median and 99.5 % of 0.001 and 0.05 after
one image, of 0.003 and 0.19 after six. Those of two people are 0.19 or more in 99 %, 0.63 half of
the time."""
GATE = 16.0
"""Largest squared deviation, in standard deviations, that still is the same face."""
MARGIN = 5.0
"""Twice the log-likelihood by which the best assignment must beat any other."""

_IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class _Tracklet:
    """A face that moves on evenly, as a Kalman filter knows it at `stamp`.

    `looks` is the embedding of the last face. `state` holds the centre (pixels) and its velocity
    (pixels/s), one row each; `covariance`, of position and velocity in units of the face's size,
    is the same in both directions.
    """

    id: int
    stamp: int
    size: float
    looks: np.ndarray | None
    state: np.ndarray
    covariance: np.ndarray

    @classmethod
    def started(cls, number: int, face: Face, stamp: int) -> _Tracklet:
        state = np.stack([box_centre(face.box), np.zeros(2)])
        covariance = np.diag([POSITION_STD**2, FIRST_SPEED_STD**2])
        return cls(number, stamp, _size(face), face.embedding, state, covariance)

    def predicted(self, stamp: int) -> tuple[np.ndarray, np.ndarray]:
        """State and covariance at a later stamp."""
        dt = to_seconds(stamp - self.stamp)
        step = np.array([[1, dt], [0, 1]])
        noise = ACCELERATION * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        return step @ self.state, step @ self.covariance @ step.T + noise

    def cost(self, face: Face, stamp: int) -> float:
        """Minus twice the log-likelihood of a face, up to a constant; infinite off the gate."""
        state, covariance = self.predicted(stamp)
        variance = covariance[0, 0] + POSITION_STD**2
        offset = (box_centre(face.box) - state[0]) / self.size
        growth = np.log(_size(face) / self.size) / SIZE_STD
        deviation = offset @ offset / variance + growth**2
        looks = self._looks_deviation(face, stamp)
        if deviation > GATE or looks > GATE:
            return np.inf
        return deviation + looks + 2 * np.log(variance)

    def _looks_deviation(self, face: Face, stamp: int) -> float:
        """Squared deviation of the looks, 0 where they are unknown."""
        if self.looks is None or face.embedding is None:
            return 0.0
        distance = max(1 - float(self.looks @ face.embedding), 0.0)
        images = max(to_seconds(stamp - self.stamp) / 0.04, 1.0)
        return distance / (LOOKS_STD * images**LOOKS_GROWTH) ** 2

    def seen(self, face: Face, stamp: int) -> _Tracklet:
        state, covariance = self.predicted(stamp)
        gain = covariance[:, :1] / (covariance[0, 0] + POSITION_STD**2)
        return _Tracklet(
            self.id,
            stamp,
            _size(face),
            face.embedding,
            state + gain * (box_centre(face.box) - state[0]),
            covariance - gain * covariance[:1],
        )


class Tracklets:
    """Gives faces the identity of the faces of earlier images.

    Parameters
    ----------
    memory : float
        Seconds after which a face that is not seen any more is forgotten.
    """

    def __init__(self, memory: float = 0.5) -> None:
        self.memory = to_nanoseconds(memory)
        self._tracklets: list[_Tracklet] = []
        self._ids = count(1)
        self._stamp = None

    def reset(self) -> None:
        """Forget all faces; their identities are not used again."""
        self._tracklets = []
        self._stamp = None

    def expected(self, stamp: int) -> np.ndarray:
        """Centre and size (pixels), shape (n, 3), of the faces as they should be at `stamp`.

        The oldest tracklet comes first.
        """
        known = [t for t in self._tracklets if 0 <= stamp - t.stamp <= self.memory]
        known.sort(key=lambda tracklet: tracklet.id)
        places = [[*tracklet.predicted(stamp)[0][0], tracklet.size] for tracklet in known]
        return np.array(places).reshape(-1, 3)

    def update(self, faces: list[Face], stamp: int) -> list[Face]:
        """Return the faces of the image taken at `stamp` (ns) with their tracklets.

        A stamp before the last one (a recording that starts over) forgets all faces.
        """
        if self._stamp is not None and stamp < self._stamp:
            self.reset()
        self._stamp = stamp
        known = [t for t in self._tracklets if stamp - t.stamp <= self.memory]
        cost = np.array([[t.cost(face, stamp) for face in faces] for t in known])
        cost = np.minimum(cost.reshape(len(known), len(faces)), _IMPOSSIBLE)
        matches = _assign(cost)
        lost, doubtful = _ambiguous(cost, matches)
        current, named = {}, []
        for column, face in enumerate(faces):
            if column in matches and column not in doubtful:
                tracklet = known[matches[column]].seen(face, stamp)
            else:
                tracklet = _Tracklet.started(next(self._ids), face, stamp)
            current[tracklet.id] = tracklet
            named.append(replace(face, tracklet=tracklet.id))
        missed = [t for i, t in enumerate(known) if i not in lost and t.id not in current]
        self._tracklets = [*current.values(), *missed]
        return named


def _size(face: Face) -> float:
    """Size of a face (pixels): geometric mean of width and height."""
    return float(np.sqrt(max(face.box[2] * face.box[3], 1.0)))


def _assign(cost: np.ndarray) -> dict[int, int]:
    """Best tracklet (row) of each face (column): first as many pairs as can be, then cheap."""
    rows, columns = assign(cost)
    return {int(j): int(i) for i, j in zip(rows, columns, strict=True) if cost[i, j] < _IMPOSSIBLE}


def _ambiguous(cost: np.ndarray, matches: dict[int, int]) -> tuple[set[int], set[int]]:
    """Tracklets and faces whose assignment another one rivals."""
    total = _total(cost, matches)
    lost, doubtful = set(), set()
    for column, row in matches.items():
        without = cost.copy()
        without[row, column] = _IMPOSSIBLE
        rival = _assign(without)
        if len(rival) == len(matches) and _total(cost, rival) - total < MARGIN:
            changed = {j for j in rival.keys() | matches.keys() if rival.get(j) != matches.get(j)}
            doubtful |= changed
            lost |= {m[j] for m in (rival, matches) for j in changed if j in m}
    return lost, doubtful


def _total(cost: np.ndarray, matches: dict[int, int]) -> float:
    return sum(cost[row, column] for column, row in matches.items())
