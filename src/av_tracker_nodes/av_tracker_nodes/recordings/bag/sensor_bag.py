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

"""A bag of which it is known which topics are the sensors, and how its clocks go."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import repeat
from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.bag.bag_file import BagFile, RawMessage, stamp_of_cdr
from av_tracker_nodes.recordings.bag.order import Order, StreamTimes, in_order
from av_tracker_nodes.recordings.bag.sources import Sources
from av_tracker_nodes.recordings.bag.topics import (
    AUDIO_DATA,
    COMPRESSED,
    SOUNDS,
    USUAL,
    Topics,
    find_topics,
)
from av_tracker_nodes.synchronisation import ClockCheck
from av_tracker_nodes.types import to_nanoseconds


class SensorBag(BagFile):
    """A bag with the topics of its sensors, in the order of their stamps where that is safe.

    Parameters
    ----------
    path : str or Path
        Directory of the bag, or its file.
    sources : Sources, optional
        What is said about it.

    Raises
    ------
    InputError
        When there is no bag, or it is not whole.
    """

    def __init__(self, path: str | Path, sources: Sources | None = None) -> None:
        super().__init__(path)
        self.sources = sources or Sources()

    @cached_property
    def found(self) -> Topics:
        """Topics of the sensors.

        Raises
        ------
        InputError
            When several could be meant, or one that was named is not there.
        """
        types = {c.topic: c.msgtype for c in self._reader.connections if c.msgcount > 0}
        return find_topics(types, self.sources.topics, str(self.path))

    @property
    def compressed(self) -> bool:
        """Whether the images are compressed."""
        return self.topics[self.require('image')] == COMPRESSED

    @property
    def image_stamps(self) -> list[int]:
        """Stamps of all images (ns), in bag order."""
        self.require('image')
        return self.times['image'].stamps.tolist()

    @cached_property
    def times(self) -> dict[str, StreamTimes]:
        """When ``image`` and ``audio`` were taken and logged, as far as they are there.

        Sound without stamps was taken when it was logged; that of the others is shifted.
        """
        offsets = {self.found.audio: to_nanoseconds(self.sources.audio_offset)}
        roles = {'image': self.found.image, 'audio': self.found.audio}
        topics = {topic: role for role, topic in roles.items() if topic is not None}
        noted: dict[str, tuple[list[int], list[int]]] = {
            role: ([], []) for role in topics.values()
        }
        for message in self.messages(*topics):
            has_stamp = message.type != AUDIO_DATA
            stamps, times = noted[topics[message.topic]]
            stamp = stamp_of_cdr(message.data) if has_stamp else message.log_time
            stamps.append(stamp + offsets.get(message.topic, 0))
            times.append(message.log_time)
        return {
            role: StreamTimes.of(stamps, times, lasts=self.topics[roles[role]] in SOUNDS)
            for role, (stamps, times) in noted.items()
        }

    @cached_property
    def order(self) -> Order:
        """How stamps and log times belong together."""
        return Order.of(self.times.values())

    def require(self, role: str, hint: str = '') -> str:
        """Return the topic of a role of :class:`Topics`.

        Raises
        ------
        InputError
            When the bag holds none; `hint` says what can be done.
        """
        topic = getattr(self.found, role)
        if topic is None:
            there = ', '.join(sorted(self.topics)) or 'nothing'
            usual = ' or '.join(USUAL[role])
            told = f' ({hint})' if hint else ''
            raise InputError(f'{self.path} holds no messages on {usual}{told}; it holds {there}')
        return topic

    def clock_problems(self) -> list[str]:
        """Say what is wrong with the stamps of images and sound; empty when nothing is."""
        sound = self.found.audio or ''
        check = ClockCheck(sound=sound, audio_offset=self.sources.audio_offset)
        streams = [
            zip(
                times.logged.tolist(),
                repeat(getattr(self.found, role)),
                (times.stamps + times.span).tolist(),
                strict=False,
            )
            for role, times in self.times.items()
        ]
        for logged, stream, stamp in heapq.merge(*streams):
            check.note(stream, stamp, logged)
        check.finish()
        return [] if check.problem is None else [check.problem]

    def ordered(self, topics: Collection[str]) -> Iterator[tuple[int, RawMessage]]:
        """Yield the messages of some topics in the order of their stamps, where that is safe.

        Yields
        ------
        time : int
            When the message would have come that was not late (ns, clock of the log).
        message : RawMessage
        """
        offset = to_nanoseconds(self.sources.audio_offset)
        ends = {getattr(self.found, role): times.span for role, times in self.times.items()}
        if self.found.audio in ends:
            ends[self.found.audio] += offset

        def times(message: RawMessage) -> tuple[int, int]:
            logged = message.log_time
            if message.topic not in ends or message.type == AUDIO_DATA:
                return logged, logged
            end = stamp_of_cdr(message.data) + ends[message.topic]
            return logged, self.order.time(logged, end)

        return in_order(self.messages(*topics), times, self.order.lateness)
