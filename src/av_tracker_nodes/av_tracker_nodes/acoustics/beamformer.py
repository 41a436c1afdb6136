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

"""Beams to people as streams of sound, for speech recognition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, gcd

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.channels import dead_channels
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.distortionless import DistortionlessBeams
from av_tracker_nodes.acoustics.stream_format import StreamFormat
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.types import AudioBlock

HOP = 0.02
"""Beams come in blocks of about this length (s), at most twice as late."""

_MEMORY = 1.0


class Beamformer:
    """Beams to places that may move, by overlap-add.

    The sound is cut into frames of two hops under a Hann window. For each frame the beams are
    formed anew (:class:`~av_tracker_nodes.acoustics.distortionless.DistortionlessBeams`), and
    their sum is the beam: exact for a place that stays, a fade from one to the next for a place
    that moves. The time of a beam is that of the microphone that the sound reaches last.

    Parameters
    ----------
    array : MicrophoneArray
    rate : int, optional
        Of the beams (Hz); that of the sound if left out.

    Raises
    ------
    InputError
        The array has a single microphone.
    """

    def __init__(self, array: MicrophoneArray, rate: int | None = None) -> None:
        self._wanted_rate = rate
        self._delays = PairDelays.of(array, across=True)
        self._format = StreamFormat(int(array.channels.max()) + 1, array.rate)
        self._tune(array)

    def _tune(self, array: MicrophoneArray) -> None:
        """Set up for the rate of an array."""
        self._array = array
        self.rate = self._wanted_rate or array.rate
        common = gcd(array.rate, self.rate)
        parts = ceil(HOP * common)
        self._hop, self._beam_hop = (parts * each // common for each in (array.rate, self.rate))
        self._window = np.hanning(2 * self._hop + 1)[:-1, None].astype(np.float32)
        extent = np.linalg.norm(np.ptp(array.positions, axis=0)) / array.speed_of_sound
        hops = 2 + ceil((extent * array.rate + 1) / self._hop)
        blocks = next_fast_len(hops * parts, real=True)
        self._size, self._beam_size = (blocks * each // common for each in (array.rate, self.rate))
        self._beam_length = hops * self._beam_hop
        self._bins = min(self._size, self._beam_size) // 2 + 1
        self._audio = StampedAudio(int(array.channels.max()) + 1, array.rate, _MEMORY)
        self.reset()

    def reset(self) -> None:
        """Forget all sound."""
        self._audio.reset()
        self._forget()

    def process(
        self,
        block: AudioBlock,
        places: Mapping[int, np.ndarray],
        others: Sequence[np.ndarray] = (),
    ) -> list[tuple[int, AudioBlock]]:
        """Take samples in, and form the beams that they complete.

        Parameters
        ----------
        block : AudioBlock
        places : mapping of int to np.ndarray, shape (3,)
            Where to listen to now (m, array frame), by a number that stays that of a beam.
        others : sequence of np.ndarray, shape (3,)
            Where somebody else may speak (m, array frame).

        Returns
        -------
        list of tuple of int and AudioBlock
            The number of a beam, and its next samples, shape (n, 1). Samples are counted at the
            rate of the beam, from where those of the array are: where all microphones lost
            samples, there is a gap. A beam that is new fades in.

        Raises
        ------
        InputError
            If the block cannot be heard; see :class:`StreamFormat`.
        """
        if self._format.changes(block):
            self._tune(replace(self._array, rate=block.rate))
        if self._audio.add(block):
            self._forget()
        if self._next is None:
            self._next = ceil(block.first_sample / self._hop)
        held = self._audio.end - round(_MEMORY * self._array.rate)
        self._next = max(self._next, ceil(held / self._hop))
        beams = []
        while (self._next + 2) * self._hop <= self._audio.end:
            steered = self._steer(self._next, places, others)
            beams += self._complete(self._next, block, steered)
            self._next += 1
        return beams

    def _forget(self) -> None:
        self._next: int | None = None
        self._tails: dict[int, np.ndarray] = {}
        self._alive: np.ndarray | None = None

    def _complete(
        self, hop: int, newest: AudioBlock, steered: Mapping[int, np.ndarray]
    ) -> list[tuple[int, AudioBlock]]:
        """Add the frame that begins with a hop to the beams, and cut that hop off them."""
        sums = {
            number: beam + np.pad(self._tails[number], (0, self._beam_hop))
            if number in self._tails
            else beam
            for number, beam in steered.items()
        }
        self._tails = {number: beam[self._beam_hop :] for number, beam in sums.items()}
        stamp = newest.time_of(hop * self._hop)
        return [
            (
                number,
                AudioBlock(stamp, hop * self._beam_hop, self.rate, beam[: self._beam_hop, None]),
            )
            for number, beam in sums.items()
        ]

    def _steer(
        self,
        hop: int,
        places: Mapping[int, np.ndarray],
        others: Sequence[np.ndarray],
    ) -> dict[int, np.ndarray]:
        """Form the beams of the frame that begins with a hop; none where nothing was received."""
        samples, received = self._audio.read((hop + 2) * self._hop, 2 * self._hop)
        if not places or not received.any():
            return {}
        samples = samples[:, self._array.channels]
        alive = ~dead_channels(samples.var(axis=0))
        if self._alive is None or (alive != self._alive).any():
            self._alive, self._beams = alive, self._beams_of(alive)
        frame = rfft((samples[:, alive] * self._window).T, self._size)
        delays = self._delays.travel(np.array([*places.values(), *others]))[:, alive]
        waits = delays.max(axis=1, keepdims=True) - delays
        beams = self._beams.form(frame[:, : self._bins], list(places), waits)
        scale = np.float32(self._beam_size / self._size)
        sounds = irfft(scale * beams, self._beam_size)[:, : self._beam_length]
        return dict(zip(places, sounds, strict=True))

    def _beams_of(self, alive: np.ndarray) -> DistortionlessBeams:
        """Set up for the microphones that hear."""
        return DistortionlessBeams(
            self._array.positions[alive],
            self._array.groups[alive],
            self._array.speed_of_sound,
            self._bins,
            self._array.rate / self._size,
            self._hop / self._array.rate,
        )
