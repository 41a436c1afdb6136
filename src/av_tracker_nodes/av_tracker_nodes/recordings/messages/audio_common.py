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

"""Sound in the messages of audio_common (ros-drivers), as blocks with a place in the stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.capture.sample_clock import SampleClock
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.messages.sample_formats import SAMPLE_FORMATS, to_samples
from av_tracker_nodes.recordings.messages.standard import stamp_of
from av_tracker_nodes.types import (
    JUMP,
    NANOSECONDS,
    AudioBlock,
    samples_to_nanoseconds,
    to_nanoseconds,
    to_seconds,
)

_USUAL_FORMAT = 'S16LE'
"""Of ``audio_capture`` with format:=wave, unless it is told another."""
_LONGEST_PAUSE = to_nanoseconds(10.0)
"""After a longer one (ns) the sound is a new stream; what a shorter one lasted was lost."""
_TRIAL = to_nanoseconds(3.0)
_TOLERANCE = 0.05
"""A guess at channels and rate must give, over its trial (ns), the rate to this share."""


@dataclass(frozen=True)
class _Format:
    encoding: str
    channels: int
    rate: int

    def __str__(self) -> str:
        return f'{self.channels} channels of {self.encoding} at {self.rate} Hz'


class AudioCommonSound:
    """Turns ``AudioDataStamped`` or ``AudioData`` into blocks, live and from recordings.

    Those messages do not count samples. Where they are stamped, the stamps are those of the first
    sample of each; where they are not, the end of each is taken to be when it was logged. Losses
    are found from these times, as :class:`~av_tracker_nodes.capture.sample_clock.SampleClock`
    finds them from arrivals, for which it keeps blocks back: 0.25 s at the beginning, and then
    whenever they are late.

    Parameters
    ----------
    channels : int, optional
        That the microphones need, and that are taken to be there without an ``AudioInfo``.
    rate : int, optional
        Of the samples (Hz) without an ``AudioInfo``.

    Attributes
    ----------
    notes : list of str
        What there is to tell about the stream, each thing once.
    """

    def __init__(self, channels: int | None = None, rate: int | None = None) -> None:
        self.notes: list[str] = []
        self._needed = channels or 1
        self._guess = _Format(_USUAL_FORMAT, channels, rate) if channels and rate else None
        self._format: _Format | None = None
        self._refusal = 'there is no AudioInfo: describe the array, with its channels and rate'
        self._ready: list[AudioBlock] = []
        self._lost = 0
        self._is_stamped: bool | None = None
        self._clock: SampleClock[np.ndarray] | None = None
        self._odd_end: int | None = None

    @property
    def lost(self) -> int:
        """Samples that are missing in the stream so far."""
        return self._lost + (self._clock.lost if self._clock else 0)

    @property
    def drift(self) -> float:
        """How much slower than nominal the card runs (parts per million)."""
        return self._clock.drift if self._clock else 0.0

    @property
    def is_16_bits(self) -> bool:
        """Whether 16 bits hold the samples."""
        return self._format is not None and self._format.encoding in ('S16LE', 'S16BE', 'S8', 'U8')

    def learn(self, info: object) -> None:
        """Take the format that an ``AudioInfo`` tells; it may change in mid-stream.

        Raises
        ------
        InputError
            The format is not one of samples, or has too few channels: nothing is heard until
            another one is told.
        """
        told = _Format(info.sample_format.upper(), int(info.channels), int(info.sample_rate))
        self._guess = None
        refusal = self._objection(info, told)
        if refusal is not None:
            self._refusal = refusal
            self._change(None)
            raise InputError(refusal)
        if self._format not in (None, told):
            self._tell(f'the sound changed from {self._format} to {told}')
        if told != self._format:
            self._change(told)

    def hear(self, message: object, log_time: int) -> list[AudioBlock]:
        """Take an ``AudioDataStamped`` or an ``AudioData``.

        Parameters
        ----------
        message : object
        log_time : int
            When it was logged, or has come (ns).

        Returns
        -------
        list of AudioBlock
            The blocks that have a place now, in order; none while they are kept back.

        Raises
        ------
        InputError
            The message holds no whole samples, or has a stamp that makes no sense, or the format
            is unknown: it alone is left out.
        """
        self._suppose()
        if self._format is None:
            raise InputError(self._refusal)
        rate = self._format.rate
        is_stamped = self._has_stamp(message)
        data = message.audio.data if hasattr(message, 'audio') else message.data
        samples = to_samples(data, self._format.encoding, self._format.channels)
        duration = samples_to_nanoseconds(len(samples), rate)
        end = stamp_of(message.header) + duration if is_stamped else log_time
        self._follow(end)
        if self._clock is None:
            self._begin(end - duration, end)
        else:
            self._frames += len(samples)
            self._check_guess(end)
        placed = self._clock.add(samples, len(samples), to_seconds(end - self._began))
        return self._take_ready() + self._blocks(placed)

    def flush(self) -> list[AudioBlock]:
        """Return what is kept back, at the end of the stream."""
        self._end()
        return self._take_ready()

    def reset(self) -> None:
        """Forget the stream, but not its format."""
        self._end()
        self._ready.clear()

    # ---- format

    def _objection(self, info: object, told: _Format) -> str | None:
        if info.coding_format.lower() != 'wave' or told.encoding not in SAMPLE_FORMATS:
            return (
                f'the driver sends {info.coding_format} of {info.sample_format}: start it with '
                f'format:=wave sample_format:={_USUAL_FORMAT}'
            )
        if told.channels < self._needed or told.rate < 1:
            return f'the driver sends {told}, the array needs {self._needed} channels'
        return None

    def _suppose(self) -> None:
        """Go by the array where nobody tells the format."""
        if self._format is None and self._guess is not None:
            self._change(self._guess)
            self._tell(f'there is no AudioInfo: the sound is taken as {self._guess}')

    def _check_guess(self, end: int) -> None:
        """Refuse a guess that gives more or fewer samples than time has passed."""
        lasted = end - self._first_end
        if self._guess is None or lasted < _TRIAL:
            return
        guess, self._guess = self._guess, None
        share = self._frames * NANOSECONDS / (guess.rate * lasted)
        if abs(share - 1) > _TOLERANCE:
            self._refusal = (
                f'there is no AudioInfo, and the sound is not {guess}: it has '
                f'{share * guess.channels * guess.rate:.0f} values a second; say how many '
                'channels there are, and at which rate'
            )
            self._change(None)
            raise InputError(self._refusal)

    def _change(self, format_: _Format | None) -> None:
        self._end()
        self._format = format_

    # ---- time

    def _has_stamp(self, message: object) -> bool:
        """Tell whether the stamp of a message counts, as the first one of the stream decides."""
        stamped = hasattr(message, 'header') and stamp_of(message.header) != 0
        if self._is_stamped is None:
            self._is_stamped = stamped
            if not stamped:
                self._tell('the sound has no stamps: it is placed by when it was logged')
        if self._is_stamped and not stamped:
            raise InputError('a block of sound has no stamp, those before it had')
        return self._is_stamped

    def _follow(self, end: int) -> None:
        """Begin anew when the time jumps, and stays where it went; one odd stamp is refused."""
        if self._clock is None:
            self._last_end = end
            return
        jump = end - self._last_end
        if -JUMP <= jump <= _LONGEST_PAUSE:
            self._last_end, self._odd_end = end, None
            return
        if self._odd_end is None or not -JUMP <= end - self._odd_end <= _LONGEST_PAUSE:
            self._odd_end = end
            raise InputError(f'the time of the sound jumps by {to_seconds(jump):.3f} s')
        self._tell('the time of the sound jumped: it began anew')
        self._end()
        self._last_end = end

    def _begin(self, stamp: int, end: int) -> None:
        """Begin a stream with a block; frames are counted from its end on."""
        self._clock = SampleClock(self._format.rate)
        self._began, self._first_end, self._frames = stamp, end, 0

    def _end(self) -> None:
        """Give what is kept back its place, and forget the stream."""
        if self._clock is not None:
            self._ready += self._blocks(self._clock.finish())
            self._lost += self._clock.lost
        self._clock = self._is_stamped = self._odd_end = None

    def _blocks(self, placed: list) -> list[AudioBlock]:
        return [
            AudioBlock(
                self._began + to_nanoseconds(block.time),
                block.first_sample,
                self._format.rate,
                block.samples,
            )
            for block in placed
        ]

    def _take_ready(self) -> list[AudioBlock]:
        ready, self._ready = self._ready, []
        return ready

    def _tell(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)
