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

"""What is wrong with the channels of a microphone array, from the sound that they deliver."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from av_tracker_nodes.acoustics.channel_states import SILENCE, TWIN, channel_states
from av_tracker_nodes.acoustics.coherence_field import CoherenceField
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.processed_channels import ChannelRelations
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.grid import directions

_WINDOW = 0.5
"""Seconds that a report is made from."""
_BAND = (200.0, 7500.0)
_STEP = np.deg2rad(5.0)
_RANGE = 2.0
"""Distance (m) of the points that stand for directions."""
_FLAT = 0.005
_HEARD = 0.10
_SWAP_GAIN = 1.08
_EQUIVALENT = 0.85
"""Exchanges that gain this share of what the best one gains do as well."""
_WINDOWS_NEEDED = 4
_MEMORY = 40


@dataclass(frozen=True)
class Heard:
    """Where one rigid array hears sound from.

    Attributes
    ----------
    group : int
    azimuth, elevation : float
        Degrees, array frame, azimuth from x towards y. Flat arrays do not tell above from below;
        above is shown.
    coherence : float
        Mean over microphone pairs, 1 for a single source without reverberation.
    """

    group: int
    azimuth: float
    elevation: float
    coherence: float


@dataclass(frozen=True)
class ArrayReport:
    """State of an array.

    Attributes
    ----------
    levels, peaks : np.ndarray, shape (microphones,)
        Of the last half second (dB of full scale): root mean square, highest sample.
    states : tuple of str
        One a microphone: ``ok``, ``dead``, ``clipped``, ``weak``, or ``copy of channel N``.
    heard : tuple of Heard
        One a rigid array; empty while it is quiet.
    swaps : tuple of tuple of int
        Pairs of channels that look swapped; each of them alone would explain the sound. Empty
        where there are intruders.
    intruders : dict of int to str
        Channels that are no microphones, and why.
    """

    levels: np.ndarray
    peaks: np.ndarray
    states: tuple[str, ...]
    heard: tuple[Heard, ...]
    swaps: tuple[tuple[int, int], ...]
    intruders: dict[int, str] = field(default_factory=dict)


class ArrayCheck:
    """Looks for channels that are dead, weak, clipped, duplicated, swapped or no microphones.

    Swapped channels are found by trying: two microphones change places, and if the sound then
    agrees much better on one direction, window after window, they are swapped. What no exchange of
    two repairs, and what maps the array onto itself (opposite microphones of a square), shows in
    the direction alone.

    Parameters
    ----------
    microphones : MicrophoneArray

    Notes
    -----
    The limits of coherence were chosen on simulated training scenes (seeds 3 and 4, arrays of 16,
    8 and 4): no exchange of channels that are in order gained more than 2 %, that of swapped ones
    3 to 76 % in the median, least for neighbours and a source in line with neither.
    """

    def __init__(self, microphones: MicrophoneArray) -> None:
        self._array = microphones
        self._window = round(_WINDOW * microphones.rate)
        self._waiting = np.zeros((0, len(microphones.channels)), np.float32)
        fields = [_GroupField.of(microphones, g) for g in np.unique(microphones.groups)]
        self._fields = [field for field in fields if field is not None]
        count = len(microphones.channels)
        self._exchanges = list(combinations(range(count), 2))
        self._gains: deque[np.ndarray] = deque(maxlen=_MEMORY)
        self._gcc = self._fields[0].gcc if self._fields else None
        self._relations = ChannelRelations(microphones)

    def add(self, samples: np.ndarray) -> ArrayReport | None:
        """Take samples (n, channels) in [-1, 1]; return a report when half a second is full."""
        self._relations.add(samples)
        chosen = samples[:, self._array.channels]
        self._waiting = np.concatenate([self._waiting, chosen])
        if len(self._waiting) < self._window:
            return None
        window, self._waiting = self._waiting[: self._window], self._waiting[self._window :]
        return self._report(window)

    def _report(self, window: np.ndarray) -> ArrayReport:
        varying = window - window.mean(axis=0)
        power = (varying**2).mean(axis=0)
        states = channel_states(window, self._array.channels)
        heard: tuple[Heard, ...] = ()
        if power.max() > SILENCE**2 and self._fields:
            heard = self._listen(window, np.array([state != 'dead' for state in states]))
        intruders = self._intruders(states)
        return ArrayReport(
            levels=10 * np.log10(np.maximum(power, SILENCE**2)),
            peaks=20 * np.log10(np.maximum(np.abs(window).max(axis=0), SILENCE)),
            states=states,
            heard=heard,
            swaps=() if intruders else self._swaps(),
            intruders=intruders,
        )

    def _intruders(self, states: tuple[str, ...]) -> dict[int, str]:
        """Return channels that are no microphones, less those whose state tells it."""
        state_of = dict(zip(self._array.channels.tolist(), states, strict=True))
        return {
            channel: reason
            for channel, reason in self._relations.intruders().items()
            if not state_of[channel].startswith(TWIN)
        }

    # ---- directions and exchanges

    def _listen(self, window: np.ndarray, alive: np.ndarray) -> tuple[Heard, ...]:
        cross = self._cross_spectra(window, alive)
        straight = np.arange(len(alive))
        heard = tuple(field.peak(cross, straight) for field in self._fields)
        if max(peak.coherence for peak in heard) < _HEARD:
            return ()
        before = sum(peak.coherence for peak in heard)
        gains = []
        for i, j in self._exchanges:
            order = straight.copy()
            order[[i, j]] = j, i
            after = sum(field.peak(cross, order).coherence for field in self._fields)
            gains.append(after / before)
        self._gains.append(np.array(gains))
        return heard

    def _cross_spectra(self, window: np.ndarray, alive: np.ndarray) -> np.ndarray:
        """Whitened cross-spectra (microphones, microphones, bins), mean over half frames."""
        gcc = self._gcc
        starts = range(0, len(window) - gcc.length + 1, gcc.length // 2)
        whitened = np.array([gcc.whiten(gcc.spectra(window[s : s + gcc.length])) for s in starts])
        whitened[:, ~alive] = 0
        by_bin = whitened.transpose(2, 1, 0)
        cross = by_bin @ by_bin.conj().transpose(0, 2, 1)
        return cross.transpose(1, 2, 0) / (len(whitened) * cross.shape[0])

    def _swaps(self) -> tuple[tuple[int, int], ...]:
        if len(self._gains) < _WINDOWS_NEEDED:
            return ()
        gains = np.median(self._gains, axis=0)
        best = gains.max()
        if best < _SWAP_GAIN:
            return ()
        channels = self._array.channels
        found = np.flatnonzero(gains > 1 + _EQUIVALENT * (best - 1))
        return tuple(
            (int(channels[i]), int(channels[j])) for i, j in (self._exchanges[k] for k in found)
        )


@dataclass(frozen=True)
class _GroupField:
    """Directions around one rigid array."""

    group: int
    gcc: GccPhat
    pairs: np.ndarray
    field: CoherenceField
    outwards: np.ndarray

    @classmethod
    def of(cls, array: MicrophoneArray, group: int) -> _GroupField | None:
        """Make the field of a group; None for a single microphone."""
        members = np.flatnonzero(array.groups == group)
        if len(members) < 2:
            return None
        positions = array.positions[members]
        alone = PairDelays.of(MicrophoneArray(positions, speed_of_sound=array.speed_of_sound))
        longest = PairDelays.of(array).longest
        gcc = GccPhat(array.rate, longest, band=(_BAND[0], min(_BAND[1], 0.45 * array.rate)))
        outwards = directions(_STEP)
        if np.ptp(positions[:, 2]) < _FLAT:
            outwards = outwards[outwards[:, 2] >= 0]
        points = positions.mean(axis=0) + _RANGE * outwards
        field = CoherenceField(alone, gcc, points)
        return cls(int(group), gcc, members[alone.pairs], field, outwards)

    def peak(self, cross: np.ndarray, order: np.ndarray) -> Heard:
        """Find the direction of most coherence, microphone k being heard on channel order[k]."""
        first, second = order[self.pairs].T
        values = self.field(self.gcc.correlate(cross[first, second].astype(np.complex64)))
        best = int(np.argmax(values))
        x, y, z = self.outwards[best]
        azimuth, elevation = np.degrees([np.arctan2(y, x), np.arcsin(z)])
        return Heard(self.group, float(azimuth), float(elevation), float(values[best]))
