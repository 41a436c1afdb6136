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

"""What is right and wrong with a running robot, from what was heard of it; without ROS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from av_tracker_nodes.acoustics.channel_states import OK, TWIN, channel_states
from av_tracker_nodes.acoustics.processed_channels import processed_channels
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.sensor_rig import SensorRig
from av_tracker_nodes.types import NANOSECONDS, to_seconds

_LEAST_IMAGES = 5.0
"""Images a second below which people are lost from one to the next."""
_LOSS = 0.02
_RATE_TOLERANCE = 0.02
_AHEAD = 0.05
"""Stamps this far (s) ahead of the clock are of another clock."""
_SLOW, _TOO_LATE = 0.3, 2.0
"""Seconds from capture to arrival that make the tracks late, and for which nodes do not wait."""
_WINDOW = 0.5
_OFTEN = 0.5
"""A channel is in a state when it is for this share of the time."""
_QUIET = -70.0
"""Level (dB of full scale) of a room in which nobody talks, at a usual gain."""
_BUSY, _OVERLOADED = 0.8, 1.2
"""Processes that want to run, for each processor."""


class Level(Enum):
    """How serious a verdict is."""

    OK = 'ok'
    NOTE = 'note'
    WRONG = 'WRONG'


@dataclass(frozen=True)
class Verdict:
    """One line of the answer."""

    level: Level
    concern: str
    text: str

    def __str__(self) -> str:
        return f'{self.level.value:<6} {self.concern:<12} {self.text}'


@dataclass
class Stream:
    """What was heard of one topic.

    Attributes
    ----------
    topic : str
        Full name.
    option : str
        Argument that names another topic; empty where there is none.
    publishers : int
    mismatches : list of str
        Publishers that cannot be heard, and why: quality of service.
    elsewhere : list of str
        Topics of the same type that somebody publishes.
    stamps, arrivals : list of int
        Of each message (ns).
    lost : int
    problems : Counter
        What was wrong with messages, and how often.
    """

    topic: str
    option: str = ''
    publishers: int = 0
    mismatches: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    lost: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Messages a second."""
        if len(self.arrivals) < 2:
            return 0.0
        return (len(self.arrivals) - 1) / max(
            to_seconds(self.arrivals[-1] - self.arrivals[0]), 1e-9
        )

    @property
    def lateness(self) -> float | None:
        """Median time from stamp to arrival (s), None without stamps."""
        if not self.stamps or not any(self.stamps):
            return None
        return float(np.median(np.subtract(self.arrivals, self.stamps))) / NANOSECONDS


@dataclass
class Heard:
    """What was heard of a robot.

    Attributes
    ----------
    images, camera_info, audio, array_info, tracks : Stream
    size, info_size : tuple of int or None
        Width and height of the images, and those that camera_info tells.
    sound : list of np.ndarray, shape (n, channels)
        In [-1, 1], without gaps.
    sound_rate : int
    microphones : MicrophoneArray or None
    geometry : SensorRig or None
        Fed with all that was told of camera, microphones and frames.
    diagnostics : dict of str to (int, str)
        Level (0 OK, 1 warning, 2 error, 3 stale) and message, by name.
    load : float
        Processes that want to run, for each processor.
    notes : list of str
    """

    images: Stream
    camera_info: Stream
    audio: Stream
    array_info: Stream
    tracks: Stream
    size: tuple[int, int] | None = None
    info_size: tuple[int, int] | None = None
    sound: list[np.ndarray] = field(default_factory=list)
    sound_rate: int = 0
    microphones: MicrophoneArray | None = None
    geometry: SensorRig | None = None
    diagnostics: dict[str, tuple[int, str]] = field(default_factory=dict)
    load: float = 0.0
    notes: list[str] = field(default_factory=list)


def verdicts(heard: Heard) -> Iterator[Verdict]:
    """Judge what was heard, topic by topic, then what they are together."""
    yield from _judge_images(heard)
    yield from _judge_camera_info(heard)
    yield from _judge_sound(heard)
    yield from _judge_array_info(heard)
    yield from _judge_levels(heard)
    yield from _judge_frames(heard)
    yield from _judge_clocks(heard)
    yield from _judge_tracks(heard)
    yield from _judge_nodes(heard)
    yield _judge_load(heard.load)
    for note in heard.notes:
        yield Verdict(Level.NOTE, 'note', note)


# ---- streams


