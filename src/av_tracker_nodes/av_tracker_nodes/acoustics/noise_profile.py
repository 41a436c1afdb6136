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

"""What is noise: how loud it is at each frequency, and from where it comes.

Minima-controlled averaging (Cohen and Berdugo 2002). Speech leaves every frequency now and then,
machines do not: the minimum of the smoothed power over some time tells which frames hold nothing
but noise at a frequency (Martin 2001). Over these the power is averaged, and the whitened
cross-spectra, which say from where noise comes: from one place they have modulus one, from
everywhere none. So a fan is learnt between the words of people, and forgotten within seconds
when it stops, or when the robot turns away from it. Machines that set in and stop are remembered
besides (`known_noises`); the noise of a frame is the greater of both.

Frames lie on a grid of the sample counter, and averages depend on the samples alone; which noises
are known depends on since when it has listened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.known_noises import KnownNoise, KnownNoises, bins_set_in
from av_tracker_nodes.acoustics.noise_floor import spectral_power
from av_tracker_nodes.acoustics.sliding_minimum import SlidingMinimum

_SMOOTHING = 5
"""Frames averaged before the minimum is taken: 120 ms."""

_SPREAD = 5
"""Bins that are averaged besides, to tell whether there is more than noise."""

_NOISE_ALONE = 5.0
"""Smoothed power over its minimum below which there is nothing but noise (Cohen and Berdugo)."""

_LEAST_BIAS, _MOST_BIAS = 1.5, 4.0
"""Limits of the mean over the minimum of the smoothed power of noise in 2 s: 1.5 where many
microphones hear diffuse noise, on average 4 where all hear one place alike."""

_BLOCK = 5
"""Frames that are learnt, and forgotten, together."""

_ONSET = 25
"""Frames for which what sets in is steady before it is known as a noise: half a second."""

_ENOUGH = 10
"""Frames of noise whose average is as sure as the minimum of all."""


@dataclass(frozen=True)
class Noise:
    """What goes on all the time, and what may be back.

    Attributes
    ----------
    power : np.ndarray, shape (bins,), float32
        Mean over channels; infinite until there are enough frames to average.
    floor : np.ndarray, shape (bins,), float32
        What its power is at least, by the minimum alone.
    cross : np.ndarray, shape (pairs, bins), complex64
        Mean of its whitened cross-spectra; zero while they are unknown.
    known : list of KnownNoise
        What may be back.
    """

    power: np.ndarray
    floor: np.ndarray
    cross: np.ndarray
    known: list[KnownNoise]

    def during(self, power: np.ndarray) -> NoiseInFrames:
        """Tell the noise in frames by their power (frames, bins)."""
        known = [noise.in_frames(power) for noise in self.known]
        lasting, floor = (np.broadcast_to(each, power.shape) for each in (self.power, self.floor))
        kinds = np.stack([lasting, *known])
        floors = np.stack([floor, *(_LEAST_BIAS * each for each in known)])
        crosses = [self.cross, *(noise.cross for noise in self.known)]
        loudest = kinds.argmax(axis=0)
        parts = [(loudest == kind, cross) for kind, cross in enumerate(crosses)]
        return NoiseInFrames(kinds.max(axis=0), floors.max(axis=0), parts)


@dataclass(frozen=True)
class NoiseInFrames:
    """Noise in some frames: what goes on all the time, or a known noise where that is louder.

    Attributes
    ----------
    power, floor : np.ndarray, shape (frames, bins)
        As of `Noise`.
    parts : list of (np.ndarray, np.ndarray)
        Where (frames, bins) it is what goes on all the time, and where each known noise, with
        their mean whitened cross-spectra (pairs, bins).
    """

    power: np.ndarray
    floor: np.ndarray
    parts: list[tuple[np.ndarray, np.ndarray]]

    def cross(self, weights: np.ndarray) -> np.ndarray:
        """Weighted mean of cross-spectra (pairs, bins) over frames; weights (frames, bins)."""
        return sum((weights * here).sum(axis=0) * cross for here, cross in self.parts)

    def with_lasting_from_anywhere(self) -> NoiseInFrames:
        """Leave out from where it comes what goes on all the time."""
        (here, cross), *known = self.parts
        return replace(self, parts=[(here, np.zeros_like(cross)), *known])


@dataclass(frozen=True)
class _Frame:
    """Power (bins,) and whitened spectra (microphones, bins) of a frame."""

    power: np.ndarray
    whitened: np.ndarray


@dataclass(frozen=True)
class _Smooth:
    """Power averaged over the frames done at a sample, and over bins besides, shapes (bins,)."""

    done: int
    power: np.ndarray
    wide: np.ndarray


@dataclass(frozen=True)
class _Block:
    """Sums over the noise in some frames, the last of which was done at a sample.

    Attributes
    ----------
    done : int
    count, power : np.ndarray, shape (bins,)
    cross : np.ndarray, shape (pairs, bins)
    """

    done: int
    count: np.ndarray
    power: np.ndarray
    cross: np.ndarray


@dataclass(frozen=True)
class _Learnt:
    """What some blocks have in common: means of the noise in them.

    Attributes
    ----------
    blocks : list of int
        When each was done.
    count, power : np.ndarray, shape (bins,)
        Frames of noise, and their mean power.
    cross : np.ndarray, shape (pairs, bins)
        Their mean whitened cross-spectra.
    """

    blocks: Sequence[int]
    count: np.ndarray
    power: np.ndarray
    cross: np.ndarray

    @classmethod
    def of(cls, blocks: Sequence[_Block]) -> _Learnt:
        count = np.sum([block.count for block in blocks], axis=0)
        power = np.sum([block.power for block in blocks], axis=0) / np.maximum(count, 1)
        cross = np.sum([block.cross for block in blocks], axis=0) / np.maximum(count, _ENOUGH)
        return cls([block.done for block in blocks], count, power, cross)


class NoiseProfile:
    """Learns the noise of a stream.

    Parameters
    ----------
    gcc : GccPhat
        Makes the spectra.
    channels : np.ndarray, shape (microphones,)
        Audio channels to listen to.
    pairs : np.ndarray, shape (pairs, 2)
        Indices of microphones.
    config : AcousticConfig
    """

    def __init__(
        self,
        gcc: GccPhat,
        channels: np.ndarray,
        pairs: np.ndarray,
        config: AcousticConfig,
    ) -> None:
        self._gcc = gcc
        self._channels = channels
        self._pairs = pairs
        self._hop = gcc.length // 2
        self._memory = round(config.floor_memory * gcc.rate)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._known = KnownNoises()
        self._forget_the_last()

    def _forget_the_last(self) -> None:
        """Forget everything but the known noises."""
        self._done = -4 * self._memory
        self._recent: deque[_Frame] = deque(maxlen=_SMOOTHING)
        self._onset: deque[_Frame] = deque(maxlen=_ONSET)
        self._smooth: deque[_Smooth] = deque()
        self._least, self._least_wide = SlidingMinimum(), SlidingMinimum()
        self._gathered: list[tuple[_Frame, np.ndarray]] = []
        self._blocks: deque[_Block] = deque()
        self._learnt = _Learnt((), *[np.empty(0)] * 3)

    def at(self, audio: StampedAudio, end: int) -> Noise:
        """Tell the noise in the samples before index `end`."""
        self._advance(audio, end)
        oldest = end - self._memory
        shape = len(self._pairs), len(self._gcc.frequencies)
        known = self._known.before(end)
        minimum, frames = self._minimum(oldest, end)
        if minimum is None:
            unknown = np.full(shape[1], np.inf, np.float32)
            return Noise(unknown, unknown, np.zeros(shape, np.complex64), known)
        floor = _LEAST_BIAS * minimum
        blocks = [block for block in self._blocks if oldest < block.done <= end]
        if not blocks:
            return Noise(floor, floor, np.zeros(shape, np.complex64), known)
        if [block.done for block in blocks] != self._learnt.blocks:
            self._learnt = _Learnt.of(blocks)
        power, cross, count = self._learnt.power, self._learnt.cross, self._learnt.count
        mean = np.where(count >= _ENOUGH, power, 0)
        # The minimum of fewer frames is nearer to their mean.
        filled = min(frames * self._hop / self._memory, 1.0)
        most = _LEAST_BIAS + filled * (_MOST_BIAS - _LEAST_BIAS)
        return Noise(np.clip(mean, floor, most * minimum), floor, cross, known)

    def _minimum(self, oldest: int, end: int) -> tuple[np.ndarray | None, int]:
        """Least power (bins,) after one sample and up to another, and in how many frames."""
        if self._smooth and self._smooth[-1].done > end:
            # Sound that has been heard before, once more.
            smooth = [each.power for each in self._smooth if oldest < each.done <= end]
            return (np.min(smooth, axis=0) if smooth else None), len(smooth)
        self._least.drop(oldest)
        return self._least.minimum, len(self._least)

    def _advance(self, audio: StampedAudio, end: int) -> None:
        """Add the frames that ended since the last call and drop those that are too old.

        What is learnt within the memory rests on minima over the memory before.
        """
        earliest = end - 2 * self._memory - (_SMOOTHING - 1) * self._hop
        if self._done < earliest:
            self._forget_the_last()
            self._done = earliest
        first = (self._done // self._hop + 1) * self._hop
        for at in range(first, end + 1, self._hop):
            self._done = at
            samples, received = audio.read(at, self._gcc.length)
            if not received.all():
                self._recent.clear()
                self._onset.clear()
                continue
            spectra = self._gcc.spectra(samples[:, self._channels])
            power = spectral_power(spectra).mean(axis=0)
            self._recent.append(_Frame(power, self._gcc.whiten(spectra)))
            if len(self._recent) == _SMOOTHING:
                self._learn(at)

    def _learn(self, at: int) -> None:
        """Learn from the frame in the middle of the last ones, where it is no more than noise."""
        smooth = np.mean([frame.power for frame in self._recent], axis=0)
        wide = uniform_filter1d(smooth, _SPREAD, mode='nearest')
        while self._smooth and self._smooth[0].done <= at - self._memory:
            self._smooth.popleft()
        self._least_wide.drop(at - self._memory)
        while self._blocks and self._blocks[0].done <= at - self._memory:
            self._blocks.popleft()
        self._smooth.append(_Smooth(at, smooth, wide))
        self._least.add(at, smooth)
        self._least_wide.add(at, wide)
        minimum = self._least_wide.minimum
        alone = (wide <= _NOISE_ALONE * minimum).astype(np.float32)
        middle = self._recent[_SMOOTHING // 2]
        self._gathered.append((middle, alone))
        self._onset.append(middle)
        # Blocks end on a grid of the sample counter, too.
        if at // self._hop % _BLOCK == 0:
            self._blocks.append(self._block(at))
            self._gathered.clear()
            if len(self._onset) == _ONSET:
                self._learn_onset(at, minimum)

    def _learn_onset(self, at: int, minimum: np.ndarray) -> None:
        """Keep a machine that set in, and has been steady since."""
        smooth = np.array([each.wide for each in list(self._smooth)[-_ONSET:]])
        own = bins_set_in(smooth, minimum)
        if own is None:
            return
        whitened = np.array([frame.whitened for frame in self._onset])
        weights = np.full((_ONSET, len(own)), 1 / _ONSET, np.float32)
        cross = kernels.weighted_cross(whitened, weights, self._pairs)
        self._known.learn(at, np.array([frame.power for frame in self._onset]), own, cross)

    def _block(self, at: int) -> _Block:
        frames, alone = zip(*self._gathered, strict=True)
        alone = np.array(alone)
        power = np.array([frame.power for frame in frames])
        whitened = np.array([frame.whitened for frame in frames])
        cross = kernels.weighted_cross(whitened, alone, self._pairs)
        return _Block(at, alone.sum(axis=0), (alone * power).sum(axis=0), cross)
