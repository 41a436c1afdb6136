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

"""Writer of bags."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, Rig, RigidTransform
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag.channels import (
    ARRAY_FRAME,
    ARRAY_INFO,
    AUDIO,
    CAMERA_FRAME,
    CAMERA_INFO,
    COMPRESSED,
    GROUND_TRUTH,
    IMAGE,
    ROBOT_SPEAKING,
    TF,
    TF_STATIC,
    WORLD_FRAME,
)
from av_tracker_nodes.recordings.messages.images import to_compressed_image, to_image
from av_tracker_nodes.types import AudioBlock, ImageFrame, TrackFrame

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, Qos

JPEG_QUALITY = 95

_DEPTH = 10
_AUDIO_DEPTH = 200


@dataclass(frozen=True)
class BagFrames:
    """Names of the frames of people, camera and microphones."""

    world: str = WORLD_FRAME
    camera: str = CAMERA_FRAME
    array: str = ARRAY_FRAME


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
    frames : BagFrames, optional

    Raises
    ------
    InputError
        When `path` exists already, or cannot be written; later too, when the disk is full; or
        when rosbags is not installed.
    """

    def __init__(
        self, path: str | Path, *, overwrite: bool = False, frames: BagFrames | None = None
    ) -> None:
        messages.require_rosbags()
        from rosbags.rosbag2 import StoragePlugin

        from av_tracker_nodes.recordings.bag.mcap_writer import McapBagWriter

        self.path, self._frames = Path(path), frames or BagFrames()
        if self.path.exists() and not overwrite:
            raise InputError(f'{self.path} exists already; remove it or choose another name')
        self._partial = self.path.parent / f'.{self.path.name}.partial-{os.getpid()}'
        shutil.rmtree(self._partial, ignore_errors=True)
        try:
            self._partial.mkdir(parents=True)
        except OSError as error:
            raise InputError(f'cannot write {self.path}: {error.strerror}') from error
        self._writer = McapBagWriter(
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

    def write_rig(self, rig: Rig, stamp: int, parent: str | None = None) -> None:
        """Write what holds for the whole bag: microphones and static frames (latched).

        Parameters
        ----------
        rig : Rig
            Its target frame is `parent`; sensors that it lacks are left out.
        stamp : int
            Time of the beginning of the bag (ns).
        parent : str, optional
            Frame that the sensors are fixed to; that of people where left out.
        """
        names = self._frames
        frames = {}
        if rig.camera is not None:
            frames[names.camera] = rig.camera.pose
        if rig.microphones is not None:
            frames[names.array] = rig.target_from_array
            info = messages.to_array_info(rig.microphones, stamp, names.array, rig.room)
            self._write(ARRAY_INFO, info, stamp)
        self._write(TF_STATIC, messages.to_transforms(parent or names.world, frames, stamp), stamp)

    def write_moving_frame(self, child: str, world_from_child: RigidTransform, stamp: int) -> None:
        """Write where a frame is at a stamp (ns)."""
        message = messages.to_transforms(self._frames.world, {child: world_from_child}, stamp)
        self._write(TF, message, stamp)

    def write_audio(self, block: AudioBlock) -> None:
        """Write a block of sound at the time of its last sample."""
        self._write(AUDIO, messages.to_audio(block, self._frames.array), block.last_stamp)

    def write_image(self, frame: ImageFrame, camera: Camera, *, compressed: bool = True) -> None:
        """Write an image, as JPEG unless told otherwise, and its calibration at its stamp."""
        info = messages.to_camera_info(camera, frame.stamp, self._frames.camera)
        self._write(CAMERA_INFO, info, frame.stamp)
        if compressed:
            image = to_compressed_image(frame, self._frames.camera, JPEG_QUALITY)
            self._write(COMPRESSED, image, frame.stamp)
        else:
            self._write(IMAGE, to_image(frame, self._frames.camera), frame.stamp)

    def write_ground_truth(self, frame: TrackFrame) -> None:
        """Write where everybody truly is, in the frame of people."""
        self._write(GROUND_TRUTH, messages.to_tracks(frame, self._frames.world), frame.stamp)

    def write_robot_speaking(self, talks: bool, stamp: int) -> None:
        """Write that the robot talks, or does not, from a stamp (ns) on."""
        self._write(ROBOT_SPEAKING, messages.to_bool(talks), stamp)

    def write_raw(
        self, topic: str, msgtype: str, log_time: int, data: bytes, *, latched: bool = False
    ) -> None:
        """Write a serialised message (CDR) as it came."""
        if topic not in self._connections:
            depth = 1 if latched else _AUDIO_DEPTH if topic.endswith(AUDIO[0]) else _DEPTH
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
        latched = channel in (ARRAY_INFO, TF_STATIC)
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


def _qos(latched: bool, depth: int) -> Qos:
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    unlimited = QosTime(0, 0)
    durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
    return Qos(
        QosHistory.KEEP_LAST,
        depth,
        QosReliability.RELIABLE,
        durability,
        unlimited,
        unlimited,
        QosLiveliness.AUTOMATIC,
        unlimited,
        False,
    )
