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

"""Microphone arrays and their geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.ambiguity import ambiguity

SPEED_OF_SOUND = 343.0
MOST_MICROPHONES, MOST_CHANNELS = 1024, 1 << 16
"""The largest array that was built, LOUD, has 1020; messages number channels with 16 bits."""
HIGHEST_RATE = 1_000_000
"""Of sound (Hz)."""

_COLDEST, _HOTTEST = -50.0, 60.0
_LONGEST_TRAVEL = 0.2
"""Seconds of sound across an array, 69 m of air: longer than what is correlated, and a sign of
millimetres that were meant."""


def speed_of_sound(temperature: float) -> float:
    """Speed of sound (m/s) in dry air of a temperature (degrees Celsius).

    ``331.3 sqrt(1 + T / 273.15)``, that of an ideal gas. Humidity adds 0.4 % at most.

    Raises
    ------
    InputError
        If it is not a temperature of air that people breathe.
    """
    if not _COLDEST <= temperature <= _HOTTEST:
        raise InputError(
            f'{temperature:g} degrees Celsius is no temperature of a room: '
            f'give one between {_COLDEST:g} and {_HOTTEST:g}'
        )
    return float(331.3 * np.sqrt(1 + temperature / 273.15))


@dataclass(frozen=True)
class MicrophoneArray:
    """One or several rigid arrays behind one sound card.

    Attributes
    ----------
    positions : np.ndarray, shape (microphones, 3)
        Metres, array frame.
    groups : np.ndarray, shape (microphones,)
        Rigid array that each microphone belongs to.
    channels : np.ndarray, shape (microphones,)
        Audio channel of each microphone.
    rate : int
        Sampling rate (Hz).
    speed_of_sound : float
        Metres a second.
    name : str
    """

    positions: np.ndarray
    groups: np.ndarray = None
    channels: np.ndarray = None
    rate: int = 16_000
    speed_of_sound: float = SPEED_OF_SOUND
    name: str = field(default='array')

    def __post_init__(self) -> None:
        """Fill in defaults and check shapes."""
        positions = np.atleast_2d(np.asarray(self.positions, float))
        count = len(positions)
        groups = np.zeros(count, int) if self.groups is None else np.asarray(self.groups, int)
        channels = np.arange(count) if self.channels is None else np.asarray(self.channels, int)
        if count > MOST_MICROPHONES:
            raise InputError(
                f"array '{self.name}': {count} microphones, {MOST_MICROPHONES} at most"
            )
        if positions.shape != (count, 3) or not np.isfinite(positions).all():
            raise InputError(f"array '{self.name}': positions must be finite x, y, z triples")
        if not np.linalg.norm(np.ptp(positions, axis=0)) < _LONGEST_TRAVEL * self.speed_of_sound:
            raise InputError(
                f"array '{self.name}': sound takes more than {_LONGEST_TRAVEL} s from one end to "
                'the other: positions are in metres, the speed of sound in metres a second'
            )
        if groups.shape != (count,) or channels.shape != (count,):
            raise InputError(
                f"array '{self.name}': {count} positions need as many groups and channels, "
                f'got {groups.size} and {channels.size}'
            )
        if len(set(channels.tolist())) != count or (channels < 0).any():
            raise InputError(f"array '{self.name}': channels must be distinct and not negative")
        if (np.maximum(channels, groups) >= MOST_CHANNELS).any() or (groups < 0).any():
            raise InputError(
                f"array '{self.name}': channels and groups end at {MOST_CHANNELS - 1}"
            )
        object.__setattr__(self, 'positions', positions)
        object.__setattr__(self, 'groups', groups)
        object.__setattr__(self, 'channels', channels)

    @cached_property
    def centre(self) -> np.ndarray:
        """Mean position (m), shape (3,)."""
        return self.positions.mean(axis=0)

    @property
    def ambiguity(self) -> str:
        """Which directions sound alike to the array, in a sentence; empty where none do."""
        return ambiguity(self.positions)

    def is_same(self, other: MicrophoneArray) -> bool:
        """Tell whether these are the same microphones, whatever they are called."""
        arrays = ('positions', 'groups', 'channels')
        return (
            all(np.array_equal(getattr(self, name), getattr(other, name)) for name in arrays)
            and self.rate == other.rate
            and self.speed_of_sound == other.speed_of_sound
        )

    def group_centres(self) -> np.ndarray:
        """Mean position of each rigid array (m), shape (arrays, 3)."""
        return np.stack([self.positions[self.groups == g].mean(0) for g in np.unique(self.groups)])

    def pairs(self, across: bool = False, most: int | None = None) -> np.ndarray:
        """Form microphone pairs ``i < j``.

        Parameters
        ----------
        across : bool
            Pair microphones of different groups too.
        most : int, optional
            Keep no more than these. They are dealt in rounds, in which each microphone is used
            once at most, longest baseline first: all microphones take part alike, so that noise
            averages out and a dead one costs little, and what tells directions best is kept.

        Returns
        -------
        np.ndarray, shape (pairs, 2)
            Indices of microphones, in ascending order.
        """
        everyone = combinations(range(len(self.positions)), 2)
        kept = [(i, j) for i, j in everyone if across or self.groups[i] == self.groups[j]]
        if most is not None and len(kept) > most:
            kept = self._dealt(kept, most)
        return np.array(kept, int).reshape(-1, 2)

    def _dealt(self, pairs: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
        baselines = [np.linalg.norm(self.positions[i] - self.positions[j]) for i, j in pairs]
        waiting = [pairs[k] for k in np.argsort(baselines, kind='stable')[::-1]]
        chosen: list[tuple[int, int]] = []
        while len(chosen) < most:
            used: set[int] = set()
            passed = []
            for pair in waiting:
                if used.isdisjoint(pair):
                    used.update(pair)
                    chosen.append(pair)
                else:
                    passed.append(pair)
            waiting = passed
        return sorted(chosen[:most])
