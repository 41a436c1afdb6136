# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Tells whether it is speech that comes from a place.

Coherence alone cannot tell: a fan is as coherent as a talker. Four cues together can. *Coherence*
of what stands out from the noise floor, so that machines and hum fade within the memory of the
floor. *Activity*: the share of time and frequency that stands out. *Voicing*: the beam to the
place is periodic like a voice, which noise is not. *Flux*: its spectrum changes from frame to
frame, which that of hum does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat

_PITCH = (80.0, 400.0)
_VOICE_BAND = (200.0, 4000.0)
_BAND_WIDTH = 200.0
_MOST_VOICING = 0.6
"""Clear voices are at least as periodic; hum is more so, and gains nothing by it."""

_MOST_FLUX = 4.0
"""Clear voices change as much (dB); the onset of anything changes more, and gains nothing."""


@dataclass(frozen=True)
class BeamCues:
    """What a beam sounds like.

    Attributes
    ----------
    voicing : float
        Autocorrelation at the best pitch period, 0..1, mean over frames by their energy.
    flux : float
        Deviation of the change of band levels from frame to frame (dB).
    """

    voicing: float
    flux: float


class BeamListener:
    """Listens to places with a delay-and-sum beam.

    Parameters
    ----------
    delays : PairDelays
    gcc : GccPhat
        Makes the spectra.
    """

    def __init__(self, delays: PairDelays, gcc: GccPhat) -> None:
        self._delays = delays
        voiced = (gcc.frequencies >= _VOICE_BAND[0]) & (gcc.frequencies <= _VOICE_BAND[1])
        self._bins = slice(*(np.flatnonzero(voiced)[[0, -1]] + [0, 1]))
        self._frequencies = gcc.frequencies[self._bins]
        step = 1 / (4 * _VOICE_BAND[1])
        periods = np.arange(1 / _PITCH[1], 1 / _PITCH[0], step)
        cosines = np.cos(2 * np.pi * self._frequencies[:, None] * periods)
        self._cosines = (cosines / _window_overlap(gcc, periods)).astype(np.float32)
        self._bands = np.arange(0, len(self._frequencies), round(_BAND_WIDTH / gcc.bin_width))

    def listen(self, spectra: np.ndarray, alive: np.ndarray, position: np.ndarray) -> BeamCues:
        """Listen to a place.

        Parameters
        ----------
        spectra : np.ndarray, shape (frames, microphones, bins), complex64
            Consecutive frames.
        alive : np.ndarray, shape (microphones,), bool
        position : np.ndarray, shape (3,)
            Metres, array frame.

        Returns
        -------
        BeamCues
        """
        travel = self._delays.travel(position)[alive]
        turn = np.exp(2j * np.pi * self._frequencies * (travel - travel.mean())[:, None])
        beam = np.einsum('tmf,mf->tf', spectra[:, alive, self._bins], turn.astype(np.complex64))
        power = beam.real**2 + beam.imag**2
        energy = power.sum()
        if energy == 0:
            return BeamCues(0.0, 0.0)
        voicing = (power @ self._cosines).max(axis=1).sum() / energy
        bands = np.add.reduceat(power, self._bands, axis=1)
        levels = 10 * np.log10(bands + 1e-6 * bands.max())
        return BeamCues(float(np.clip(voicing, 0, 1)), float(np.diff(levels, axis=0).std()))


def speech_probability(
    coherence: tuple[float, ...],
    activity: float,
    cues: BeamCues,
    coefficients: tuple[float, ...],
) -> float:
    """Probability of speech, by logistic regression.

    Parameters
    ----------
    coherence : tuple of float
        One measure of coherence or several.
    activity : float
        Mean of `noise_floor.direct_share`.
    cues : BeamCues
    coefficients : tuple of float
        Of the logarithms of coherence and activity, of voicing, of flux (dB), and the constant.
    """
    levels = [np.log(max(value, 0.0) + 0.01) for value in (*coherence, activity)]
    voice = [min(cues.voicing, _MOST_VOICING), min(cues.flux, _MOST_FLUX)]
    features = [*levels, *voice, 1.0]
    return float(1 / (1 + np.exp(-np.dot(coefficients, features))))


def _window_overlap(gcc: GccPhat, periods: np.ndarray) -> np.ndarray:
    """Autocorrelation of the analysis window: what a perfectly periodic sound reaches."""
    window = np.hamming(gcc.length)
    whole = np.correlate(window, window, 'full')[gcc.length - 1 :]
    return np.interp(periods * gcc.rate, np.arange(gcc.length), whole / whole[0])
