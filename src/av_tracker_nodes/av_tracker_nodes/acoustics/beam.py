# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Delay-and-sum beams: what the microphones hear from a place, as a signal."""

from __future__ import annotations

from math import gcd

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

_STRIP = 16
"""Bins for which the gains between beams are taken as constant: 30 Hz for 0.5 s."""

_LEAST_OWN = 0.1
"""Power of what belongs to no place, against which places must be told apart."""

_BLOCK = 64
"""Bins that are turned by the same phasors, up to a turn of them all."""


def delay_and_sum(
    samples: np.ndarray,
    delays: np.ndarray,
    rate: int,
    beam_rate: int | None = None,
    lowest: float = 0.0,
    apart: bool = False,
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
        Take off each beam what it hears of the other places.

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
    spectra[:, : int(np.ceil(lowest / width))] = 0
    spectra *= np.float32(beam_size / size / len(spectra))
    beams = np.empty((len(delays), spectra.shape[1]), np.complex64)
    blocks = _in_blocks(spectra)
    for beam, wait in zip(beams, waits, strict=True):
        beam[:] = _turned_sum(blocks, width * wait).ravel()[: len(beam)]
    if apart and len(beams) > 1:
        _part(beams, width * waits)
    return irfft(beams, beam_size)[:, : len(samples) * beam_rate // rate]


def _block_sizes(needed: float, rate: int, beam_rate: int) -> tuple[int, int]:
    """Numbers of samples before and after the change of rate that last equally long."""
    common = gcd(rate, beam_rate)
    parts = next_fast_len(int(np.ceil(needed * common / rate)), real=True)
    return parts * (rate // common), parts * (beam_rate // common)


def _in_blocks(spectra: np.ndarray) -> np.ndarray:
    """Cut spectra (microphones, bins) up, with zeros at the end: (blocks, microphones, block)."""
    padded = np.pad(spectra, ((0, 0), (0, -spectra.shape[1] % _BLOCK)))
    return np.ascontiguousarray(padded.reshape(len(spectra), -1, _BLOCK).swapaxes(0, 1))


def _turned_sum(blocks: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Turn bin k of each microphone by ``exp(-2 pi i k turns)`` and add the microphones up.

    The turn of a bin is that of the first bin of its block times that within the block.
    """
    within = _phasors(turns, np.arange(_BLOCK)).T
    first = _phasors(turns, np.arange(len(blocks)) * _BLOCK)
    return (first[:, None] @ (blocks * within))[:, 0]


def _part(beams: np.ndarray, turns: np.ndarray) -> None:
    """Find the sounds (least squares) that the places must make for the beams to be as they are.

    In a free field the beam to place s hears place t by ``sum_m E_sm conj(E_tm) / M``, with E the
    turns of the channels. These gains change little within `_STRIP` bins.
    """
    places, bins = beams.shape
    strips = -(-bins // _STRIP)
    coarse = _phasors(turns, np.arange(0, bins, _STRIP**2))
    middles = _phasors(turns, np.arange(_STRIP) * _STRIP + _STRIP / 2)
    turned = (coarse[:, None] * middles).reshape(-1, *turns.shape)[:strips]
    gains = turned @ turned.conj().swapaxes(1, 2) / np.float32(turns.shape[1])
    own = _LEAST_OWN * np.eye(places, dtype=np.float32)
    inverse = np.float32(1 + _LEAST_OWN) * np.linalg.inv(gains + own)
    padded = np.pad(beams, ((0, 0), (0, -bins % _STRIP))).reshape(places, strips, _STRIP)
    parted = inverse @ padded.swapaxes(0, 1)
    beams[:] = parted.swapaxes(0, 1).reshape(places, -1)[:, :bins]


def _phasors(turns: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return ``exp(-2 pi i k turns)`` for turns (...) at bins k, shape (bins, ...), complex64."""
    return np.exp(np.multiply.outer(bins, -2j * np.pi * turns)).astype(np.complex64)
