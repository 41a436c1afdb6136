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

"""Sound of a bag, in whatever messages it is."""

from __future__ import annotations

from collections.abc import Iterator

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.sensor_rig import ArrayDescription
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag.bag_file import RawMessage
from av_tracker_nodes.recordings.bag.sensor_bag import SensorBag
from av_tracker_nodes.recordings.bag.topics import BLOCK
from av_tracker_nodes.types import AudioBlock


class BagSound:
    """Makes blocks of the messages that carry sound, and of those that tell its format.

    Parameters
    ----------
    bag : SensorBag
    array : ArrayDescription or None
        Microphones that the sound is for, where they are known.

    Attributes
    ----------
    notes : list of str
        What is worth knowing of it.

    Raises
    ------
    InputError
        When the format is one that cannot be read.
    """

    def __init__(self, bag: SensorBag, array: ArrayDescription | None) -> None:
        self._bag, self._array = bag, array
        self._info = bag.found.audio_info
        self._driver: messages.AudioCommonSound | None = None
        self.notes: list[str] = []
        if bag.topics[bag.require('audio')] == BLOCK:
            return
        needed = array and int(array.microphones.channels.max()) + 1
        self._driver = messages.AudioCommonSound(needed, array and array.microphones.rate)
        self.notes = self._driver.notes
        for message in bag.messages(self._info):
            self._driver.learn(bag.decode(message))
            break

    def __call__(self, message: RawMessage) -> Iterator[AudioBlock]:
        """Take a message; yield the blocks that are complete with it.

        Raises
        ------
        InputError
            It cannot be used.
        """
        content = self._bag.decode(message)
        if self._driver is None:
            yield messages.from_audio(content)
        elif message.topic == self._info:
            self._driver.learn(content)
        else:
            yield from self._driver.hear(content, message.log_time)

    def rest(self) -> list[AudioBlock]:
        """Return what was kept back, at the end of the bag."""
        return [] if self._driver is None else self._driver.flush()

    def check(self) -> None:
        """Compare the first block with the microphones.

        Raises
        ------
        InputError
            It has too few channels, or no block of the bag can be read.
        """
        array, reason = self._array, None
        for message in self._bag.messages(self._bag.found.audio):
            try:
                blocks = list(self(message))
            except InputError as error:
                reason = reason or error
                continue
            if array is None or not blocks:
                continue
            there, needed = blocks[0].samples.shape[1], int(array.microphones.channels.max()) + 1
            if there < needed:
                raise InputError(
                    f'{self._bag.path}: {message.topic} has {there} channels, array '
                    f"'{array.microphones.name}' needs {needed}"
                )
            return
        if reason is not None:
            raise reason
