# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""rosbag2 bags (MCAP) written and read without ROS.

A bag logs an image at its stamp and a block of sound at the time of its last sample, so a replay
in bag order never shows a listener the future.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, Rig, RigidTransform, Room
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.types import (
    NANOSECONDS,
    AudioBlock,
    ImageFrame,
    TrackFrame,
)

WORLD_FRAME = 'world'
CAMERA_FRAME = 'camera_optical'
ARRAY_FRAME = 'mic_array'
JPEG_QUALITY = 95

_AUDIO = '/audio', 'av_tracker_msgs/msg/AudioBlock'
_ARRAY_INFO = '/audio/array_info', 'av_tracker_msgs/msg/MicrophoneArrayInfo'
_IMAGE = '/image_raw', 'sensor_msgs/msg/Image'
_COMPRESSED = '/image_raw/compressed', 'sensor_msgs/msg/CompressedImage'
_CAMERA_INFO = '/camera_info', 'sensor_msgs/msg/CameraInfo'
_TF_STATIC = '/tf_static', 'tf2_msgs/msg/TFMessage'
_GROUND_TRUTH = '/ground_truth', 'av_tracker_msgs/msg/SpeakerTrackArray'
_ROBOT_SPEAKING = '/robot_speaking', 'std_msgs/msg/Bool'

_DEPTH = 10
_AUDIO_DEPTH = 200
_UNLIMITED = QosTime(0, 0)


class RawMessage(NamedTuple):
    """A message as the bag holds it; `latched` asks for a transient-local publisher."""

    topic: str
    type: str
    log_time: int
    data: bytes
    latched: bool


def _qos(latched: bool, depth: int) -> Qos:
    durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
    return Qos(
        QosHistory.KEEP_LAST,
        depth,
        QosReliability.RELIABLE,
        durability,
        _UNLIMITED,
        _UNLIMITED,
        QosLiveliness.AUTOMATIC,
        _UNLIMITED,
        False,
    )