def _absence(stream: Stream) -> str | None:
    """Tell why nothing came on a topic; None when something did."""
    if stream.arrivals:
        return None
    if stream.mismatches:
        return f'{stream.topic} cannot be heard: {"; ".join(stream.mismatches)}'
    if stream.publishers:
        return f'nothing came on {stream.topic}, though somebody publishes it'
    text = f'nobody publishes {stream.topic}'
    if stream.elsewhere and stream.option:
        text += f'; the like is on {", ".join(stream.elsewhere)}: set {stream.option}'
    return text


def _faults(stream: Stream, concern: str) -> Iterator[Verdict]:
    """Judge what can be wrong with any stream that comes."""
    for problem, count in stream.problems.items():
        text = f'{count} of {len(stream.arrivals)} messages on {stream.topic}: {problem}'
        yield Verdict(Level.WRONG, concern, text)
    sent = stream.lost + len(stream.arrivals)
    if stream.lost > _LOSS * sent:
        text = f'{stream.lost} of {sent} messages on {stream.topic} were lost'
        yield Verdict(Level.WRONG, concern, text)
    for mismatch in stream.mismatches:
        yield Verdict(Level.WRONG, concern, f'{stream.topic} of {mismatch}')


def _judge_images(heard: Heard) -> Iterator[Verdict]:
    stream, absence = heard.images, _absence(heard.images)
    if absence:
        yield Verdict(Level.WRONG, 'images', absence)
        return
    level = Level.OK if stream.rate >= _LEAST_IMAGES else Level.WRONG
    size = f', {_by(heard.size)}' if heard.size else ''
    yield Verdict(level, 'images', f'{stream.rate:.1f} a second on {stream.topic}{size}')
    yield from _faults(stream, 'images')


def _judge_camera_info(heard: Heard) -> Iterator[Verdict]:
    stream, absence = heard.camera_info, _absence(heard.camera_info)
    if absence:
        yield Verdict(Level.WRONG, 'camera_info', absence)
        return
    if heard.info_size and heard.size and heard.info_size != heard.size:
        text = f'is of images of {_by(heard.info_size)}, but they are {_by(heard.size)}'
        yield Verdict(Level.WRONG, 'camera_info', text)
    elif heard.info_size:
        text = f'{stream.rate:.1f} a second on {stream.topic}, {_by(heard.info_size)}'
        yield Verdict(Level.OK, 'camera_info', text)
    yield from _faults(stream, 'camera_info')


def _judge_sound(heard: Heard) -> Iterator[Verdict]:
    stream, absence = heard.audio, _absence(heard.audio)
    if absence:
        yield Verdict(Level.WRONG, 'sound', absence)
        return
    count = sum(map(len, heard.sound))
    seconds = to_seconds(stream.arrivals[-1] - stream.arrivals[0])
    channels = heard.sound[0].shape[1] if heard.sound else 0
    text = f'{channels} channels at {heard.sound_rate} Hz on {stream.topic}'
    yield Verdict(Level.OK, 'sound', text)
    # Blocks come in bursts: what came within a second may be of half of one more.
    measured = (count - len(heard.sound[-1])) / seconds if heard.sound and seconds > 1 else None
    burst = 0.5 / seconds if seconds else 1.0
    if measured and abs(measured / heard.sound_rate - 1) > _RATE_TOLERANCE + burst:
        text = f'{measured:.0f} samples a second come, {heard.sound_rate} are said to'
        yield Verdict(Level.WRONG, 'sound', text)
    yield from _faults(stream, 'sound')


def _judge_array_info(heard: Heard) -> Iterator[Verdict]:
    absence, array = _absence(heard.array_info), heard.microphones
    if absence:
        yield Verdict(Level.WRONG, 'array_info', absence)
        return
    if array is None:
        yield from _faults(heard.array_info, 'array_info')
        return
    yield Verdict(Level.OK, 'array_info', f'{len(array.positions)} microphones')
    if not heard.sound:
        return
    channels = heard.sound[0].shape[1]
    if channels <= array.channels.max():
        text = f'names channel {array.channels.max()}, but the sound has {channels} channels'
        yield Verdict(Level.WRONG, 'array_info', text)
    if array.rate != heard.sound_rate:
        text = f'says {array.rate} Hz, but the sound has {heard.sound_rate} Hz'
        yield Verdict(Level.WRONG, 'array_info', text)


def _judge_tracks(heard: Heard) -> Iterator[Verdict]:
    stream = heard.tracks
    if stream.arrivals:
        text = f'{stream.rate:.1f} a second on {stream.topic}'
        yield Verdict(Level.OK, 'tracks', text)
        yield from _faults(stream, 'tracks')
    elif stream.publishers:
        yield Verdict(Level.WRONG, 'tracks', _absence(stream))
    else:
        yield Verdict(Level.NOTE, 'tracks', f'no tracker runs: nobody publishes {stream.topic}')


