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
        self._frames: deque[tuple[int, np.ndarray]] = deque()
        self._memory = round(config.floor_memory * gcc.rate)

    def reset(self) -> None:
        """Forget everything."""
        self._frames.clear()

    def at(self, audio: StampedAudio, end: int) -> np.ndarray:
        """Estimate the floor from the samples before index `end`.

        Returns
        -------
        np.ndarray, shape (bins,)
            Power, mean over channels; infinite until there are enough frames to average.
        """
        self._advance(audio, end)
        power = np.array([p for at, p in self._frames if at <= end and p is not None])
        if len(power) < _SMOOTHING:
            return np.full(len(self._gcc.frequencies), np.inf, np.float32)
        total = np.cumsum(power, axis=0)
        smooth = total[_SMOOTHING - 1 :].copy()
        smooth[1:] -= total[:-_SMOOTHING]
        return _MINIMUM_BIAS / _SMOOTHING * np.maximum(smooth, 0).min(axis=0)

    def _advance(self, audio: StampedAudio, end: int) -> None:
        """Add the frames that ended since the last call and drop those that are too old."""
        oldest = end - self._memory
        done = self._frames[-1][0] if self._frames else oldest
        first = (max(done, oldest) // self._hop + 1) * self._hop
        for at in range(first, end + 1, self._hop):
            samples, received = audio.read(at, self._gcc.length)
            power = None
            if received.all():
                spectra = self._gcc.spectra(samples[:, self._channels])
                power = frame_power(spectra)
            self._frames.append((at, power))
        while self._frames and self._frames[0][0] <= oldest:
            self._frames.popleft()


def frame_power(spectra: np.ndarray) -> np.ndarray:
    """Power (..., bins), mean over microphones, of spectra (..., microphones, bins)."""
    return (spectra.real**2 + spectra.imag**2).mean(axis=-2)


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
