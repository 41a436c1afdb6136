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

"""Geometry that a bag tells, and files that stand in for what it does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Rig, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import (
    Mounting,
    load_camera,
    load_microphones,
    load_mounting,
    load_room,
)
from av_tracker_nodes.geometry.camera_checks import check_image_size
from av_tracker_nodes.geometry.sensor_rig import (
    ArrayDescription,
    CameraDescription,
    SensorRig,
    Transforms,
)
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag.bag_file import RawMessage
from av_tracker_nodes.recordings.bag.channels import ARRAY_FRAME, CAMERA_FRAME
from av_tracker_nodes.recordings.bag.sensor_bag import SensorBag
from av_tracker_nodes.recordings.messages.images import from_image

Description = Transforms | CameraDescription | ArrayDescription

_NEEDS_ARRAY = (
    '--array-calibration or --rig can describe the microphones; --fusion-model visual needs none'
)
_NEEDS_CAMERA = '--camera-calibration or --rig can describe the camera'


class BagGeometry:
    """What a bag, and the files of its sources, tell about the sensors.

    Parameters
    ----------
    bag : SensorBag
    """

    def __init__(self, bag: SensorBag) -> None:
        self._bag = bag
        self._sources = bag.sources

    def sensors(self, sees: bool = True, hears: bool = True) -> SensorRig:
        """Return the geometry as it is told at the beginning; see `BagReader.sensors`."""
        rig = self._informed(sees, hears)
        if rig.missing() is None:
            return rig
        # Frames that move connect the rest. Whether they ever do is found out at once.
        whole = self._informed(sees, hears)
        for message in self._bag.messages(*self._bag.found.moving_frames):
            for transforms in self.moving_frames(message):
                whole.take(transforms)
            if whole.missing() is None:
                return rig
        raise InputError(f'{self._bag.path}: {whole.missing()}')

    def rig(self, target_frame: str | None, room: Room | None) -> Rig:
        """Return the geometry at the first image; see `BagReader.rig`."""
        if target_frame is not None:
            self._sources = replace(self._sources, target_frame=target_frame)
        sensors = self.sensors()
        stamp = self._bag.image_stamps[0]
        found = sensors.rig(stamp)
        for message in self._bag.messages(*self._bag.found.moving_frames):
            if found is not None:
                break
            for transforms in self.moving_frames(message):
                sensors.take(transforms)
            found = sensors.rig(stamp)
        if found is None:
            raise InputError(f'{self._bag.path}: {"; ".join(sensors.problems.values())}')
        return found if room is None else replace(found, room=room)

    def array(self) -> ArrayDescription | None:
        """Return the microphones as the bag describes them, or the file; None for neither."""
        for message in self._bag.messages(self._bag.found.array_info):
            info = self._bag.decode(message)
            frame = info.header.frame_id.lstrip('/')
            return ArrayDescription(messages.from_array_info(info), frame, messages.room_of(info))
        file = self._sources.array_calibration
        if file is None:
            return None
        frame = load_mounting(file, 'array').frame or ARRAY_FRAME
        return ArrayDescription(load_microphones(file), frame, load_room(file))

    def camera(self) -> CameraDescription | None:
        """Return the camera as the bag first describes it, or the file; None for neither.

        Raises
        ------
        InputError
            The bag describes none that can be used, and there is no file.
        """
        file = self._sources.camera_calibration
        try:
            for message in self._bag.messages(self._bag.found.camera_info):
                return next(self.camera_infos(message))
        except InputError:
            if file is None:
                raise
        if file is None:
            return None
        frame = load_mounting(file, 'camera').frame or CAMERA_FRAME
        camera = replace(load_camera(file), pose=RigidTransform())
        return CameraDescription(camera, self._image_frame() or frame)

    def camera_infos(self, message: RawMessage) -> Iterator[CameraDescription]:
        """Read a camera_info."""
        info = self._bag.decode(message)
        camera = messages.from_camera_info(info, rectified=self._bag.found.is_rectified)
        yield CameraDescription(camera, info.header.frame_id.lstrip('/'))

    def moving_frames(self, message: RawMessage) -> Iterator[Transforms]:
        """Read a message of ``/tf``."""
        yield messages.stamped_transforms(self._bag.decode(message), is_static=False)

    def check_images(self) -> None:
        """Compare the first image that can be read with the calibration of its camera.

        Raises
        ------
        InputError
            Its size is another one.
        """
        camera = self.camera()
        if camera is None:
            return
        for message in self._bag.messages(self._bag.require('image')):
            try:
                image = from_image(self._bag.decode(message)).image
            except InputError:
                continue
            size = image.shape[1], image.shape[0]
            check_image_size(camera.camera, size, f'{self._bag.path}, {message.topic}')
            return

    def _informed(self, sees: bool, hears: bool) -> SensorRig:
        """Return a rig that knows what holds for the whole bag."""
        sources = self._sources
        rig = SensorRig(
            sources.target_frame,
            sources.tf_timeout,
            _mounting(sources.camera_calibration, 'camera'),
            _mounting(sources.array_calibration, 'array'),
            _room(sources.array_calibration),
            sees=sees,
            hears=hears,
        )
        for description in chain(self._static_frames(), self._described(sees, hears)):
            rig.take(description)
        return rig

    def _static_frames(self) -> Iterator[Transforms]:
        for message in self._bag.messages(*self._bag.found.static_frames):
            yield messages.stamped_transforms(self._bag.decode(message), is_static=True)

    def _described(self, sees: bool, hears: bool) -> Iterator[Description]:
        if sees:
            yield self.camera() or self._absent('camera_info', _NEEDS_CAMERA)
        if hears:
            yield self.array() or self._absent('array_info', _NEEDS_ARRAY)

    def _absent(self, role: str, hint: str) -> Description:
        self._bag.require(role, hint)
        raise InputError(f'{self._bag.path} holds no {role} that can be used ({hint})')

    def _image_frame(self) -> str:
        for message in self._bag.messages(self._bag.found.image):
            return self._bag.decode(message).header.frame_id.lstrip('/')
        return ''


def _mounting(path: Path | None, sensor: str) -> Mounting | None:
    return None if path is None else load_mounting(path, sensor)


def _room(path: Path | None) -> Room | None:
    return None if path is None else load_room(path)
