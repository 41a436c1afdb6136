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

"""Sound of a microphone array from files: one with all channels, or one a microphone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.media import MediaFile
from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, samples_to_nanoseconds

_BLOCK = 0.010
_GAP = 0.020
"""Stamps this far (s) from the count of samples mean no gap: containers round them."""
_UNEQUAL = 0.1
"""Files of one sound card end within this (s) of each other."""


class ArraySound:
    """The channels of a sound card.

    Parameters
    ----------
    files : sequence of MediaFile
        One of any number of channels, or several of one channel each that begin together.

    Attributes
    ----------
    files : sequence of MediaFile
    channels, rate : int
    first_stamp : int
        Of the first sample on the clock of the file (ns).
    notes : list of str
        What the person should know, once all has been read.

    Raises
    ------
    InputError
        When the files do not go together, or one has no sound; also while they are read, when one
        ends long before another.
    """

    def __init__(self, files: Sequence[MediaFile]) -> None:
        self.files, self.notes = files, []
        for file in files:
            if not file.has_sound:
                raise InputError(f'{file.path} has no sound')
            if len(files) > 1 and file.channels != 1:
                raise InputError(
                    f'{file.path} has {file.channels} channels: give one file with all channels, '
                    'or one file of one channel for each microphone'
                )
        rates = {file.rate: file.path for file in files}
        if len(rates) > 1:
            found = ', '.join(f'{path} {rate} Hz' for rate, path in rates.items())
            raise InputError(
                f'the files of sound have different rates ({found}): microphones of an array are '
                'recorded by one card, at one rate'
            )
        (self.rate,) = rates
        self.channels = sum(file.channels for file in files)
        chunks = files[0].sound() if len(files) == 1 else self._side_by_side()
        first = next(chunks, None)
        if first is None:
            raise InputError(f'no sound of {files[0].path} can be decoded')
        self.first_stamp = first[0]
        self._chunks = chain([first], chunks)

    @property
    def name(self) -> str:
        """The file, or how many."""
        one = len(self.files) == 1
        return str(self.files[0].path) if one else f'{len(self.files)} files of sound'

    def blocks(self, start: int) -> Iterator[AudioBlock]:
        """Yield all sound in blocks of 10 ms.

        Parameters
        ----------
        start : int
            Stamp that the first sample gets (ns).
        """
        size = round(_BLOCK * self.rate)
        for first, stretch in groupby(self._stretches(), key=lambda piece: piece[0]):
            pieces = (samples for _, samples in stretch)
            yield from cut_blocks(pieces, size, self.rate, start, first)

    def _stretches(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield pieces of sound, each with the index at which its unbroken stretch begins."""
        first = count = lost = 0
        for stamp, samples in self._chunks:
            due = round((stamp - self.first_stamp) * self.rate / NANOSECONDS)
            if due - count > _GAP * self.rate:
                lost += due - count
                first = count = due
            yield first, samples
            count += len(samples)
        if lost:
            self.notes.append(f'{lost / self.rate:.2f} s of sound are missing within {self.name}')

    def _side_by_side(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the sound of all files together, as long as all last."""
        streams = [(samples for _, samples in file.sound()) for file in self.files]
        held = [np.zeros((0, 1), np.float32) for _ in streams]
        lengths = np.zeros(len(streams), int)
        count = 0
        while True:
            for k, stream in enumerate(streams):
                if len(held[k]) == 0:
                    held[k] = next(stream, held[k])
                    lengths[k] += len(held[k])
            common = min(map(len, held))
            if common == 0:
                break
            parts = [samples[:common] for samples in held]
            yield samples_to_nanoseconds(count, self.rate), np.concatenate(parts, axis=1)
            held = [samples[common:] for samples in held]
            count += common
        lengths += [sum(map(len, stream)) for stream in streams]
        self._compare(lengths)

    def _compare(self, lengths: np.ndarray) -> None:
        """Note that files end at different times; refuse them when they are not of one card."""
        short, long = int(lengths.argmin()), int(lengths.argmax())
        surplus = (lengths[long] - lengths[short]) / self.rate
        text = f'{self.files[short].path} is {surplus:.3f} s shorter than {self.files[long].path}'
        if surplus > _UNEQUAL:
            raise InputError(f'{text}: they are not of one recording')
        if surplus:
            self.notes.append(f'{text}: the rest of the longer files is left out')
