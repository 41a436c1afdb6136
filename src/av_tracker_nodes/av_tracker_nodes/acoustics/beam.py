# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Delay-and-sum beams: what the microphones hear from a place, as a signal."""

from __future__ import annotations

from math import gcd
from types import ModuleType

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from av_tracker_nodes.acoustics import kernels_numpy

_STRIP = 16
"""Bins for which the gains between beams are taken as constant: 30 Hz for 0.5 s."""

_LEAST_OWN = 0.1
"""Power of what belongs to no place, against which places must be told apart."""


def delay_and_sum(
    samples: np.ndarray,
    delays: np.ndarray,
    rate: int,
    beam_rate: int | None = None,
    lowest: float = 0.0,
    apart: bool = False,
    kernels: ModuleType = kernels_numpy,
) -> np.ndarray:
    """Align the channels to places and average them (Johnson and Dudgeon 1993, section 4.2).

    Each channel waits until the sound has reached the last microphone, so that no sample of the
    future is missing; the first samples of a beam are incomplete for as long as channels wait.
    Delays are exact fractions of a sample, as turns of phase over the whole block, and the
    sampling rate changes by cutting or filling up its spectrum.

    Parameters
    ----------
    samples : np.ndarray, shape (n, microphones), float32
        Of the microphones that hear; leave dead ones out.
    delays : np.ndarray, shape (places, microphones)
        Times (s) of sound from the places to the microphones, up to a constant.
    rate : int
        Of the samples (Hz).
    beam_rate : int, optional
        Of the beams (Hz); that of the samples if left out.
    lowest : float
        Sound below this frequency (Hz) is left out: offset and rumble.
    apart : bool
        Take off each beam what it hears of the other places: in a free field the beam to place s
        hears place t by ``sum_m E_sm conj(E_tm) / M``, with E the turns of the channels. The
        sounds are found (least squares) that the places must make for the beams to be as they are.
    kernels : module
        Inner loops.

    Returns
    -------
    np.ndarray, shape (places, n * beam_rate // rate), float32
        Each as loud as one microphone hears the place.
    """
    beam_rate = beam_rate or rate
    waits = delays.max(axis=1, keepdims=True) - delays
    size, beam_size = _block_sizes(len(samples) + waits.max(initial=0.0) * rate, rate, beam_rate)
    width = rate / size
    spectra = rfft(np.ascontiguousarray(samples.T), size)[:, : beam_size // 2 + 1]
    beams = kernels.turned_sum(spectra, width * waits)
    beams[:, : int(np.ceil(lowest / width))] = 0
    beams *= np.float32(beam_size / size / len(spectra))
    if apart and len(beams) > 1:
        beams = kernels.parted(beams, width * waits, _STRIP, _LEAST_OWN)
    return irfft(beams, beam_size)[:, : len(samples) * beam_rate // rate]


def _block_sizes(needed: float, rate: int, beam_rate: int) -> tuple[int, int]:
    """Numbers of samples before and after the change of rate that last equally long."""
    common = gcd(rate, beam_rate)
    parts = next_fast_len(int(np.ceil(needed * common / rate)), real=True)
    return parts * (rate // common), parts * (beam_rate // common)
