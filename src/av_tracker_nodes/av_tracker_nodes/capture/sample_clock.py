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

"""When samples were captured, and which ones were lost, from when their blocks arrived."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

Samples = TypeVar('Samples')

MOST_DRIFT = 500e-6
"""Bound of the slope: no crystal is off by more than this share."""

_TOLERANCE = 0.010
_PATIENCE = 0.25
_PROGRESS = 0.002
_INTERVAL = 1.0
_MEMORY = 60
_ARRIVAL_JITTER = 0.3e-3
_USUAL_DRIFT = 50e-6


@dataclass(frozen=True)
class PlacedBlock(Generic[Samples]):
    """A block with its place in the stream.

    Attributes
    ----------
    samples : Samples
        As they were given.
    first_sample : int
        Index of the first one since the clock began, lost ones included.
    time : float
        Capture time of the first one (s).
    lost : int
        Samples that are missing before it.
    """

    samples: Samples
    first_sample: int
    time: float
    lost: int


@dataclass(frozen=True)
class _Arrival(Generic[Samples]):
    samples: Samples
    frames: int
    time: float


class SampleClock(Generic[Samples]):
    """A line from the index of a sample to its capture time, and the count of what was lost.

    No sample arrives before it was captured. So the arrival of a block, less its duration, bounds
    the capture time of its first sample from above, and the earliest arrivals come close to it:
    what the computer does in between only delays. The line runs along them. (The capture times
    that drivers report are not used: those of sound servers are wrong by up to half a second after
    a start and after an overrun.) Of every second the earliest arrival counts; through those of
    the last minute a line is fitted by least squares with a prior on its slope, and the clock,
    which never jumps, heads for where that line will be a second later. Its slope is bounded.

    A block that arrives more than 10 ms late is kept back with those that follow it, until it is
    known why. After a mere delay the next blocks come faster than they were captured, and catch
    up. When they have stopped catching up for 0.25 s, what remains of the lateness is samples that
    never came: they are counted as lost, at the block from which on the others come at their pace.

    Parameters
    ----------
    rate : int
        Nominal sampling rate (Hz).

    Attributes
    ----------
    lost : int
        Samples so far.
    anchors : int
        How many times the line began anew: at the start, after each loss, before and after an
        interruption, and when blocks arrived before the line said that they were captured.
    spread : float
        Deviation (s) of the earliest arrivals of the last minute from the line.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._count = 0
        self._held: deque[_Arrival[Samples]] = deque()
        self._origin: tuple[int, float] | None = None
        self._period = 1.0 / rate
        self._drift = 0.0
        self._drift_before = 0.0
        self._settled = False
        self._earliest: deque[tuple[int, float]] = deque(maxlen=_MEMORY)
        self._best: tuple[int, float] | None = None
        self._lowest, self._lowest_at = np.inf, 0.0
        self._last_time = -np.inf
        self.lost = 0
        self.anchors = 0
        self.spread = 0.0

    @property
    def drift(self) -> float:
        """How much slower than nominal the card runs (parts per million)."""
        return self._drift * 1e6

    def add(self, samples: Samples, frames: int, arrival: float) -> list[PlacedBlock[Samples]]:
        """Take a block of `frames` samples that arrived at a time (s, of a steady clock).

        Returns
        -------
        list of PlacedBlock
            The blocks that have a place now, in order; none while one is kept back.
        """
        index = self._count + sum(block.frames for block in self._held)
        self._held.append(_Arrival(samples, frames, arrival))
        lateness = arrival - frames * self._period - self._time_of(index)
        if not self._settled:
            return self._settle(lateness)
        if lateness > _TOLERANCE:
            return self._wait(lateness)
        if lateness < -_TOLERANCE:
            self._anchor(index, arrival - frames * self._period)
        elif self._best is None or lateness < self._best[1] - self._time_of(self._best[0]):
            self._best = index, arrival - frames * self._period
        released = self._release(lost=0, at=0)
        self._follow()
        return released

    def interrupt(self) -> list[PlacedBlock[Samples]]:
        """Return what was kept back, since the card was closed; what it misses will be counted."""
        released = self._release(lost=0, at=0) if self._settled else []
        self._held.clear()
        self._settled = False
        if self._origin is not None:
            self._anchor(self._count, self._time_of(self._count))
        return released

    def finish(self) -> list[PlacedBlock[Samples]]:
        """Return what was kept back, since nothing comes after it."""
        if not self._held:
            return []
        return self._accept_loss() if self._settled else self._begin_line()

    # ---- settling and loss

    def _settle(self, lateness: float) -> list[PlacedBlock[Samples]]:
        """Gather blocks for a while after the start, to know how early they can come."""
        if len(self._held) == 1:
            self._lowest = np.inf
        self._lowest = min(self._lowest, lateness)
        if self._held[-1].time - self._held[0].time < _PATIENCE:
            return []
        return self._begin_line()

    def _begin_line(self) -> list[PlacedBlock[Samples]]:
        lost = max(round(self._lowest / self._period), 0) if self._origin else 0
        start = self._time_of(self._count) + self._lowest
        self._settled = True
        self._anchor(self._count + lost, start)
        return self._release(lost, at=0)

    def _wait(self, lateness: float) -> list[PlacedBlock[Samples]]:
        """Keep a late block back; when they have stopped catching up, count the rest as lost."""
        now = self._held[-1].time
        if len(self._held) == 1 or lateness < self._lowest - _PROGRESS:
            self._lowest, self._lowest_at = lateness, now
        self._lowest = min(self._lowest, lateness)
        if now - self._lowest_at < _PATIENCE:
            return []
        return self._accept_loss()

    def _accept_loss(self) -> list[PlacedBlock[Samples]]:
        """Count as lost what the blocks kept back have not caught up."""
        lost = round(self._lowest / self._period)
        at = self._first_on_pace()
        released = self._release(lost, at)
        self._anchor(self._count, self._time_of(self._count))
        return released

    def _first_on_pace(self) -> int:
        """Find the block kept back from which on none catches up.

        Blocks come in portions, of one or several. What was in store before the loss comes as one
        large portion, or is still catching up at its end.
        """
        portions = self._portions()
        usual = max(len(portion) for portion in portions[len(portions) // 2 :])
        for portion in portions:
            number, lateness = portion[-1]
            half = self._held[number].frames * self._period / 2
            if len(portion) <= usual and lateness < self._lowest + half:
                return portion[0][0]
        return len(self._held) - 1

    def _portions(self) -> list[list[tuple[int, float]]]:
        """Group number and lateness (s) of the blocks kept back by portions that came at once."""
        portions: list[list[tuple[int, float]]] = []
        index, before = self._count, -np.inf
        for number, block in enumerate(self._held):
            duration = block.frames * self._period
            if block.time - before > duration / 4:
                portions.append([])
            portions[-1].append((number, block.time - duration - self._time_of(index)))
            index, before = index + block.frames, block.time
        return portions

    def _release(self, lost: int, at: int) -> list[PlacedBlock[Samples]]:
        """Give all blocks kept back their places, `lost` samples missing before block `at`."""
        placed = []
        for number, block in enumerate(self._held):
            missing = lost if number == at else 0
            self._count += missing
            self._last_time = max(
                self._time_of(self._count), np.nextafter(self._last_time, np.inf)
            )
            placed.append(PlacedBlock(block.samples, self._count, self._last_time, missing))
            self._count += block.frames
        self._held.clear()
        self.lost += lost
        return placed

    # ---- the line

    def _time_of(self, index: int) -> float:
        if self._origin is None:
            return index * self._period
        first, time = self._origin
        return time + (index - first) * self._period

    def _anchor(self, index: int, time: float) -> None:
        """Begin the line anew at a sample and its time (s), with the slope found so far."""
        self._origin = index, time
        self._drift_before = self._drift
        self._period = (1 + self._drift) / self._rate
        self._earliest.clear()
        self._best = None
        self.anchors += 1

    def _follow(self) -> None:
        """Once a second, turn the line towards the fit to the earliest arrivals."""
        now = self._time_of(self._count)
        if now - self._origin[1] < _INTERVAL or self._best is None:
            return
        self._earliest.append(self._best)
        self._best = None
        self._origin = self._count, now
        ahead = self._fit(self._count + round(_INTERVAL * self._rate))
        slope = (ahead - now) / _INTERVAL
        bounded = np.clip(slope, 1 - MOST_DRIFT, 1 + MOST_DRIFT)
        self._period = float(bounded) / self._rate

    def _fit(self, index: int) -> float:
        """Time (s) of a sample on the line through the earliest arrivals.

        The prior of its slope has the mean that was found before the line began anew, at first the
        nominal rate, and the deviation of usual crystals; that of an arrival is a guess for a
        computer that is busy.
        """
        indices, times = np.array(self._earliest).T
        seconds = (indices - indices[0]) / self._rate
        excess = times - times[0] - seconds
        x, y = seconds - seconds.mean(), excess - excess.mean()
        change = x @ (y - self._drift_before * x)
        change /= x @ x + (_ARRIVAL_JITTER / _USUAL_DRIFT) ** 2
        slope = float(np.clip(self._drift_before + change, -MOST_DRIFT, MOST_DRIFT))
        self._drift = slope
        self.spread = float(np.std(y - slope * x))
        after = (index - indices[0]) / self._rate
        return float(times[0] + after + excess.mean() + slope * (after - seconds.mean()))
