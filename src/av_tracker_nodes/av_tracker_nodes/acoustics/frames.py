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

"""Spectra of the frames before an instant and their fields, each computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.noise_floor import spectral_power


@dataclass(frozen=True)
class SpectralFrame:
    """One frame.

    Attributes
    ----------
    whitened : np.ndarray, shape (microphones, bins), complex64
        Spectra of unit modulus; zero unless every sample was received: the edges of a gap are the
        same on all channels and would correlate.
    power : np.ndarray, shape (bins,)
        Mean over microphones.
    level : np.ndarray, shape (microphones,)
        Power, mean over bins.
    """

    whitened: np.ndarray
    power: np.ndarray
    level: np.ndarray


class FrameCache:
    """Half-overlapping frames on grids that end at given instants.

    At 25 images a second two frames are new with each image, and the others are met again.

    Parameters
    ----------
    gcc : GccPhat
    channels : np.ndarray, shape (microphones,)
        Audio channel of each microphone.
    """

    def __init__(self, gcc: GccPhat, channels: np.ndarray) -> None:
        self._gcc = gcc
        self._channels = channels
        self._frames: dict[int, SpectralFrame] = {}
        self.hop = gcc.length // 2

    def reset(self) -> None:
        """Forget everything."""
        self._frames.clear()

    def last(self, audio: StampedAudio, end: int, count: int) -> list[SpectralFrame]:
        """Return the last `count` frames, oldest first; the newest ends at index `end`."""
        ends = range(end - (count - 1) * self.hop, end + 1, self.hop)
        frames = [self._frames.get(at) or self._transform(audio, at) for at in ends]
        self._frames = dict(zip(ends, frames, strict=True))
        return frames

    def _transform(self, audio: StampedAudio, end: int) -> SpectralFrame:
        samples, received = audio.read(end, self._gcc.length)
        if not received.all():
            samples = np.zeros_like(samples)
        spectra = self._gcc.spectra(samples[:, self._channels])
        power = spectral_power(spectra)
        return SpectralFrame(self._gcc.whiten(spectra), power.mean(axis=0), power.mean(axis=1))


class FieldCache:
    """Fields of single frames (of coherence, of likelihood), which the next images meet again."""

    def __init__(self) -> None:
        self._alive: np.ndarray | None = None
        self._fields: dict[int, tuple[SpectralFrame, np.ndarray]] = {}

    def of(
        self,
        frames: Sequence[SpectralFrame],
        alive: np.ndarray,
        compute: Callable[[SpectralFrame], np.ndarray],
    ) -> list[np.ndarray]:
        """Return the fields of frames, computing those that were not asked for the last time.

        Parameters
        ----------
        frames : sequence of SpectralFrame
        alive : np.ndarray, shape (microphones,), bool
            Microphones that count: fields of other microphones are forgotten.
        compute : callable
            Field of a frame.
        """
        if not np.array_equal(self._alive, alive):
            self._fields.clear()
        known, self._alive = self._fields, alive
        # The frames are kept with their fields, so that no other can have their identity.
        self._fields = {
            id(frame): known.get(id(frame)) or (frame, compute(frame)) for frame in frames
        }
        return [self._fields[id(frame)][1] for frame in frames]
