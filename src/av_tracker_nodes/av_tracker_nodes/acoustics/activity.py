# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Tells whether it is speech that comes from a place.

Coherence alone cannot tell: a fan is as coherent as a talker. Three cues together can: the
*coherence* of what stands out from the noise floor; *voicing*: a beam to the place is periodic,
which noise is not; and *flux*: its spectrum changes from frame to frame, which that of hum does
not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat

_PITCH = (80.0, 400.0)
_VOICE_BAND = (200.0, 4000.0)
_BAND_WIDTH = 200.0
_MOST_COHERENCE = 0.15
"""What is more coherent is nearer or in a drier room, not more like speech."""

_MICROPHONES = 16
"""In the scenes that the coefficients were fitted on."""

_VOICING_LIMITS = (0.35, 0.55)
"""Noise is hardly more periodic than the first, clear voices at least as much as the second."""

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
    coherence: float,
    microphones: int,
    cues: BeamCues,
    coefficients: tuple[float, ...],
) -> float:
    """Probability of speech, by logistic regression.

    Parameters
    ----------
    coherence : float
        At the place, mean over pairs.
    microphones : int
        That are alive: the fewer, the more coherence is chance.
    cues : BeamCues
    coefficients : tuple of float
        Of the logarithm of coherence, of voicing, of flux (dB), and the constant.
    """
    evidence = coherence * np.sqrt(min(microphones / _MICROPHONES, 1.0))
    features = [
        np.log(np.clip(evidence, 0.0, _MOST_COHERENCE) + 0.01),
        np.clip(cues.voicing, *_VOICING_LIMITS),
        min(cues.flux, _MOST_FLUX),
        1.0,
    ]
    return float(1 / (1 + np.exp(-np.dot(coefficients, features))))


def _window_overlap(gcc: GccPhat, periods: np.ndarray) -> np.ndarray:
    """Autocorrelation of the analysis window: what a perfectly periodic sound reaches."""
    window = np.hamming(gcc.length)
    whole = np.correlate(window, window, 'full')[gcc.length - 1 :]
    return np.interp(periods * gcc.rate, np.arange(gcc.length), whole / whole[0])
