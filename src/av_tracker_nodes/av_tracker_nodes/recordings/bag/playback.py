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

"""A recording as the nodes want to hear it: their topics, their types, in the order of stamps."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag.bag_file import RawMessage, stamp_of_cdr
from av_tracker_nodes.recordings.bag.channels import (
    ARRAY_INFO,
    AUDIO,
    CAMERA_INFO,
    COMPRESSED,
    DEPTH,
    GROUND_TRUTH,
    IMAGE,
    ROBOT_SPEAKING,
    TF,
    TF_STATIC,
)
from av_tracker_nodes.recordings.bag.reader import BagReader
from av_tracker_nodes.recordings.bag.sound import BagSound
from av_tracker_nodes.recordings.bag.topics import BLOCK
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, to_nanoseconds

IMAGES = (IMAGE[0], COMPRESSED[0])


_LOOK_AHEAD = to_nanoseconds(1.0)


class Played(NamedTuple):
    """A message for the nodes: topic (of ours), type, time (ns, clock of the log), content."""

    topic: str
    type: str
    time: int
    data: bytes


class Playback:
    """Plays a bag under the names and types that our nodes listen to.

    Whatever the topics of the bag are called: the chosen images are on ``/image_raw`` or
    ``/image_raw/compressed``, each with a ``/camera_info`` of its stamp before it, sound is in
    blocks on ``/audio``, and frames of a namespace are on ``/tf`` and ``/tf_static``. What the
    bag does not describe, the files of its sources do. Everything else stays in the bag.

    Parameters
    ----------
    bag : BagReader
    sees, hears : bool
        Whether images and sound are played, as far as they are there.
    depth : bool
        Whether depth images are played.
    """

    def __init__(
        self, bag: BagReader, sees: bool = True, hears: bool = True, depth: bool = False
    ) -> None:
        self._bag = bag
        found = bag.found
        image = COMPRESSED if found.image is not None and bag.compressed else IMAGE
        self._names: dict[str, tuple[str, str]] = {
            **dict.fromkeys(found.moving_frames, TF),
            **dict.fromkeys(found.static_frames, TF_STATIC),
        }
        for topic, channel, wanted in (
            (found.image, image, sees),
            (found.camera_info, CAMERA_INFO, sees),
            (found.audio, AUDIO, hears),
            (found.audio_info, None, hears),
            (found.array_info, ARRAY_INFO, hears),
            (found.depth, DEPTH, depth),
            (found.ground_truth, GROUND_TRUTH, True),
            (found.robot_speaking, ROBOT_SPEAKING, True),
        ):
            if topic is not None and wanted:
                self._names[topic] = channel
        self._sees, self._hears = sees, hears

    @property
    def channels(self) -> dict[str, str]:
        """Types of the topics that are played, by their names (of ours)."""
        played = {channel for channel in self._names.values() if channel is not None}
        described = {CAMERA_INFO} if self._sees and self._bag.found.image else set()
        described |= {ARRAY_INFO} if self._hears and self._bag.found.audio else set()
        return dict(sorted(played | described))

    @property
    def left_out(self) -> list[str]:
        """Topics of the bag that are not played."""
        return sorted(set(self._bag.topics) - set(self._names))

    def announcement(self) -> Iterator[Played]:
        """Yield what describes the sensors, so that the first image finds it known.

        Raises
        ------
        InputError
            When it cannot be read.
        """
        start, found = self._bag.start_time, self._bag.found
        for message in self._bag.messages(*found.static_frames):
            yield Played(*TF_STATIC, start, message.data)
        # With the first transforms of frames that move the sensors have a place to begin with.
        for message in self._bag.messages(*found.moving_frames):
            if message.log_time > start + _LOOK_AHEAD:
                break
            yield Played(*TF, start, message.data)
        if self._hears and found.audio is not None and (array := self._array()) is not None:
            yield Played(*ARRAY_INFO, start, array)
        if self._sees and (info := self._first_info()) is not None:
            # Stamped as the first image, whose announcement it is to the nodes.
            stamp = int(self._bag.times['image'].stamps[0])
            yield Played(*CAMERA_INFO, start, _stamped(info, stamp))

    def __iter__(self) -> Iterator[Played]:
        """Yield the messages of the sensors in order."""
        found, info = self._bag.found, self._first_info() if self._sees else None
        array = self._bag.geometry.array()
        sound = BagSound(self._bag, array) if self._converts_sound else None
        descriptions = {found.array_info, *found.static_frames}
        for time, message in self._bag.ordered(set(self._names) - descriptions):
            if message.topic == found.camera_info:
                info = message.data if self._describes_camera(message) else info
            elif message.topic == found.image:
                if info is not None:
                    yield Played(*CAMERA_INFO, time, _stamped(info, stamp_of_cdr(message.data)))
                yield Played(*self._names[message.topic], time, message.data)
            elif sound is not None and message.topic in (found.audio, found.audio_info):
                yield from self._blocks(sound, message, time)
            elif self._is_usable(message, self._bag.decode):
                yield Played(*self._names[message.topic], time, message.data)
        if sound is not None:
            yield from map(self._played, sound.rest(), repeat(self._bag.end_time))

    def _is_usable(self, message: RawMessage, read: Callable[[RawMessage], object]) -> bool:
        """Tell whether a message can be read; one that cannot is counted."""
        try:
            read(message)
        except InputError as error:
            self._bag.unusable.note(message.topic, str(error))
            return False
        return True

    @property
    def _converts_sound(self) -> bool:
        audio = self._bag.found.audio
        return self._hears and audio is not None and self._bag.topics[audio] != BLOCK

    def _blocks(self, sound: BagSound, message: RawMessage, time: int) -> Iterator[Played]:
        try:
            yield from [self._played(block, time) for block in sound(message)]
        except InputError as error:
            self._bag.unusable.note(message.topic, str(error))

    def _played(self, block: AudioBlock, time: int) -> Played:
        made = messages.to_audio(block, self._array_frame)
        return Played(*AUDIO, time, messages.serialize(made, AUDIO[1]))

    @cached_property
    def _array_frame(self) -> str:
        array = self._bag.geometry.array()
        return '' if array is None else array.frame

    def _first_info(self) -> bytes | None:
        """Return the first camera_info, or the one that a file gives."""
        camera = self._bag.geometry.camera()
        if camera is None:
            return None
        for message in self._bag.messages(self._bag.found.camera_info):
            if self._describes_camera(message):
                return message.data
            break
        info = messages.to_camera_info(camera.camera, self._bag.start_time, camera.frame)
        return messages.serialize(info, CAMERA_INFO[1])

    def _describes_camera(self, message: RawMessage) -> bool:
        infos = self._bag.geometry.camera_infos
        return self._is_usable(message, lambda message: next(infos(message)))

    def _array(self) -> bytes | None:
        for message in self._bag.messages(self._bag.found.array_info):
            return message.data
        array = self._bag.geometry.array()
        if array is None:
            return None
        info = messages.to_array_info(
            array.microphones, self._bag.start_time, array.frame, array.room
        )
        return messages.serialize(info, ARRAY_INFO[1])


def _stamped(data: bytes, stamp: int) -> bytes:
    """Return a serialised message that begins with a header with another stamp (ns)."""
    form = '<iI' if data[1] & 1 else '>iI'
    return data[:4] + struct.pack(form, *divmod(stamp, NANOSECONDS)) + data[12:]
