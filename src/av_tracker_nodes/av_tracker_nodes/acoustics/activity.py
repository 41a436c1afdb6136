# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Tells whether it is speech that comes from a place.

Coherence alone cannot tell: a fan is as coherent as a talker. Three cues together can. *Coherence*
of the direct sound: what goes on all the time has been taken off (`noise_floor`), so machines
and hum fade within the memory of the floor. *Activity*: the share of time and frequency that
stands out from the floor. *Voicing*: somewhere in the last 220 ms the beam to the source is
periodic like a voice, at 80 to 400 Hz.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat

_PITCH = (80.0, 400.0)
_VOICE_BAND = (200.0, 4000.0)


class VoiceCue:
    """Measures how periodic a beam to a source is.

    Parameters
    ----------
    delays : PairDelays
    gcc : GccPhat
    """

    def __init__(self, delays: PairDelays, gcc: GccPhat) -> None:
        self._delays = delays
        voiced = (gcc.frequencies >= _VOICE_BAND[0]) & (gcc.frequencies <= _VOICE_BAND[1])
        self._bins = slice(*(np.flatnonzero(voiced)[[0, -1]] + [0, 1]))
        self._frequencies = gcc.frequencies[self._bins]
        step = 1 / (4 * _VOICE_BAND[1])
        periods = np.arange(1 / _PITCH[1], 1 / _PITCH[0], step)
        self._cosines = np.cos(2 * np.pi * self._frequencies[:, None] * periods)
        self._cosines = (self._cosines / _overlap(gcc, periods)).astype(np.float32)

    def voicing(
        self, spectra: np.ndarray, share: np.ndarray, alive: np.ndarray, position: np.ndarray
    ) -> float:
        """Highest periodicity over frames of a delay-and-sum beam.

        Parameters
        ----------
        spectra : np.ndarray, shape (frames, microphones, bins)
        share : np.ndarray, shape (frames, bins)
            Of direct sound (`direct_share`).
        alive : np.ndarray, shape (microphones,), bool
        position : np.ndarray, shape (3,)

        Returns
        -------
        float
            Autocorrelation at the best pitch period, 0..1; weighted towards loud frames.
        """
        travel = self._delays.travel(position)[alive]
        turn = np.exp(2j * np.pi * self._frequencies * (travel - travel.mean())[:, None])
        heard = spectra[:, alive, self._bins]
        beam = np.einsum('tmf,mf->tf', heard, turn.astype(np.complex64), optimize=False)
        power = (beam.real**2 + beam.imag**2) * share[:, self._bins]
        energy = power.sum(axis=1)
        if not energy.any():
            return 0.0
        best = (power @ self._cosines).max(axis=1)
        loud = energy >= 0.1 * energy.max()
        return float(np.clip((best[loud] / energy[loud]).max(), 0, 1))


def logistic(features: np.ndarray, coefficients: tuple[float, ...]) -> float:
    """Probability from features and as many coefficients and a constant."""
    *slopes, constant = coefficients
    return float(1 / (1 + np.exp(-(np.dot(slopes, features) + constant))))


def _overlap(gcc: GccPhat, periods: np.ndarray) -> np.ndarray:
    """Autocorrelation of the analysis window: what a perfectly periodic sound reaches."""
    window = np.hamming(gcc.length)
    whole = np.correlate(window, window, 'full')[gcc.length - 1 :]
    return np.interp(periods * gcc.rate, np.arange(gcc.length), whole / whole[0])