# ---- what they are together


def _judge_levels(heard: Heard) -> Iterator[Verdict]:
    array = heard.microphones
    if array is None or not heard.sound or heard.sound[0].shape[1] <= array.channels.max():
        return
    sound = np.concatenate(heard.sound)
    chosen = sound[:, array.channels]
    size = round(_WINDOW * array.rate)
    windows = [chosen[first : first + size] for first in range(0, len(chosen) - size + 1, size)]
    if not windows:
        yield Verdict(Level.WRONG, 'levels', f'{len(chosen)} samples are too few to judge')
        return
    states: Counter[tuple[int, str]] = Counter()
    for window in windows:
        found = channel_states(window, array.channels)
        states.update(zip(array.channels.tolist(), found, strict=True))
    wrong = [
        f'channel {channel}: {state}'
        for (channel, state), count in sorted(states.items())
        if state != OK and count >= _OFTEN * len(windows)
    ]
    # A copy is found both ways.
    named = {channel for channel, state in states if state.startswith(TWIN)}
    wrong += [
        f'channel {channel} {reason}'
        for channel, reason in processed_channels(sound, array).items()
        if channel not in named
    ]
    for text in wrong:
        yield Verdict(Level.WRONG, 'levels', text)
    loudest = max(float(((w - w.mean(axis=0)) ** 2).mean()) for w in windows)
    level = 10 * np.log10(max(loudest, 1e-12))
    if not wrong:
        serious = Level.OK if level > _QUIET else Level.NOTE
        quiet = '' if level > _QUIET else ': very quiet; speak, or turn the gain up'
        yield Verdict(serious, 'levels', f'{level:.0f} dB of full scale at most{quiet}')


def _judge_frames(heard: Heard) -> Iterator[Verdict]:
    geometry = heard.geometry
    if geometry is None:
        return
    newest = max(heard.images.stamps, default=0) or None
    geometry.rig(newest)
    told = {**geometry.problems}
    # That they never came is told of their topics.
    if not heard.camera_info.arrivals or heard.info_size is None:
        told.pop('camera', None)
    if heard.microphones is None:
        told.pop('array', None)
    for concern, problem in told.items():
        yield Verdict(Level.WRONG, 'frames', f'{concern}: {problem}')
    if not geometry.problems:
        text = f"camera and microphones have a place in '{geometry.target_frame}'"
        yield Verdict(Level.OK, 'frames', text)


def _judge_clocks(heard: Heard) -> Iterator[Verdict]:
    late = {}
    for concern, stream in (('images', heard.images), ('sound', heard.audio)):
        if not stream.arrivals:
            continue
        lateness = stream.lateness
        if lateness is None:
            yield Verdict(Level.WRONG, 'clocks', f'{concern} have no stamps (0)')
            continue
        late[concern] = lateness
        if lateness < -_AHEAD:
            text = f'stamps of {concern} are {-lateness:.2f} s ahead of the clock of this machine'
            yield Verdict(Level.WRONG, 'clocks', f'{text}: synchronise the clocks (NTP, PTP)')
        elif lateness > _TOO_LATE:
            text = f'{concern} come {lateness:.2f} s after their stamps: clocks apart, or a driver'
            yield Verdict(Level.WRONG, 'clocks', f'{text} that is late; see audio_offset')
        else:
            level = Level.NOTE if lateness > _SLOW else Level.OK
            text = f'{concern} come {1e3 * lateness:.0f} ms after their stamps'
            yield Verdict(level, 'clocks', text)
    if len(late) == 2 and abs(late['images'] - late['sound']) > _TOO_LATE:
        apart = late['images'] - late['sound']
        text = f'stamps of sound and images are {abs(apart):.2f} s apart: audio_offset mends that'
        yield Verdict(Level.WRONG, 'clocks', text)


def _judge_nodes(heard: Heard) -> Iterator[Verdict]:
    for name, (level, message) in sorted(heard.diagnostics.items()):
        if level:
            serious = Level.NOTE if level == 1 else Level.WRONG
            yield Verdict(serious, 'diagnostics', f'{name}: {message}')
    if heard.diagnostics and not any(level for level, _ in heard.diagnostics.values()):
        text = f'{len(heard.diagnostics)} nodes say that all is well'
        yield Verdict(Level.OK, 'diagnostics', text)


def _judge_load(load: float) -> Verdict:
    level = Level.WRONG if load > _OVERLOADED else Level.NOTE if load > _BUSY else Level.OK
    return Verdict(level, 'load', f'{load:.0%} of the processors are wanted (last minute)')


def _by(size: tuple[int, int]) -> str:
    return f'{size[0]} x {size[1]}'
