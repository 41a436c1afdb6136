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

"""``av-tracker check array``: a live view of a microphone array, and a verdict."""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from av_tracker_nodes.calibration.array_check import ArrayCheck, ArrayReport
from av_tracker_nodes.capture.microphone_stream import (
    MicrophoneStream,
    StreamSettings,
    parse_channel_map,
)
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.calibration import load_microphones
from av_tracker_nodes.recordings.bag import BagReader, Sources, TopicNames

_LOWEST = -90.0
_BAR = 30
_REVIVE = 1.0
_RIGHT = 'ok'
_NO_MICROPHONE = 'no microphone'
_OFTEN = 0.1


class Faults:
    """How often each channel was in a state that is not right."""

    def __init__(self, array: MicrophoneArray) -> None:
        self._channels = array.channels.tolist()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._reports = 0

    def add(self, report: ArrayReport) -> None:
        """Take a report."""
        self._reports += 1
        for channel, state in zip(self._channels, report.states, strict=True):
            self._counts[channel, state] += state != _RIGHT

    def lines(self) -> list[str]:
        """Say what was wrong for a tenth of the time or more."""
        often = _OFTEN * self._reports
        return [
            f'channel {channel}: {state} for {count / self._reports:.0%} of the time'
            for (channel, state), count in sorted(self._counts.items())
            if count > often
        ]


def check_array(
    calibration: Path,
    *,
    device: str = '',
    channels: str = '',
    seconds: float = 0.0,
    bag: Path | None = None,
    console: Console | None = None,
    topics: TopicNames | None = None,
) -> bool:
    """Show levels, states and directions, live from a sound card or from a bag.

    Parameters
    ----------
    calibration : Path
        Description of the microphones.
    device : str
        Sound card: see :class:`~av_tracker_nodes.capture.microphone_stream.StreamSettings`.
    channels : str
        Channels of the card to take, in order, such as ``1-4``, also from a bag: the first one is
        channel 0 of `calibration`. Empty for all as they are. What is found is told in channels of
        the card.
    seconds : float
        How long; 0 until Ctrl-C or the end of the bag.
    bag : Path, optional
        Recording to look at instead of a card.
    console : Console, optional
    topics : TopicNames, optional
        Topics of the bag that are named.

    Returns
    -------
    bool
        Whether nothing was found.

    Raises
    ------
    InputError
        When `channels`, the description, the card or the bag cannot be used, or too little was
        heard.
    """
    console = console or Console()
    array = _wired(load_microphones(calibration), parse_channel_map(channels))
    check, report = ArrayCheck(array), None
    sources = Sources(topics or TopicNames(), array_calibration=calibration)
    blocks = _of_bag(bag, array, sources) if bag else _of_card(array, device, console)
    lasting, faults = round(seconds * array.rate), Faults(array)
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        try:
            for heard, samples in _counted(blocks):
                new = check.add(samples)
                if new is not None:
                    report = new
                    faults.add(report)
                    live.update(_table(report, array))
                if lasting and heard >= lasting:
                    break
        except KeyboardInterrupt:
            pass
    if report is None:
        raise InputError('too little sound to tell anything: half a second is needed')
    console.print(_table(report, array))
    if array.ambiguity:
        console.print(array.ambiguity)
    return _verdict(report, faults, console)


def _wired(array: MicrophoneArray, channel_map: tuple[int, ...]) -> MicrophoneArray:
    """Return the array on the channels of the card that a map gives it."""
    if not channel_map:
        return array
    if len(channel_map) <= array.channels.max():
        raise InputError(
            f"--channels names {len(channel_map)} channels, array '{array.name}' needs "
            f'{array.channels.max() + 1}'
        )
    return replace(array, channels=np.array(channel_map)[array.channels])


def _of_card(array: MicrophoneArray, device: str, console: Console) -> Iterator[np.ndarray]:
    """Yield blocks of samples in [-1, 1] for as long as somebody wants them."""
    waiting: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()
    settings = StreamSettings(
        device=device,
        channels=int(array.channels.max()) + 1,
        rate=array.rate,
        sample_format='float32',
    )
    stream = MicrophoneStream(settings, lambda stamp, first, samples: waiting.put(samples))
    stream.open()
    console.print(f'{stream.name}: speak, and walk around the array; Ctrl-C ends')
    watched = time.monotonic()
    try:
        while True:
            if time.monotonic() - watched > _REVIVE:
                watched = time.monotonic()
                if problem := stream.revive():
                    console.print(problem)
            try:
                yield waiting.get(timeout=_REVIVE)
            except queue.Empty:
                continue
    finally:
        stream.close()
        if stream.lost:
            console.print(f'{stream.lost} samples were lost: the computer is too busy')


def _of_bag(bag: Path, array: MicrophoneArray, sources: Sources) -> Iterator[np.ndarray]:
    with BagReader(bag, sources) as reader:
        for block in reader.sound():
            if block.rate != array.rate or block.samples.shape[1] <= array.channels.max():
                raise InputError(
                    f'{bag} has {block.samples.shape[1]} channels at {block.rate} Hz, which '
                    f"does not fit array '{array.name}' ({array.channels.max() + 1} channels at "
                    f'{array.rate} Hz)'
                )
            yield block.samples


def _counted(blocks: Iterator[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    heard = 0
    for samples in blocks:
        heard += len(samples)
        yield heard, samples


def _table(report: ArrayReport, array: MicrophoneArray) -> Table:
    table = Table('channel', 'array', 'level', 'dB', 'peak', 'state', box=None)
    rows = zip(array.channels, array.groups, report.levels, report.peaks, strict=True)
    for (channel, group, level, peak), state in zip(rows, report.states, strict=True):
        state = _NO_MICROPHONE if channel in report.intruders else state
        filled = round(_BAR * np.clip(1 - level / _LOWEST, 0, 1))
        bar = '█' * filled + '·' * (_BAR - filled)
        colour = 'green' if state == _RIGHT else 'red'
        cells = (str(channel), str(group), bar, f'{level:.0f}', f'{peak:.0f}', state)
        table.add_row(*cells, style=colour)
    for heard in report.heard:
        table.add_row(
            '', str(heard.group), f'azimuth {heard.azimuth:.0f}°, elevation {heard.elevation:.0f}°'
        )
    return table


def _verdict(report: ArrayReport, faults: Faults, console: Console) -> bool:
    lines = faults.lines()
    lines += [f'channel {channel} {reason}' for channel, reason in report.intruders.items()]
    if report.swaps:
        pairs = ', or '.join(f'{i} and {j}' for i, j in report.swaps)
        lines.append(f'channels that look swapped: {pairs}')
    for line in lines:
        console.print(line, style='red')
    if not lines:
        console.print('nothing wrong was found', style='green')
    return not lines
