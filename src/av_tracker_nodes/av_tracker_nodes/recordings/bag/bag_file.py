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

"""Messages of a bag as they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.bag.storage import damaged, open_bag
from av_tracker_nodes.recordings.messages import typestore
from av_tracker_nodes.types import NANOSECONDS

if TYPE_CHECKING:
    from typing import Self  # since Python 3.11

    from rosbags.interfaces import Connection

_STAMPED = 12
"""Bytes of the beginning of a message, up to the end of its stamp."""


class RawMessage(NamedTuple):
    """A message as the bag holds it; `latched` asks for a transient-local publisher."""

    topic: str
    type: str
    log_time: int
    data: bytes
    latched: bool


class BagFile:
    """A bag, message by message.

    Parameters
    ----------
    path : str or Path
        Directory of the bag, or its file.

    Raises
    ------
    InputError
        When there is no bag, or it is not whole.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._reader = open_bag(self.path)

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self.close()

    def close(self) -> None:
        """Close the bag."""
        self._reader.close()

    @property
    def topics(self) -> dict[str, str]:
        """Message type of each topic."""
        return {connection.topic: connection.msgtype for connection in self._reader.connections}

    @property
    def start_time(self) -> int:
        """Log time of the first message (ns)."""
        return self._reader.start_time

    @property
    def end_time(self) -> int:
        """Log time of the last message (ns)."""
        return self._reader.end_time - 1

    @property
    def duration(self) -> float:
        """Time from the first to the last message (s)."""
        return (self.end_time - self.start_time) / NANOSECONDS

    def raw(self) -> Iterator[RawMessage]:
        """Yield all messages as they are in the bag, in bag order.

        Raises
        ------
        InputError
            When the bag breaks off, or is damaged.
        """
        return self.messages(*self.topics)

    def messages(self, *topics: str | None) -> Iterator[RawMessage]:
        """Yield the messages of some topics as `raw` does; a topic that is None has none."""
        connections = [c for c in self._reader.connections if c.topic in topics]
        if not connections:
            return
        read = 0
        try:
            for connection, log_time, data in self._reader.messages(connections):
                read += 1
                yield RawMessage(
                    connection.topic,
                    connection.msgtype,
                    log_time,
                    bytes(data),
                    _latched(connection),
                )
        except Exception as error:  # the library lets parsing errors of every kind through
            raise damaged(self.path, error) from error
        # The library passes over a chunk that it cannot make sense of.
        announced = sum(connection.msgcount for connection in connections)
        if read < announced:
            raise damaged(self.path, f'{announced - read} of {announced} messages cannot be read')

    def decode(self, message: RawMessage) -> object:
        """Deserialise a message.

        Raises
        ------
        InputError
            It cannot be.
        """
        try:
            return typestore().deserialize_cdr(message.data, message.type)
        except Exception as error:  # the library lets parsing errors of every kind through
            raise InputError(f'a message of type {message.type} cannot be read') from error


def _latched(connection: Connection) -> bool:
    profiles = connection.ext.offered_qos_profiles
    return any(profile.durability.name == 'TRANSIENT_LOCAL' for profile in profiles)


def stamp_of_cdr(data: bytes) -> int:
    """Read the stamp of a serialised message that begins with a header.

    Raises
    ------
    InputError
        It is too short for one.
    """
    if len(data) < _STAMPED:
        raise InputError(f'a message of {len(data)} bytes cannot be read')
    little_endian = data[1] & 1
    seconds, nanoseconds = struct.unpack_from('<iI' if little_endian else '>iI', data, 4)
    return seconds * NANOSECONDS + nanoseconds
