# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Power spectrum of what goes on all the time, and how much of a frame stands out from it.

Minimum statistics (Martin 2001): speech leaves every frequency now and then, machines do not.
Frames lie on a grid of the sample counter, so that the floor depends on the samples alone.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.gcc_phat import GccPhat

_SMOOTHING = 5
"""Frames averaged before the minimum is taken: 120 ms."""

_MINIMUM_BIAS = 1.5
"""Mean over minimum of the smoothed power of stationary noise, from white noise in 2 s."""


class NoiseFloor:
    """Follows the noise floor of a stream.

    Parameters
    ----------
    gcc : GccPhat
        Makes the spectra.
    channels : np.ndarray, shape (microphones,)
        Audio channels to listen to.
    config : AcousticConfig
    """

    def __init__(self, gcc: GccPhat, channels: np.ndarray, config: AcousticConfig) -> None:
        self._gcc = gcc
        self._channels = channels
        self._hop = gcc.length // 2
        self._memory = round(config.floor_memory * gcc.rate)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._done = -2 * self._memory
        self._recent: deque[np.ndarray] = deque(maxlen=_SMOOTHING)
        self._smooth: deque[tuple[int, np.ndarray]] = deque()

    def at(self, audio: StampedAudio, end: int) -> np.ndarray:
        """Estimate the floor from the samples before index `end`.

        Returns
        -------
        np.ndarray, shape (bins,)
            Power, mean over channels; infinite until there are enough frames to average.
        """
        self._advance(audio, end)
        smooth = [power for at, power in self._smooth if at <= end]
        if not smooth:
            return np.full(len(self._gcc.frequencies), np.inf, np.float32)
        return _MINIMUM_BIAS * np.min(smooth, axis=0)

    def _advance(self, audio: StampedAudio, end: int) -> None:
        """Add the frames that ended since the last call and drop those that are too old."""
        oldest = end - self._memory
        earliest = oldest - (_SMOOTHING - 1) * self._hop
        if self._done < earliest:
            self._done = earliest
            self._recent.clear()
        first = (self._done // self._hop + 1) * self._hop
        for at in range(first, end + 1, self._hop):
            self._done = at
            samples, received = audio.read(at, self._gcc.length)
            if not received.all():
                self._recent.clear()
                continue
            power = spectral_power(self._gcc.spectra(samples[:, self._channels]))
            self._recent.append(power.mean(axis=0))
            if len(self._recent) == _SMOOTHING:
                self._smooth.append((at, np.mean(self._recent, axis=0)))
        while self._smooth and self._smooth[0][0] <= oldest:
            self._smooth.popleft()


def spectral_power(spectra: np.ndarray) -> np.ndarray:
    """Square of the modulus of spectra (...)."""
    return spectra.real**2 + spectra.imag**2


def direct_share(power: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Share of the power that stands out from the floor.

    Parameters
    ----------
    power : np.ndarray, shape (frames, bins)
    floor : np.ndarray, shape (bins,)

    Returns
    -------
    np.ndarray, shape (frames, bins), float32
        0..1.
    """
    ratio = np.divide(floor, power, out=np.full(power.shape, np.inf), where=power > 0)
    return np.clip(1 - ratio, 0, 1).astype(np.float32)
