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

"""Channels and rate of a stream of sound, which may change in mid-stream."""

from __future__ import annotations

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.types import AudioBlock

_RATES = 8_000, 192_000
"""Hz: below, speech loses what it is told by."""


class StreamFormat:
    """Tells which blocks can be heard, and when their format changes.

    A change is believed when two blocks in a row have it: one bad block costs itself alone.

    Parameters
    ----------
    channels : int
        Channels that are needed at least.
    rate : int
        That is expected (Hz). The sound may have another one: it says itself which.
    """

    def __init__(self, channels: int, rate: int) -> None:
        self._needed = channels
        self._rate = rate
        self._known: tuple[int, int] | None = None
        self._other: tuple[int, int] | None = None

    def changes(self, block: AudioBlock) -> bool:
        """Take a block; tell whether what hears it must be set up anew.

        Raises
        ------
        InputError
            If the block has too few channels, an absurd rate, or is the first one of another
            format than those before it.
        """
        got = block.samples.shape[1] if block.samples.ndim == 2 else 1
        if block.samples.ndim != 2 or got < self._needed:
            raise InputError(
                f'audio has {got} channels, the array description needs {self._needed}: '
                'check the sound card and the channel numbers of the array'
            )
        if not _RATES[0] <= block.rate <= _RATES[1]:
            raise InputError(
                f'audio at {block.rate} Hz: only {_RATES[0]} to {_RATES[1]} Hz can be heard'
            )
        told = got, block.rate
        if self._known not in (None, told) and told != self._other:
            self._other = told
            raise InputError(
                f'audio changed from {_in_words(self._known)} to {_in_words(told)}: this block is '
                'left out, those after it are heard if they stay like that'
            )
        # Before the first block, what hears it is set up for the rate that was expected.
        changed = told != self._known if self._known else block.rate != self._rate
        self._known, self._other = told, None
        return changed


def _in_words(told: tuple[int, int]) -> str:
    channels, rate = told
    return f'{channels} channels at {rate} Hz'
