# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Short-term identity of faces, from their boxes alone.

A tracklet promises one thing: all its faces are of the same person. Where boxes cannot tell who is
who (two faces met and parted again), new tracklets begin, and later stages decide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from scipy.optimize import linear_sum_assignment

from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.types import Face, to_nanoseconds, to_seconds

POSITION_STD = 0.15
"""Deviation of a face's centre from its prediction (face sizes), at once."""
SPEED_STD = 2.0
"""The same for each second that passed: what people do beyond moving on evenly."""
SIZE_STD = 0.15
"""Deviation of the logarithm of a face's size."""
GATE = 16.0
"""Largest squared deviation, in standard deviations, that still is the same face."""
MARGIN = 5.0
"""Twice the log-likelihood by which the best assignment must beat any other."""
VELOCITY_MEMORY = 0.15
"""Seconds over which the speed of a face in the image is averaged."""

_IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class _Tracklet:
    """Last sight of a face: centre (pixels), its speed (pixels/s), size (pixels), stamp (ns)."""

    id: int
    centre: np.ndarray
    velocity: np.ndarray
    size: float
    stamp: int

    def seen(self, face: Face, stamp: int) -> _Tracklet:
        centre, elapsed = box_centre(face.box), to_seconds(stamp - self.stamp)
        velocity = self.velocity
        if elapsed > 0:
            gain = elapsed / (elapsed + VELOCITY_MEMORY)
            velocity = velocity + gain * ((centre - self.centre) / elapsed - velocity)
        return _Tracklet(self.id, centre, velocity, _size(face), stamp)


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

    def update(self, faces: list[Face], stamp: int) -> list[Face]:
        """Return the faces of the image taken at `stamp` (ns) with their tracklets.

        A stamp before the last one (a recording that starts over) forgets all faces.
        """
        if self._stamp is not None and stamp < self._stamp:
            self.reset()
        self._stamp = stamp
        known = [t for t in self._tracklets if stamp - t.stamp <= self.memory]
        cost = _costs(known, faces, stamp)
        matches = _assign(cost)
        lost, doubtful = _ambiguous(cost, matches)
        current, named = {}, []
        for column, face in enumerate(faces):
            row = matches.get(column)
            if row is None or column in doubtful:
                started = _Tracklet(
                    next(self._ids), box_centre(face.box), np.zeros(2), _size(face), stamp
                )
                current[started.id] = started
            else:
                started = known[row].seen(face, stamp)
                current[started.id] = started
            named.append(replace(face, tracklet=started.id))
        missed = [t for i, t in enumerate(known) if i not in lost and t.id not in current]
        self._tracklets = [*current.values(), *missed]
        return named


def _size(face: Face) -> float:
    """Size of a face (pixels): geometric mean of width and height."""
    return float(np.sqrt(max(face.box[2] * face.box[3], 1.0)))


def _costs(tracklets: list[_Tracklet], faces: list[Face], stamp: int) -> np.ndarray:
    """Minus twice the log-likelihood of each face for each tracklet, shape (tracklets, faces)."""
    cost = np.full((len(tracklets), len(faces)), _IMPOSSIBLE)
    for i, tracklet in enumerate(tracklets):
        elapsed = to_seconds(stamp - tracklet.stamp)
        predicted = tracklet.centre + tracklet.velocity * elapsed
        spread = POSITION_STD + SPEED_STD * elapsed
        for j, face in enumerate(faces):
            offset = (box_centre(face.box) - predicted) / (spread * tracklet.size)
            growth = np.log(_size(face) / tracklet.size) / SIZE_STD
            deviation = offset @ offset + growth**2
            if deviation <= GATE:
                cost[i, j] = deviation + 4 * np.log(spread)
    return cost


def _assign(cost: np.ndarray) -> dict[int, int]:
    """Best tracklet (row) of each face (column): first as many pairs as can be, then cheap."""
    rows, columns = linear_sum_assignment(cost)
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
