# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Microphone arrays and their geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from av_tracker_nodes.errors import InputError

SPEED_OF_SOUND = 343.0


def speed_of_sound(temperature: float) -> float:
    """Speed of sound (m/s) in air of a temperature (degrees Celsius)."""
    return 331.3 * np.sqrt(1 + temperature / 273.15)


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
        if positions.shape != (count, 3) or not np.isfinite(positions).all():
            raise InputError(f"array '{self.name}': positions must be finite x, y, z triples")
        if groups.shape != (count,) or channels.shape != (count,):
            raise InputError(
                f"array '{self.name}': {count} positions need as many groups and channels, "
                f'got {groups.size} and {channels.size}'
            )
        if len(set(channels.tolist())) != count or (channels < 0).any():
            raise InputError(f"array '{self.name}': channels must be distinct and not negative")
        object.__setattr__(self, 'positions', positions)
        object.__setattr__(self, 'groups', groups)
        object.__setattr__(self, 'channels', channels)

    @property
    def centre(self) -> np.ndarray:
        """Mean position (m), shape (3,)."""
        return self.positions.mean(axis=0)

    def group_centres(self) -> np.ndarray:
        """Mean position of each rigid array (m), shape (arrays, 3)."""
        return np.stack([self.positions[self.groups == g].mean(0) for g in np.unique(self.groups)])

    def pairs(self, across: bool = False) -> np.ndarray:
        """Microphone pairs ``i < j``, shape (pairs, 2), within each group unless `across`."""
        everyone = combinations(range(len(self.positions)), 2)
        kept = [(i, j) for i, j in everyone if across or self.groups[i] == self.groups[j]]
        return np.array(kept, int).reshape(-1, 2)
