# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Sound that comes back from walls, floor, ceiling and tables.

Single reflections come from the mirror image of a voice: the same sound, weaker, and later by the
way that it is longer. A source that correlates with a stronger one, at a lag of a detour in a
room, is its echo. After many reflections sound comes from everywhere and decays steadily: what
has been louder a moment ago by no more than that decay is such a tail (Lebart, Boucher and
Denbigh 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from av_tracker_nodes.acoustics import kernels_numpy
from av_tracker_nodes.acoustics.beam import PartedBeams
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.geometry import MicrophoneArray

TAIL_FRAMES = 3
"""Hops of 20 ms over which the decay is judged."""

_TAIL_DECAY = 10**-0.4
"""What a tail keeps of its power over that time: 4 dB less, as in a room of 0.9 s (chosen on
training rooms of 0.2 to 0.8 s, seeds 400 to 402: fewest voices where nobody is)."""

_TAIL_SMOOTHING = 9
"""Bins over which power is averaged before it is compared."""

_SECONDS = 0.8
"""Of sound that is compared; half of it tells less (training rooms)."""

_BAND = 300.0, 6000.0
"""Frequencies that are compared (Hz)."""

_SHORTEST, _LONGEST = 0.001, 0.030
"""Lags (s) of detours over a table and across a room."""

_WHITENING = 40.0
"""Width (Hz) over which spectra are averaged before they are flattened, so that the harmonics of
a voice, which repeat at its pitch, do not pass for an echo."""

_PROMINENCE = 2.5
"""An echo correlates more at lags behind the stronger source than at leads, by this many
deviations of the correlation. Of echoes 77 % do, of other people who talk 11 % (ReSpeaker, UMA-8
and Azure Kinect in training rooms, seeds 400 to 403, two talkers of alike loudness)."""


def without_tails(share: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Take off the share of frames what may be a tail of the frames before.

    ``s <- s (1 - d P(t - T, f) / P(t, f))``, ``d`` the decay over `TAIL_FRAMES`.

    Parameters
    ----------
    share : np.ndarray, shape (frames, bins)
        That counts of the newest frames, 0..1.
    power : np.ndarray, shape (earlier + frames, bins)
        Of these frames, and of as many before them as there are.

    Returns
    -------
    np.ndarray, shape (frames, bins), float32
    """
    smooth = uniform_filter1d(power, _TAIL_SMOOTHING, axis=1)
    tail = np.zeros_like(smooth)
    for hops in (TAIL_FRAMES, 2 * TAIL_FRAMES):
        decayed = _TAIL_DECAY ** (hops / TAIL_FRAMES) * smooth[:-hops]
        np.maximum(tail[hops:], decayed, out=tail[hops:])
    left = np.minimum(tail, smooth)
    fresh = 1 - np.divide(left, smooth, out=np.zeros_like(left), where=smooth > 0)
    return (share * fresh[-len(share) :]).astype(np.float32)


class EchoFinder:
    """Finds sources that are echoes of stronger ones.

    Parameters
    ----------
    array : MicrophoneArray
    delays : PairDelays
        Of the array.
    kernels : module
        Inner loops.
    """

    def __init__(
        self, array: MicrophoneArray, delays: PairDelays, kernels: ModuleType = kernels_numpy
    ) -> None:
        self._array = array
        self._count = round(_SECONDS * array.rate)
        self._beams = PartedBeams(delays, array.rate, array.rate, self._count, _BAND[0], kernels)

    def find(
        self,
        audio: StampedAudio,
        end: int,
        alive: np.ndarray,
        places: Sequence[np.ndarray],
        suspects: Sequence[int],
    ) -> set[int]:
        """Find out which of some sources are echoes.

        Parameters
        ----------
        audio : StampedAudio
        end : int
            Index after the last sample that is heard.
        alive : np.ndarray, shape (microphones,), bool
        places : sequence of np.ndarray, shape (3,)
            Of all sources, strongest first (m, array frame).
        suspects : sequence of int
            Indices of those that are asked about, without the strongest, which is never an echo.

        Returns
        -------
        set of int
        """
        if not suspects:
            return set()
        samples, _ = audio.read(end, self._count)
        rate = self._array.rate
        beams = self._beams.form(samples[:, self._array.channels], alive, np.array(places))
        flat = _flattened(beams[: max(suspects) + 1], rate)
        return {
            late
            for late in suspects
            if any(_lags_behind(flat[early], flat[late], rate) for early in range(late))
        }


def _flattened(beams: np.ndarray, rate: int) -> np.ndarray:
    """Spectra (beams, bins) of beams (beams, samples), within the band, without their envelope."""
    size = next_fast_len(beams.shape[1] + round(_LONGEST * rate), real=True)
    spectra = rfft(beams, size)
    width = max(round(_WHITENING * size / rate), 1)
    envelope = np.sqrt(uniform_filter1d(spectra.real**2 + spectra.imag**2, width, axis=1))
    frequencies = np.arange(spectra.shape[1]) * rate / size
    inside = (frequencies >= _BAND[0]) & (frequencies <= _BAND[1])
    return np.divide(spectra, envelope, out=np.zeros_like(spectra), where=inside & (envelope > 0))


def _lags_behind(early: np.ndarray, late: np.ndarray, rate: int) -> bool:
    """Tell whether one flat spectrum (bins,) is a later copy of another."""
    correlation = irfft(late * early.conj())
    reach = round(_LONGEST * rate)
    least = round(_SHORTEST * rate)
    behind, ahead = correlation[least : reach + 1], correlation[-reach : -least + 1]
    deviation = np.median(np.abs(np.concatenate([behind, ahead]))) / 0.6745
    return bool(behind.max() - ahead.max() > _PROMINENCE * deviation)