class BagWriter:
    """Writes a bag that appears under its name only when it is whole.

    Until :meth:`close` the bag lies in a hidden directory beside `path`; leaving a ``with`` block
    by an exception removes it.

    Parameters
    ----------
    path : str or Path
        Directory to make.
    overwrite : bool
        Replace a bag that is there already.

    Raises
    ------
    InputError
        When `path` exists already, or cannot be written; later too, when the disk is full.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        if self.path.exists() and not overwrite:
            raise InputError(f'{self.path} exists already; remove it or choose another name')
        self._partial = self.path.parent / f'.{self.path.name}.partial-{os.getpid()}'
        shutil.rmtree(self._partial, ignore_errors=True)
        try:
            self._partial.mkdir(parents=True)
        except OSError as error:
            raise InputError(f'cannot write {self.path}: {error.strerror}') from error
        self._writer = Writer(
            self._partial / self.path.name, version=9, storage_plugin=StoragePlugin.MCAP
        )
        self._writer.open()
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> BagWriter:
        """Return the writer itself."""
        return self

    def __exit__(self, kind: type | None, value: object, traceback: object) -> None:
        """Close the bag, or drop it after an exception."""
        if kind is None:
            self.close()
        else:
            self.abort()

    def write_rig(self, rig: Rig, stamp: int) -> None:
        """Write what holds for the whole bag: microphones and static frames (latched).

        Parameters
        ----------
        rig : Rig
            Its target frame is ``world``.
        stamp : int
            Time of the beginning of the bag (ns).
        """
        info = messages.to_array_info(rig.microphones, stamp, ARRAY_FRAME, rig.room)
        frames = {CAMERA_FRAME: rig.camera.pose, ARRAY_FRAME: rig.target_from_array}
        self._write(_ARRAY_INFO, info, stamp)
        self._write(_TF_STATIC, messages.to_transforms(WORLD_FRAME, frames, stamp), stamp)

    def write_audio(self, block: AudioBlock) -> None:
        """Write a block of sound at the time of its last sample."""
        last = block.stamp + (len(block.samples) - 1) * NANOSECONDS // block.rate
        self._write(_AUDIO, messages.to_audio(block, ARRAY_FRAME), last)

    def write_image(self, frame: ImageFrame, camera: Camera, *, compressed: bool = True) -> None:
        """Write an image, as JPEG unless told otherwise, and its calibration at its stamp."""
        info = messages.to_camera_info(camera, frame.stamp, CAMERA_FRAME)
        self._write(_CAMERA_INFO, info, frame.stamp)
        if compressed:
            image = messages.to_compressed_image(frame, CAMERA_FRAME, JPEG_QUALITY)
            self._write(_COMPRESSED, image, frame.stamp)
        else:
            self._write(_IMAGE, messages.to_image(frame, CAMERA_FRAME), frame.stamp)

    def write_ground_truth(self, frame: TrackFrame) -> None:
        """Write where everybody truly is, in ``world``."""
        self._write(_GROUND_TRUTH, messages.to_tracks(frame, WORLD_FRAME), frame.stamp)

    def write_robot_speaking(self, talks: bool, stamp: int) -> None:
        """Write that the robot talks, or does not, from a stamp (ns) on."""
        self._write(_ROBOT_SPEAKING, messages.to_bool(talks), stamp)

    def write_raw(
        self, topic: str, msgtype: str, log_time: int, data: bytes, *, latched: bool = False
    ) -> None:
        """Write a serialised message (CDR) as it came."""
        if topic not in self._connections:
            depth = 1 if latched else _AUDIO_DEPTH if topic.endswith(_AUDIO[0]) else _DEPTH
            self._connections[topic] = self._writer.add_connection(
                topic,
                msgtype,
                typestore=messages.typestore(),
                offered_qos_profiles=[_qos(latched, depth)],
            )
        try:
            self._writer.write(self._connections[topic], log_time, data)
        except OSError as error:
            raise self._unwritable(error) from error

    def _write(self, channel: tuple[str, str], message: object, log_time: int) -> None:
        topic, msgtype = channel
        data = messages.typestore().serialize_cdr(message, msgtype)
        latched = channel in (_ARRAY_INFO, _TF_STATIC)
        self.write_raw(topic, msgtype, log_time, bytes(data), latched=latched)

    def close(self) -> None:
        """Finish the bag and give it its name.

        Raises
        ------
        InputError
            When the disk is full: what was written stays where it says.
        """
        try:
            self._writer.close()
        except OSError as error:
            raise self._unwritable(error) from error
        if self.path.exists():
            shutil.rmtree(self.path)
        self._writer.path.rename(self.path)
        self._partial.rmdir()

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f'cannot write {self.path}: {error.strerror}; what was written until then is in '
            f'{self._writer.path}, for `mcap recover`'
        )

    def abort(self) -> None:
        """Drop what was written."""
        self._writer.abort()
        shutil.rmtree(self._partial, ignore_errors=True)


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
        return self._image_connection.msgtype == _COMPRESSED[1]

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
        audio, image = self._connection(_AUDIO), self._image_connection
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
        for connection, _, data in self._messages([self._connection(_AUDIO)]):
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
        array_info = self._first(_ARRAY_INFO)
        camera_info = self._first(_CAMERA_INFO)
        tree = self._static_frames()
        pose = self._look_up(tree, target_frame, camera_info.header.frame_id)
        target_from_array = self._look_up(tree, target_frame, array_info.header.frame_id)
        return Rig(
            messages.from_camera_info(camera_info, pose),
            messages.from_array_info(array_info),
            target_from_array,
            room or messages.room_of(array_info),
        )

    def ground_truth(self) -> list[TrackFrame]:
        """Where everybody truly was, one frame an image; empty when the bag does not tell."""
        connection = self._find(_GROUND_TRUTH)
        if connection is None:
            return []
        store = messages.typestore()
        return [
            messages.from_tracks(store.deserialize_cdr(data, connection.msgtype))
            for _, _, data in self._messages([connection])
        ]

    def robot_speaking(self) -> list[tuple[int, bool]]:
        """When (ns) it was said whether the robot talks, and what; empty if never."""
        connection = self._find(_ROBOT_SPEAKING)
        store = messages.typestore()
        return [
            (log_time, store.deserialize_cdr(data, connection.msgtype).data)
            for _, log_time, data in self._messages([connection] if connection else [])
        ]

    @property
    def _image_connection(self) -> Connection:
        connection = self._find(_IMAGE) or self._find(_COMPRESSED)
        if connection is None:
            raise self._absent(f'{_IMAGE[0]} or {_COMPRESSED[0]}')
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
        connection = self._find(_TF_STATIC)
        frames: dict[tuple[str, str], RigidTransform] = {}
        for _, _, data in self._messages([connection] if connection else []):
            message = messages.typestore().deserialize_cdr(data, connection.msgtype)
            frames.update(messages.from_transforms(message))
        return frames

    def _look_up(
        self, tree: dict[tuple[str, str], RigidTransform], target: str, source: str
    ) -> RigidTransform:
        """Chain static transforms to ``target_from_source``."""
        source = source.lstrip('/')
        known = {target: RigidTransform()}
        fresh = [target]
        while fresh:
            here = fresh.pop()
            for (parent, child), parent_from_child in tree.items():
                for near, far, step in (
                    (parent, child, parent_from_child),
                    (child, parent, parent_from_child.inverse),
                ):
                    if near == here and far not in known:
                        known[far] = known[here] @ step
                        fresh.append(far)
        if source not in known:
            edges = ', '.join(f'{parent} -> {child}' for parent, child in tree) or 'nothing'
            raise InputError(
                f"/tf_static of {self.path} does not connect '{source}' to '{target}'; "
                f'it holds {edges}'
            )
        return known[source]

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
