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

"""How far sound and images are apart in time, from claps that are seen and heard.

A clap is an onset in the sound, to the millisecond. In the images it is a quick motion that ends,
or a flash that begins, between one image and the next. Each pair of them allows the offsets of one
image period; the offset that most claps allow is the answer, and many claps narrow it down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.microphones import SPEED_OF_SOUND
from av_tracker_nodes.recordings.bag import BagReader, Sources
from av_tracker_nodes.types import (
    NANOSECONDS,
    AudioBlock,
    ImageFrame,
    samples_to_nanoseconds,
    to_seconds,
)

FEWEST_CLAPS = 5

_BIN = 1e-3
_BEFORE = 50
"""Bins (ms) that a clap stands out from."""
_RISE = 30.0
"""Power of a clap relative to what went before; speech seldom rises so far within 1 ms."""
_QUIETEST = 0.02
"""Power of a clap relative to the loudest ones."""
_ONSET = 0.1
_REFRACTORY = 0.2
_WIDTH = 160
_NOISE = 8
_WEAKEST = 0.2
_FLASH = 4.0
"""Rise of the mean grey level that is a flash."""
_SOFTNESS = 0.004
_STEP = 1e-3
_PLATEAU = 0.25
_RIVAL = 0.75


@dataclass(frozen=True)
class VisualEvent:
    """Something that happened after one image and before the end of the next.

    Attributes
    ----------
    after, until : int
        Stamps of the two images (ns).
    """

    after: int
    until: int


@dataclass(frozen=True)
class Sync:
    """The measured offset.

    Attributes
    ----------
    audio_offset : float
        To add to the stamps of sound (s), for them to agree with those of the images.
    margin : float
        Half the width of the range that the claps leave open (s).
    claps : int
        That were seen and heard.
    heard, seen : int
        Onsets in the sound, and motions or flashes in the images.
    by : str
        ``flash`` or ``motion``.
    """

    audio_offset: float
    margin: float
    claps: int
    heard: int
    seen: int
    by: str


def measure_sync(
    records: Iterable[AudioBlock | ImageFrame], distance: float = 1.0, limit: float = 0.6
) -> Sync:
    """Measure the offset between sound and images.

    Parameters
    ----------
    records : iterable of AudioBlock and ImageFrame
        Somebody claps several times, at irregular intervals.
    distance : float
        From the hands to the microphones (m): sound needs 3 ms a metre.
    limit : float
        Greatest offset that is thought of (s).

    Raises
    ------
    InputError
        When too few claps are heard or seen, or their rhythm allows several offsets.
    """
    sound, pictures = _Envelope(), _Changes()
    for record in records:
        (sound if isinstance(record, AudioBlock) else pictures).add(record)
    onsets = sound.onsets()
    if len(onsets) < FEWEST_CLAPS:
        raise InputError(
            f'{len(onsets)} claps were heard, at least {FEWEST_CLAPS} are needed: clap louder, or '
            'nearer to the microphones'
        )
    events, by = pictures.events()
    if len(events) < FEWEST_CLAPS:
        raise InputError(
            f'{len(events)} claps were seen, at least {FEWEST_CLAPS} are needed: clap nearer to '
            'the camera, with large movements, and keep still in between'
        )
    travel = round(distance / SPEED_OF_SOUND * NANOSECONDS)
    offset, margin, claps = _vote(onsets - travel, events, limit)
    if claps < FEWEST_CLAPS:
        raise InputError(
            f'of {len(onsets)} claps heard only {claps} fit something that was seen: clap in view '
            'of the camera, and keep still in between'
        )
    return Sync(offset, margin, claps, len(onsets), len(events), by)


def check_sync(
    bag: Path,
    distance: float,
    applied: float,
    echo: Callable[[str], None],
    sources: Sources | None = None,
) -> Sync:
    """Measure a recording and say what to do.

    Parameters
    ----------
    bag : Path
    distance : float
        See `measure_sync`.
    applied : float
        Offset that is added to the stamps of the sound already (s), to verify it.
    echo : callable
        Gets lines for the user.
    sources : Sources, optional
        Topics that are named, and files for what the bag does not tell.
    """
    sources = replace(sources or Sources(), audio_offset=applied)
    with BagReader(bag, sources) as reader:
        result = measure_sync(reader.records(), distance)
    echo(
        f'{result.claps} claps seen ({result.by}) and heard; in all {result.heard} heard, '
        f'{result.seen} seen'
    )
    late = -result.audio_offset
    echo(
        f'sound is stamped {abs(1e3 * late):.0f} ms too {"late" if late > 0 else "early"}, '
        f'± {1e3 * result.margin:.0f} ms'
    )
    echo(f'audio_offset:={applied + result.audio_offset:.3f}')
    return result


class _Envelope:
    """Power of the high frequencies of all channels, bin by bin of 1 ms."""

    def __init__(self) -> None:
        self._times: list[np.ndarray] = []
        self._powers: list[np.ndarray] = []
        self._last: np.ndarray | None = None

    def add(self, block: AudioBlock) -> None:
        before = block.samples[:1] if self._last is None else self._last
        # A difference from sample to sample is a simple high-pass: voices and hum are low.
        steps = np.diff(block.samples, axis=0, prepend=before)
        self._last = block.samples[-1:]
        width = max(round(_BIN * block.rate), 1)
        count = len(steps) // width
        power = np.square(steps[: count * width]).sum(axis=1).reshape(count, width).mean(axis=1)
        first = np.arange(count) * width
        self._times.append(block.stamp + samples_to_nanoseconds(first, block.rate))
        self._powers.append(power)

    def onsets(self) -> np.ndarray:
        """Return the times (ns) at which claps begin."""
        if not self._times:
            raise InputError('the recording holds no sound')
        times, power = np.concatenate(self._times), np.concatenate(self._powers)
        sums = np.concatenate([[0.0], np.cumsum(power)])
        index = np.arange(len(power))
        start = np.maximum(index - _BEFORE, 0)
        earlier = (sums[index] - sums[start]) / np.maximum(index - start, 1)
        loud = np.partition(power, -FEWEST_CLAPS)[-FEWEST_CLAPS] if len(power) > 9 else np.inf
        floor = np.median(power)
        rises = power > _RISE * np.maximum(earlier, floor)
        rises &= (power > _QUIETEST * loud) & (index >= _BEFORE)
        found: list[int] = []
        for k in np.flatnonzero(rises):
            if not found or times[k] - found[-1] > _REFRACTORY * NANOSECONDS:
                peak = power[k : k + 10].max()
                begin = max(k - 5, 0)
                found.append(int(times[begin + np.argmax(power[begin:] > _ONSET * peak)]))
        return np.array(found, np.int64)


class _Changes:
    """How images differ from the ones before them."""

    def __init__(self) -> None:
        self._stamps: list[int] = []
        self._levels: list[float] = []
        self._motions: list[float] = []
        self._previous: np.ndarray | None = None

    def add(self, image: ImageFrame) -> None:
        grey = cv2.cvtColor(image.image, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(
            grey, (_WIDTH, max(_WIDTH * grey.shape[0] // grey.shape[1], 1)), 0, 0, cv2.INTER_AREA
        )
        if self._previous is not None:
            difference = cv2.absdiff(small, self._previous)
            self._motions.append(float(np.maximum(difference, _NOISE).mean() - _NOISE))
        self._previous = small
        self._stamps.append(image.stamp)
        self._levels.append(float(small.mean()))

    def events(self) -> tuple[list[VisualEvent], str]:
        """Return flashes where there are some, else ends of quick motions; and which it is."""
        flashes = self._peaks(np.diff(self._levels), _FLASH)
        if len(flashes) >= FEWEST_CLAPS:
            return flashes, 'flash'
        motions = np.array(self._motions)
        ends = motions - np.append(motions[1:], 0.0)
        return [_half_later(event) for event in self._peaks(ends, 0.0)], 'motion'

    def _peaks(self, scores: np.ndarray, least: float) -> list[VisualEvent]:
        """Return where scores, one for each image but the first, have high maxima."""
        if len(scores) < 3:
            return []
        strong = np.partition(scores, -FEWEST_CLAPS)[-FEWEST_CLAPS] if len(scores) > 9 else np.inf
        limit = max(least, _WEAKEST * strong)
        padded = np.pad(scores, 1, constant_values=-np.inf)
        is_peak = (scores >= padded[:-2]) & (scores > padded[2:]) & (scores > limit)
        return [VisualEvent(self._stamps[k], self._stamps[k + 1]) for k in np.flatnonzero(is_peak)]


def _half_later(event: VisualEvent) -> VisualEvent:
    """Return when the hands met, for the pair of images after which differences drop the most.

    Hands that meet in the first half of an image period move less in it than before, and the drop
    is one pair earlier; those that meet in the second half move on nearly as before.
    """
    half = (event.until - event.after) // 2
    return VisualEvent(event.after + half, event.until + half)


def _vote(onsets: np.ndarray, events: list[VisualEvent], limit: float) -> tuple[float, float, int]:
    """Find the offset that most claps allow; returns it, its margin (s) and how many allow it."""
    offsets = np.arange(-limit, limit + _STEP / 2, _STEP)
    period = np.median([event.until - event.after for event in events]) / NANOSECONDS
    support = np.zeros((len(onsets), len(offsets)))
    for row, onset in zip(support, onsets, strict=True):
        for event in events:
            early, late = to_seconds(event.after - onset), to_seconds(event.until - onset)
            if early < limit and late > -limit and late - early < 3 * period:
                outside = np.maximum(np.maximum(early - offsets, offsets - late), 0.0)
                np.maximum(row, np.exp(-0.5 * (outside / _SOFTNESS) ** 2), out=row)
    votes = support.sum(axis=0)
    best = int(votes.argmax())
    rivals = votes[np.abs(offsets - offsets[best]) > 2 * period]
    if rivals.size and rivals.max() > _RIVAL * votes[best]:
        raise InputError(
            'the claps allow several offsets: clap at irregular intervals, ten times or more, and '
            'keep still in between'
        )
    near = np.abs(offsets - offsets[best]) < period
    allowed = offsets[near & (votes > votes[best] - _PLATEAU)]
    offset = float(allowed.mean())
    claps = int((support[:, np.abs(offsets - offset).argmin()] > 0.5).sum())
    return offset, float(np.ptp(allowed)) / 2, claps
