# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""``av-tracker check array``: a live view of a microphone array, and a verdict."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from av_tracker_nodes.calibration.array_check import ArrayCheck, ArrayReport
from av_tracker_nodes.capture.microphone_stream import MicrophoneStream, StreamSettings
from av_tracker_nodes.datasets.bag import BagReader
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.calibration import load_microphones
from av_tracker_nodes.types import AudioBlock

_LOWEST = -90.0
_BAR = 30
_REVIVE = 1.0
_RIGHT = 'ok'


def check_array(
    calibration: Path,
    *,
    device: str = '',
    channel_map: tuple[int, ...] = (),
    seconds: float = 0.0,
    bag: Path | None = None,
    console: Console | None = None,
) -> bool:
    """Show levels, states and directions, live from a sound card or from a bag.

    Parameters
    ----------
    calibration : Path
        Description of the microphones.
    device, channel_map
        See :class:`~av_tracker_nodes.capture.microphone_stream.StreamSettings`.
    seconds : float
        How long; 0 until Ctrl-C or the end of the bag.
    bag : Path, optional
        Recording to look at instead of a card.
    console : Console, optional

    Returns
    -------
    bool
        Whether nothing was found.

    Raises
    ------
    InputError
        When the description, the card or the bag cannot be used, or too little was heard.
    """
    console = console or Console()
    array = load_microphones(calibration)
    check, report = ArrayCheck(array), None
    blocks = _of_bag(bag, array) if bag else _of_card(array, device, channel_map, console)
    lasting, wrong = round(seconds * array.rate), {}
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        try:
            for heard, samples in _counted(blocks):
                new = check.add(samples)
                if new is not None:
                    report = new
                    _remember(wrong, report, array)
                    live.update(_table(report, array))
                if lasting and heard >= lasting:
                    break
        except KeyboardInterrupt:
            pass
    if report is None:
        raise InputError('too little sound to tell anything: half a second is needed')
    console.print(_table(report, array))
    return _verdict(report, wrong, console)


def _of_card(
    array: MicrophoneArray, device: str, channel_map: tuple[int, ...], console: Console
) -> Iterator[np.ndarray]:
    """Yield blocks of samples in [-1, 1] for as long as somebody wants them."""
    waiting: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()
    settings = StreamSettings(
        device=device,
        channels=int(array.channels.max()) + 1,
        rate=array.rate,
        sample_format='float32',
        channel_map=channel_map,
    )
    stream = MicrophoneStream(settings, lambda stamp, first, samples: waiting.put(samples))
    console.print(f'{stream.name}: speak, and walk around the array; Ctrl-C ends')
    watched = time.monotonic()
    try:
        while True:
            if time.monotonic() - watched > _REVIVE:
                watched = time.monotonic()
                if problem := stream.revive():
                    console.print(f'{stream.name} has stopped: {problem}')
            try:
                yield waiting.get(timeout=_REVIVE)
            except queue.Empty:
                continue
    finally:
        stream.close()
        if stream.lost:
            console.print(f'{stream.lost} samples were lost: the computer is too busy')


def _of_bag(bag: Path, array: MicrophoneArray) -> Iterator[np.ndarray]:
    with BagReader(bag) as reader:
        for record in reader.records():
            if not isinstance(record, AudioBlock):
                continue
            if record.rate != array.rate or record.samples.shape[1] <= array.channels.max():
                raise InputError(
                    f'{bag} has {record.samples.shape[1]} channels at {record.rate} Hz, which '
                    f"does not fit array '{array.name}' ({array.channels.max() + 1} channels at "
                    f'{array.rate} Hz)'
                )
            yield record.samples


def _counted(blocks: Iterator[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    heard = 0
    for samples in blocks:
        heard += len(samples)
        yield heard, samples


def _remember(wrong: dict[int, dict[str, int]], report: ArrayReport, array: MicrophoneArray) -> None:
    """Count how often each channel was in each state that is not right."""
    for channel, state in zip(array.channels.tolist(), report.states, strict=True):
        if state != _RIGHT:
            states = wrong.setdefault(channel, {})
            states[state] = states.get(state, 0) + 1


def _table(report: ArrayReport, array: MicrophoneArray) -> Table:
    table = Table('channel', 'array', 'level', 'dB', 'peak', 'state', box=None)
    rows = zip(array.channels, array.groups, report.levels, report.peaks, strict=True)
    for (channel, group, level, peak), state in zip(rows, report.states, strict=True):
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


def _verdict(
    report: ArrayReport, wrong: dict[int, dict[str, int]], console: Console
) -> bool:
    for channel, states in sorted(wrong.items()):
        state = max(states, key=states.get)
        console.print(f'channel {channel}: {state}', style='red')
    if report.swaps:
        pairs = ', or '.join(f'{i} and {j}' for i, j in report.swaps)
        console.print(f'channels that look swapped: {pairs}', style='red')
    good = not wrong and not report.swaps
    if good:
        console.print('nothing wrong was found', style='green')
    return good
