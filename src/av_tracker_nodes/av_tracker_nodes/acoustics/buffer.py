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

"""The last seconds of sound, addressed by sample and by time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import numpy as np

from av_tracker_nodes.types import JUMP, NANOSECONDS, AudioBlock, to_nanoseconds, to_seconds

_CLOCK_STEP = to_nanoseconds(0.1)


class StampedAudio:
    """Bounded store of a stream of audio blocks.

    Blocks join by their sample counter; each one says which time its samples have. Samples that
    never came, or are not finite on any channel, read as zeros and are marked. Blocks may come
    late; what was received already is not overwritten. A stream that jumps back by more than
    0.5 s, or whose counter and clock part by more than 0.1 s, has begun anew: what was held is
    dropped.

    Parameters
    ----------
    channels : int
        Channels that are needed at least.
    rate : int
        Sampling rate of all blocks (Hz); :class:`StreamFormat` sees to it.
    seconds : float
        What is held.
    """

    def __init__(self, channels: int, rate: int, seconds: float = 4.0) -> None:
        self._needed = channels
        self._rate = rate
        self._capacity = round(seconds * rate)
        self._samples: np.ndarray | None = None
        self._received = np.zeros(self._capacity, bool)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._begin = self._end = 0
        self._anchors: list[tuple[int, int]] = []
        self._received[:] = False

    @property
    def empty(self) -> bool:
        """Whether no block has come since the last reset."""
        return not self._anchors

    @property
    def end(self) -> int:
        """Index after the last sample."""
        return self._end

    def add(self, block: AudioBlock) -> bool:
        """Store a block.

        Returns
        -------
        bool
            True if the stream has begun anew with it.
        """
        restarted = not self.empty and self._jumped(block)
        if restarted:
            self.reset()
        if self.empty:
            self._begin = self._end = block.first_sample
        self._write(block)
        return restarted

    def covers(self, stamp: int) -> bool:
        """Tell whether all samples before a time (ns) have come."""
        return not self.empty and self.index_at(stamp) <= self._end

    def index_at(self, stamp: int) -> int:
        """Index of the first sample at or after a time (ns), to the nearest sample.

        The block that was being captured at that time decides.
        """
        position = bisect_right(self._anchors, stamp, key=lambda anchor: anchor[1])
        first_sample, block_stamp = self._anchors[max(position - 1, 0)]
        return first_sample + round((stamp - block_stamp) * self._rate / NANOSECONDS)

    def read(self, end: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Copy the `count` samples before index `end`.

        Returns
        -------
        samples : np.ndarray, shape (count, channels), float32
            Zero where nothing was received; each channel is contiguous.
        received : np.ndarray, shape (count,), bool
        """
        received = self.received(end, count)
        channels = self._needed if self._samples is None else len(self._samples)
        samples = np.zeros((channels, count), np.float32)
        for places, slots in self._stretches(end, count):
            samples[:, places] = self._samples[:, slots]
        if not received.all():
            samples[:, ~received] = 0
        return samples.T, received

    def received(self, end: int, count: int) -> np.ndarray:
        """Tell which of the `count` samples before index `end` have come, shape (count,)."""
        received = np.zeros(count, bool)
        for places, slots in self._stretches(end, count):
            received[places] = self._received[slots]
        return received

    def _stretches(self, end: int, count: int) -> Iterator[tuple[slice, slice]]:
        """Find what is held of the `count` samples before index `end`.

        Yields
        ------
        places, slots : slice
            Among these samples, and in the ring.
        """
        first = end - count
        begin, stop = max(first, self._begin), min(end, self._end)
        while begin < stop:
            slot = begin % self._capacity
            length = min(stop - begin, self._capacity - slot)
            yield slice(begin - first, begin - first + length), slice(slot, slot + length)
            begin += length

    def _jumped(self, block: AudioBlock) -> bool:
        first_sample, stamp = self._anchors[-1]
        ahead = (block.first_sample - first_sample) / self._rate
        drift = block.stamp - stamp - to_nanoseconds(ahead)
        too_far = to_seconds(block.stamp - stamp) * self._rate > self._capacity
        return stamp - block.stamp > JUMP or abs(drift) > _CLOCK_STEP or too_far

    def _write(self, block: AudioBlock) -> None:
        if self._samples is None:
            shape = (block.samples.shape[1], self._capacity)
            self._samples = np.zeros(shape, np.float32)
        index = np.arange(block.first_sample, block.next_sample)
        self._extend(max(self._end, block.next_sample))
        finite = np.isfinite(block.samples)
        wanted = (index >= self._begin) & finite.any(axis=1)
        wanted &= ~self._received[index % self._capacity]
        slots = index[wanted] % self._capacity
        self._samples[:, slots] = np.where(finite[wanted], block.samples[wanted], 0).T
        self._received[slots] = True
        anchor = (block.first_sample, block.stamp)
        position = bisect_left(self._anchors, anchor)
        if self._anchors[position : position + 1] != [anchor]:
            self._anchors.insert(position, anchor)
        while len(self._anchors) > 1 and self._anchors[1][0] <= self._begin:
            self._anchors.pop(0)

    def _extend(self, end: int) -> None:
        fresh = np.arange(max(self._end, end - self._capacity), end)
        self._received[fresh % self._capacity] = False
        self._end = end
        self._begin = max(self._begin, end - self._capacity)
