# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The capture time of samples, from jittery readings of a sound card's clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SETTLING_BLOCKS = 100
_TOLERANCE = 0.05


@dataclass(frozen=True)
class BlockTime:
    """Time of the first sample of a block (s), and what was lost before it (samples)."""

    time: float
    lost: int


class SampleClock:
    """A delay-locked loop that smooths the times of blocks and finds gaps between them.

    Second order, as F. Adriaensen describes it in "Using a DLL to filter time" (2005): the error
    of every reading corrects the phase by ``b = sqrt(2) w`` and the period by ``c = w^2``, with
    ``w = 2 pi bandwidth * block duration``. The bandwidth narrows while it settles. A reading
    that is more than 50 ms off the prediction means that samples were lost or that the card
    stopped: the loop starts anew there.

    Parameters
    ----------
    rate : int
        Nominal sampling rate (Hz).
    bandwidth : float
        Of the settled loop (Hz).
    """

    def __init__(self, rate: int, bandwidth: float = 0.05) -> None:
        self._rate = rate
        self._bandwidth = bandwidth
        self._blocks = 0
        self._next = 0.0
        self._period = 1.0 / rate
        self.residual = 0.0

    @property
    def drift(self) -> float:
        """How much slower than nominal the card runs (parts per million)."""
        return (self._period * self._rate - 1) * 1e6

    def block(self, frames: int, reading: float) -> BlockTime:
        """Take a reading (s) of the time of the first of `frames` samples; return the true one."""
        if self._blocks == 0:
            return self._start(frames, reading, lost=0)
        self.residual = reading - self._next
        if abs(self.residual) > _TOLERANCE:
            return self._start(frames, reading, max(round(self.residual * self._rate), 0))
        share = min(self._blocks / _SETTLING_BLOCKS, 1.0)
        bandwidth = self._bandwidth**share  # from 1 Hz down
        omega = 2 * np.pi * bandwidth * frames * self._period
        time = self._next
        self._next += np.sqrt(2) * omega * self.residual + frames * self._period
        self._period += omega**2 * self.residual / frames
        self._blocks += 1
        return BlockTime(time, lost=0)

    def _start(self, frames: int, reading: float, lost: int) -> BlockTime:
        self._blocks = 1
        self._next = reading + frames * self._period
        return BlockTime(reading, lost)
