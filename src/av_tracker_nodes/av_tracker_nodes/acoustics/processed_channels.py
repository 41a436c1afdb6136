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

"""Channels of a sound card that are described as microphones but are something else.

Many array cards deliver more than their microphones: a beam that was formed and cleaned by the
card, and what its loudspeaker plays. Their level is that of a microphone, and a map of delays
that takes them for one is wrong everywhere. What tells them from microphones is time: sound needs
no longer from one microphone to another than the geometry allows, and processing takes longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.sparse.csgraph import connected_components

from av_tracker_nodes.acoustics.channels import dead_channels
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.geometry import MicrophoneArray

_WINDOW = 1.0
"""Seconds; delays up to half of it are found."""
_BAND = (300.0, 7000.0)
_SLACK = 0.001
"""Seconds beyond the longest way that sound has between two microphones: reflections from what
the array stands on, and microphones that are not quite where they are said to be."""
_FEWEST, _ENOUGH = 3, 15
"""Windows that a verdict needs, and with which it is final."""
_MORE = 1.5
"""What was found is looked over when there is this much more sound."""
_EVIDENT = 8.0
"""Peaks are believed from this multiple of the deviation of unrelated noise on."""
_DOMINANT = 3.0
"""Peaks at impossible delays count when they exceed the highest possible one by this factor."""
_UNRELATED = 5.0
"""No peak above this multiple: two channels have nothing in common. The highest of the few
hundred lags between neighbours reaches 4 in unrelated noise."""
_NEAR = 0.5
"""Microphones within this distance (m) hear the same sounds."""
_MIXED = 10**-3.5
"""Power that remains of a channel when the others are taken off, relative to its own. Between
real microphones more remains: they differ by 1 dB, which alone leaves a hundredth."""
_PART = 0.05
"""A channel is part of a mixture when its weight is this share of the highest one."""


def processed_channels(samples: np.ndarray, array: MicrophoneArray) -> dict[int, str]:
    """Find channels that are no microphones.

    Parameters
    ----------
    samples : np.ndarray, shape (samples, channels)
        Sound of the whole card. Three seconds are the least, of speech ten tell all.
    array : MicrophoneArray
        Names the channels that are said to be microphones.

    Returns
    -------
    dict of int to str
        For each channel of the card that is none, why; empty where nothing is wrong.
    """
    relations = ChannelRelations(array)
    relations.add(samples)
    return relations.intruders()


@dataclass(frozen=True)
class _Pairs:
    """What pairs of channels have in common.

    Attributes
    ----------
    possible, impossible : np.ndarray, shape (pairs,)
        Highest correlations at delays that the geometry allows, and at others.
    delay : np.ndarray, shape (pairs,)
        Of the highest impossible one (s); positive where the first channel is late.
    deviation : float
        Standard deviation of the correlation of unrelated noise.
    """

    possible: np.ndarray
    impossible: np.ndarray
    delay: np.ndarray
    deviation: float

    @property
    def agree(self) -> np.ndarray:
        """Whether each pair hears the same sound, as microphones do."""
        evident = self.possible >= _EVIDENT * self.deviation
        return evident & (self.possible >= self.impossible)

    @property
    def contradict(self) -> np.ndarray:
        """Whether each pair hears the same sound, but not as microphones do."""
        evident = self.impossible >= _EVIDENT * self.deviation
        return evident & (self.impossible > _DOMINANT * self.possible)


class ChannelRelations:
    """What the channels of an array have in common, from the first quarter of a minute with sound.

    Whitened cross-spectra of windows of a second are averaged (Knapp and Carter 1976), and their
    inverse transforms searched for peaks at all delays. Mixtures of channels without a delay are
    found by linear regression on the others.

    Parameters
    ----------
    array : MicrophoneArray

    Notes
    -----
    Microphones of a real array of four, in 12 recordings of one to three loudspeakers at 0.5 and
    1.5 m: possible peaks 0.15 to 0.32, impossible ones at most 0.2 of them.
    """

    def __init__(self, array: MicrophoneArray) -> None:
        self._array = array
        self._pairs = array.pairs(across=True)
        first, second = array.positions[self._pairs].transpose(1, 0, 2)
        self._distances = np.linalg.norm(first - second, axis=1)
        self._length = round(_WINDOW * array.rate)
        self._size = next_fast_len(2 * self._length, real=True)
        width = array.rate / self._size
        self._band = slice(
            int(np.ceil(_BAND[0] / width)), int(min(_BAND[1], 0.45 * array.rate) / width) + 1
        )
        self._waiting = np.zeros((0, len(array.channels)), np.float32)
        self._begin()

    @property
    def is_settled(self) -> bool:
        """Whether more sound changes nothing."""
        return self._windows >= _ENOUGH

    def add(self, samples: np.ndarray) -> None:
        """Take samples (n, channels of the card)."""
        if self.is_settled or len(self._pairs) == 0:
            return
        self._waiting = np.concatenate([self._waiting, samples[:, self._array.channels]])
        while len(self._waiting) >= self._length and not self.is_settled:
            self._take(self._waiting[: self._length])
            self._waiting = self._waiting[self._length :]
            if self.is_settled and not self._has_evidence():
                self._begin()

    def intruders(self) -> dict[int, str]:
        """Return the channels of the card that are no microphones, and why."""
        due = min(_MORE * self._judged, _ENOUGH)
        if self._windows < _FEWEST or (self._judged and self._windows < due):
            return self._found
        if self._windows > self._judged:
            self._judged, self._found = self._windows, self._judge()
        return self._found

    def _judge(self) -> dict[int, str]:
        sounding = np.flatnonzero(self._power > 0)
        sounding = sounding[~dead_channels(self._power)[sounding]]
        found = self._mixtures(sounding)
        others = np.array([k for k in sounding if k not in found], int)
        found.update(self._displaced(others))
        return {int(self._array.channels[k]): found[k] for k in sorted(found)}

    # ---- what is accumulated

    def _begin(self) -> None:
        count, bins = len(self._array.channels), self._band.stop - self._band.start
        self._windows = self._judged = 0
        self._found: dict[int, str] = {}
        self._cross = np.zeros((len(self._pairs), bins), np.complex64)
        self._mixing = np.zeros((count, count))
        self._power = np.zeros(count)

    def _take(self, window: np.ndarray) -> None:
        # What is no number would spread to the whole second.
        heard = np.nan_to_num(window, nan=0.0, posinf=0.0, neginf=0.0)
        varying = heard - heard.mean(axis=0)
        spectra = rfft(np.ascontiguousarray(varying.T), self._size, axis=1)[:, self._band]
        whitened = GccPhat.whiten(spectra)
        first, second = self._pairs.T
        self._cross += whitened[first] * whitened[second].conj()
        # One gain for all channels keeps sums what they are.
        common = spectra / np.maximum(np.abs(spectra).mean(axis=0), np.finfo(np.float32).tiny)
        self._mixing += (common @ common.conj().T).real
        self._power += (np.abs(spectra) ** 2).mean(axis=1)
        self._windows += 1

    def _has_evidence(self) -> bool:
        pairs = self._peaks()
        return bool((pairs.agree | pairs.contradict).any())

    def _peaks(self) -> _Pairs:
        bins = self._cross.shape[1]
        padded = np.zeros((len(self._cross), self._band.stop), np.complex64)
        padded[:, self._band] = self._cross
        size = 2 * (self._band.stop - 1)
        scale = size / (2 * bins * self._windows)
        values = np.abs(irfft(padded, size, axis=1)) * scale
        lags = np.fft.fftfreq(size, 1 / (self._size / self._array.rate))
        reach = self._distances / self._array.speed_of_sound + _SLACK
        allowed = np.abs(lags) <= reach[:, None]
        searched = ~allowed & (np.abs(lags) <= _WINDOW / 2)
        impossible = np.where(searched, values, 0)
        return _Pairs(
            np.where(allowed, values, 0).max(axis=1),
            impossible.max(axis=1),
            lags[impossible.argmax(axis=1)],
            1 / np.sqrt(bins * self._windows),
        )

    # ---- what is found

    def _mixtures(self, members: np.ndarray) -> dict[int, str]:
        """Find channels that others add up to."""
        found: dict[int, str] = {}
        left = members
        while len(left) > 1:
            power = self._mixing[np.ix_(left, left)]
            inverse = np.linalg.inv(power + 1e-9 * np.trace(power) * np.eye(len(left)))
            remaining = 1 / np.diag(inverse) / np.diag(power)
            weights = np.eye(len(left)) - inverse / np.diag(inverse)[:, None]
            candidates = np.flatnonzero(remaining < _MIXED)
            if len(candidates) == 0:
                break
            # Each part is a sum of the mixture and the other parts too, with larger weights.
            size = np.linalg.norm(weights, axis=1)
            mixture = min(candidates, key=lambda k: (round(size[k], 2), -k))
            heavy = np.abs(weights[mixture]) > _PART * np.abs(weights[mixture]).max()
            parts = ', '.join(str(self._array.channels[k]) for k in left[heavy])
            one = heavy.sum() == 1
            found[int(left[mixture])] = (
                f'is a copy of channel {parts}' if one else f'is a mixture of channels {parts}'
            )
            left = np.delete(left, mixture)
        return found

    def _displaced(self, members: np.ndarray) -> dict[int, str]:
        """Find channels whose sound comes when no microphone could hear it."""
        pairs = self._peaks()
        inside = np.isin(self._pairs, members).all(axis=1)
        agree, contradict = pairs.agree & inside, pairs.contradict & inside
        microphones = self._microphones(members, agree, contradict, pairs.delay)
        found = {}
        for k in np.setdiff1d(members, microphones):
            involved = (self._pairs == k).any(axis=1)
            towards = involved & np.isin(self._pairs, microphones).any(axis=1)
            against = towards & contradict
            delays = pairs.delay[against] * np.where(self._pairs[against, 0] == k, 1, -1)
            if against.sum() >= len(microphones) / 2 and self._is_one(delays):
                found[int(k)] = _out_of_time(float(np.median(delays)))
            elif len(microphones) > 1 and not (involved & (agree | contradict)).any():
                near = towards & (self._distances < _NEAR)
                unrelated = pairs.possible[near] < _UNRELATED * pairs.deviation
                if near.any() and unrelated.all():
                    found[int(k)] = 'has nothing in common with the channels beside it'
        return found

    def _microphones(
        self, members: np.ndarray, agree: np.ndarray, contradict: np.ndarray, delay: np.ndarray
    ) -> np.ndarray:
        """Return the largest set of channels that agree; of equal ones the one that is first."""
        count = len(self._array.channels)
        linked, late = np.zeros((count, count), bool), np.zeros(count)
        linked[tuple(self._pairs[agree].T)] = True
        np.add.at(late, self._pairs[contradict, 0], delay[contradict])
        np.add.at(late, self._pairs[contradict, 1], -delay[contradict])
        _, labels = connected_components(linked, directed=False)
        sets = [members[labels[members] == label] for label in np.unique(labels[members])]
        return max(sets, key=lambda s: (len(s), -late[s].mean()), default=members)

    def _is_one(self, delays: np.ndarray) -> bool:
        """Tell whether delays (s) to several microphones are those of one process."""
        aperture = self._distances.max() / self._array.speed_of_sound
        return bool(np.ptp(delays) <= 2 * aperture + _SLACK)


def _out_of_time(delay: float) -> str:
    when = 'after' if delay > 0 else 'before'
    what = 'processed sound' if delay > 0 else 'what a loudspeaker is given'
    return f'comes {1e3 * abs(delay):.0f} ms {when} the others: {what}, not a microphone'
