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

"""The stream of samples of one sound card: stamped, counted, and opened again when it breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from av_tracker_nodes.capture.sample_clock import SampleClock
from av_tracker_nodes.capture.sound_cards import find_input, load_sounddevice, rescan
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.types import to_nanoseconds

SAMPLE_FORMATS = ('int16', 'float32')

_DEFAULT_BLOCK = 0.010
_LONGEST_SILENCE = 2.0
_GOOD_READING = 100_000
_READINGS = 3

Deliver = Callable[[int, int, np.ndarray], None]
"""Takes the stamp (ns) and index of the first sample, and samples (n, channels)."""


@dataclass(frozen=True)
class StreamSettings:
    """What a sound card is asked for.

    Attributes
    ----------
    device : str
        See :func:`~av_tracker_nodes.capture.sound_cards.find_input`.
    channels : int
        Delivered at least.
    rate : int
        Sampling rate (Hz).
    sample_format : str
        ``int16`` or ``float32``.
    block_size : int
        Samples of a block; 0 for 10 ms.
    channel_map : tuple of int
        Channel of the card that each delivered channel is taken from; empty for all in order.
    latency : float
        Length (s) of the buffer that the card is asked to have.
    """

    device: str = ''
    channels: int = 1
    rate: int = 16_000
    sample_format: str = 'int16'
    block_size: int = 0
    channel_map: tuple[int, ...] = ()
    latency: float = 0.1

    def __post_init__(self) -> None:
        """Check the format and the channel map."""
        if self.sample_format not in SAMPLE_FORMATS:
            raise InputError(
                f"no sample format '{self.sample_format}'; use one of {', '.join(SAMPLE_FORMATS)}"
            )
        if self.channel_map and len(self.channel_map) < self.channels:
            raise InputError(
                f'the channel map names {len(self.channel_map)} channels, the array needs '
                f'{self.channels}'
            )

    @property
    def block(self) -> int:
        """Samples of a block."""
        return self.block_size or round(_DEFAULT_BLOCK * self.rate)

    @property
    def card_channels(self) -> int:
        """Channels that the card has to have."""
        return max(self.channel_map) + 1 if self.channel_map else self.channels


def parse_channel_map(text: str) -> tuple[int, ...]:
    """Read channel numbers like ``0-3, 7``.

    Raises
    ------
    InputError
        When it is not a list of numbers and ranges.
    """
    channels: list[int] = []
    for part in filter(None, text.replace(' ', ',').split(',')):
        first, dash, last = part.partition('-')
        if not first.isdigit() or (dash and not last.isdigit()):
            raise InputError(f"channel map '{text}' is not like 0-3, 7: cannot read '{part}'")
        channels += range(int(first), int(last if dash else first) + 1)
    return tuple(channels)


class MicrophoneStream:
    """Captures blocks from a sound card, whose stamps and sample counts outlive interruptions.

    It is closed at first.

    Parameters
    ----------
    settings : StreamSettings
    deliver : callable
        Called with stamp, first sample and samples of each block, from a thread of PortAudio.
    now : callable
        The clock of the stamps (ns).

    Attributes
    ----------
    name : str
        Of the card.
    overruns : int
        Times that PortAudio said that samples were lost. Sound servers lose some without a word:
        ``lost`` counts.
    reopened : int

    Raises
    ------
    InputError
        When PortAudio is missing.
    """

    def __init__(
        self,
        settings: StreamSettings,
        deliver: Deliver,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings = settings
        self._deliver = deliver
        self._now = now
        self._library = load_sounddevice()
        self._clock: SampleClock[np.ndarray] = SampleClock(settings.rate)
        self._stream: Any = None
        self._heard_at = 0.0
        self.name = settings.device
        self.overruns = 0
        self.reopened = 0
        self._wanted = settings.device
        self._was_open = False

    @property
    def lost(self) -> int:
        """Samples that the card captured, or would have, and that never came."""
        return self._clock.lost

    @property
    def clock(self) -> SampleClock[np.ndarray]:
        """The clock of the card, for its figures."""
        return self._clock

    @property
    def is_running(self) -> bool:
        """Whether the card is open and delivers."""
        heard = time.monotonic() - self._heard_at < _LONGEST_SILENCE
        return self._stream is not None and self._stream.active and heard

    def open(self) -> None:
        """Open the card.

        Raises
        ------
        MissingCardError
            None is there that could be meant: :meth:`revive` opens it once it is.
        InputError
            Several cards fit, or the one does not take the settings.
        """
        settings = self._settings
        devices = list(self._library.query_devices())
        device = find_input(devices, self._wanted, settings.card_channels)
        try:
            self._stream = self._library.RawInputStream(
                samplerate=settings.rate,
                blocksize=settings.block,
                device=device,
                channels=settings.card_channels,
                dtype=settings.sample_format,
                latency=settings.latency,
                callback=self._capture,
            )
            self._stream.start()
        except self._library.PortAudioError as error:
            raise InputError(
                f"sound card '{devices[device]['name']}' does not give {settings.card_channels} "
                f'channels of {settings.sample_format} at {settings.rate} Hz: {error}'
            ) from error
        self.name = devices[device]['name']
        # Of an index only the name is kept: cards are numbered anew when one comes or goes.
        self._wanted = self.name if self._wanted.isdigit() else self._wanted
        self._heard_at = time.monotonic()
        self._was_open = True

    def revive(self) -> str | None:
        """Open a card that is missing or has stopped; return what is wrong when that fails.

        To be called about once a second.
        """
        if self.is_running:
            return None
        self.close()
        rescan(self._library)
        again = self._was_open
        try:
            self.open()
        except InputError as error:
            return f'{self.name} has stopped: {error}' if again else str(error)
        self.reopened += again
        return None

    def close(self) -> None:
        """Close the card and deliver what was kept back."""
        if self._stream is not None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)
            self._stream = None
        self._hand_over(self._clock.interrupt())

    def _capture(self, data: Any, frames: int, times: Any, status: Any) -> None:
        """Take a block; PortAudio calls this from a thread of its own."""
        self._heard_at = time.monotonic()
        self.overruns += bool(status.input_overflow)
        shape = frames, self._settings.card_channels
        # The buffer is overwritten after this call, and the block may be kept back.
        samples = np.frombuffer(data, self._settings.sample_format).reshape(shape)
        chosen = list(self._settings.channel_map) or slice(None)
        self._hand_over(self._clock.add(samples[:, chosen].copy(), frames, self._heard_at))

    def _hand_over(self, blocks: list) -> None:
        if not blocks:
            return
        offset = self._offset()
        for block in blocks:
            stamp = to_nanoseconds(block.time) + offset
            self._deliver(stamp, block.first_sample, block.samples)

    def _offset(self) -> int:
        """Time (ns) of the clock of the stamps less steady time, read within 0.1 ms if it can."""
        best, offset = np.inf, 0
        for _ in range(_READINGS):
            before, stamp, after = time.monotonic_ns(), self._now(), time.monotonic_ns()
            if after - before < best:
                best, offset = after - before, stamp - (before + after) // 2
            if best < _GOOD_READING:
                break
        return offset
