# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Reader of bags."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from rosbags.interfaces import Connection, QosDurability
from rosbags.rosbag2 import Reader

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Rig, RigidTransform, Room
from av_tracker_nodes.geometry.frame_tree import FrameTree
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag.channels import (
    ARRAY_INFO,
    AUDIO,
    CAMERA_INFO,
    COMPRESSED,
    GROUND_TRUTH,
    IMAGE,
    ROBOT_SPEAKING,
    TF_STATIC,
    WORLD_FRAME,
)
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, TrackFrame


class RawMessage(NamedTuple):
    """A message as the bag holds it; `latched` asks for a transient-local publisher."""

    topic: str
    type: str
    log_time: int
    data: bytes
    latched: bool


class BagReader:
    """Reads a bag: sound and images in bag order, geometry, and ground truth.

    Topics are found by the end of their names, so that a bag recorded under a namespace does.

    Parameters
    ----------
    path : str or Path
        Directory of the bag, or its MCAP file.

    Raises
    ------
    InputError
        When there is no bag, or it is not whole.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise InputError(f'no bag at {self.path}')
        if self.path.is_dir() and not (self.path / 'metadata.yaml').is_file():
            raise InputError(
                f'{self.path} is not a whole bag: metadata.yaml is missing in it '
                '(not a bag, or a recording that was cut off)'
            )
        try:
            self._reader = Reader(self.path)
            self._reader.open()
        except Exception as error:  # the library lets parsing errors of every kind through
            raise self._broken(error) from error

    def __enter__(self) -> BagReader:
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
    def duration(self) -> float:
        """Time from the first to the last message (s)."""
        return (self._reader.end_time - 1 - self._reader.start_time) / NANOSECONDS

    @property
    def compressed(self) -> bool:
        """Whether the images are compressed."""
        return self._image_connection.msgtype == COMPRESSED[1]

    @cached_property
    def image_stamps(self) -> list[int]:
        """Stamps of all images (ns), in bag order."""
        return [stamp_of_cdr(data) for _, _, data in self._messages([self._image_connection])]

    def raw(self) -> Iterator[RawMessage]:
        """Yield all messages as they are in the bag, in bag order."""
        for connection, log_time, data in self._messages(self._reader.connections):
            yield RawMessage(
                connection.topic, connection.msgtype, log_time, bytes(data), _latched(connection)
            )

    def records(self) -> Iterator[AudioBlock | ImageFrame]:
        """Yield blocks of sound and images in bag order.

        Raises
        ------
        InputError
            When the bag has no sound or no images, or breaks off.
        """
        audio, image = self._connection(AUDIO), self._image_connection
        for connection, _, data in self._messages([audio, image]):
            message = messages.typestore().deserialize_cdr(data, connection.msgtype)
            if connection.topic == audio.topic:
                yield messages.from_audio(message)
            else:
                yield messages.from_image(message)

    def sound(self) -> Iterator[AudioBlock]:
        """Yield the blocks of sound alone, from bags without images too.

        Raises
        ------
        InputError
            When the bag has no sound, or breaks off.
        """
        for connection, _, data in self._messages([self._connection(AUDIO)]):
            yield messages.from_audio(
                messages.typestore().deserialize_cdr(data, connection.msgtype)
            )

    def rig(self, target_frame: str = WORLD_FRAME, room: Room | None = None) -> Rig:
        """Put the geometry together from array_info, the first camera_info, and /tf_static.

        Parameters
        ----------
        target_frame : str
            Frame of the camera and of the result.
        room : Room, optional
            Instead of the one that the bag tells.

        Raises
        ------
        InputError
            When one of them is missing or the frames are not connected.
        """
        array_info = self._first(ARRAY_INFO)
        camera_info = self._first(CAMERA_INFO)
        frames = FrameTree.of(self._static_frames(), f'{TF_STATIC[0]} of {self.path}')
        pose = frames.look_up(target_frame, camera_info.header.frame_id)
        target_from_array = frames.look_up(target_frame, array_info.header.frame_id)
        return Rig(
            messages.from_camera_info(camera_info, pose),
            messages.from_array_info(array_info),
            target_from_array,
            room or messages.room_of(array_info),
        )

    def ground_truth(self) -> list[TrackFrame]:
        """Where everybody truly was, one frame an image; empty when the bag does not tell."""
        connection = self._find(GROUND_TRUTH)
        if connection is None:
            return []
        store = messages.typestore()
        return [
            messages.from_tracks(store.deserialize_cdr(data, connection.msgtype))
            for _, _, data in self._messages([connection])
        ]

    def robot_speaking(self) -> list[tuple[int, bool]]:
        """When (ns) it was said whether the robot talks, and what; empty if never."""
        connection = self._find(ROBOT_SPEAKING)
        store = messages.typestore()
        return [
            (log_time, store.deserialize_cdr(data, connection.msgtype).data)
            for _, log_time, data in self._messages([connection] if connection else [])
        ]

    @property
    def _image_connection(self) -> Connection:
        connection = self._find(IMAGE) or self._find(COMPRESSED)
        if connection is None:
            raise self._absent(f'{IMAGE[0]} or {COMPRESSED[0]}')
        return connection

    def _find(self, channel: tuple[str, str]) -> Connection | None:
        """Find the connection of a topic, under whatever namespace; None when there is none."""
        topic, msgtype = channel
        found = [
            connection
            for connection in self._reader.connections
            if connection.msgtype == msgtype
            and connection.topic.endswith(topic)
            and connection.msgcount > 0
        ]
        if len(found) > 1:
            names = ', '.join(connection.topic for connection in found)
            raise InputError(
                f'{self.path} holds several topics {topic} ({names}); keep one of them '
                '(ros2 bag convert)'
            )
        return found[0] if found else None

    def _connection(self, channel: tuple[str, str]) -> Connection:
        connection = self._find(channel)
        if connection is None:
            raise self._absent(channel[0])
        return connection

    def _absent(self, topic: str) -> InputError:
        there = ', '.join(sorted(self.topics)) or 'nothing'
        return InputError(f'{self.path} holds no messages on {topic}; it holds {there}')

    def _first(self, channel: tuple[str, str]) -> object:
        connection = self._connection(channel)
        _, _, data = next(self._messages([connection]))
        return messages.typestore().deserialize_cdr(data, connection.msgtype)

    def _static_frames(self) -> dict[tuple[str, str], RigidTransform]:
        connection = self._find(TF_STATIC)
        frames: dict[tuple[str, str], RigidTransform] = {}
        for _, _, data in self._messages([connection] if connection else []):
            message = messages.typestore().deserialize_cdr(data, connection.msgtype)
            frames.update(messages.from_transforms(message))
        return frames

    def _messages(self, connections: list[Connection]) -> Iterator[tuple[Connection, int, bytes]]:
        if not connections:
            return
        read = 0
        try:
            for read, message in enumerate(self._reader.messages(connections), 1):  # noqa: B007
                yield message
        except Exception as error:  # the library lets parsing errors of every kind through
            raise self._broken(error) from error
        # The library passes over a chunk that it cannot make sense of.
        announced = sum(connection.msgcount for connection in connections)
        if read < announced:
            raise self._broken(f'{announced - read} of {announced} messages cannot be read')

    def _broken(self, error: Exception | str) -> InputError:
        reason = ' '.join(str(error).split()) or type(error).__name__
        return InputError(f'{self.path} is not a whole bag, or is damaged: {reason}')


def _latched(connection: Connection) -> bool:
    profiles = connection.ext.offered_qos_profiles
    return any(profile.durability is QosDurability.TRANSIENT_LOCAL for profile in profiles)


def stamp_of_cdr(data: bytes) -> int:
    """Read the stamp of a serialised message that begins with a header."""
    little_endian = data[1] & 1
    seconds, nanoseconds = struct.unpack_from('<iI' if little_endian else '>iI', data, 4)
    return seconds * NANOSECONDS + nanoseconds
