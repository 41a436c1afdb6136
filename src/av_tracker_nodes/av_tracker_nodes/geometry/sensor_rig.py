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

"""The rig of a robot at any time, from descriptions of its sensors and TF, without ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry.calibration import Mounting
from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.camera_checks import optical_axis_problem
from av_tracker_nodes.geometry.frame_tree import (
    TF_TIMEOUT,
    FrameTree,
    StaleTransformError,
    StampedTransform,
    Transforms,
    UnconnectedError,
)
from av_tracker_nodes.geometry.microphones import MicrophoneArray
from av_tracker_nodes.geometry.ray_map import same_lens
from av_tracker_nodes.geometry.rig import Rig, Room
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.geometry.uncertainty import RigUncertainty

__all__ = [
    'ArrayDescription',
    'CameraDescription',
    'FixedRig',
    'Geometry',
    'SensorRig',
    'StampedTransform',
    'Transforms',
    'geometry_of',
]

_UNHEARD = {'camera': 'no camera_info yet', 'array': 'no audio/array_info yet'}
_MOST_NAMED = 8
"""Frames among which the text of a problem lets choose."""


@dataclass(frozen=True)
class CameraDescription:
    """The content of ``camera_info``: the camera in its own frame, and the name of the frame."""

    camera: Camera
    frame: str


@dataclass(frozen=True)
class ArrayDescription:
    """The content of ``audio/array_info``: microphones, their frame, and the room if known."""

    microphones: MicrophoneArray
    frame: str
    room: Room | None = None


class FixedRig:
    """Geometry that is known and does not change, asked as a `SensorRig` is.

    Parameters
    ----------
    rig : Rig
    """

    stale: frozenset[str] = frozenset()

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.problems: dict[str, str] = {}

    @property
    def sees(self) -> bool:
        """Whether there is a camera."""
        return self._rig.camera is not None

    @property
    def hears(self) -> bool:
        """Whether there are microphones."""
        return self._rig.microphones is not None

    def take(self, record: Transforms | CameraDescription | ArrayDescription) -> None:
        """Leave what a recording tells of the sensors."""

    def camera(self, stamp: int | None) -> Camera | None:
        """Return the camera."""
        return self._rig.camera

    def rig(self, stamp: int | None) -> Rig:
        """Return the rig."""
        return self._rig


class SensorRig:
    """Places camera and microphones in the target frame at the stamp that is asked for.

    Live nodes feed it with what they hear, the pipeline with what a recording holds, so that both
    place the sensors alike. Each sensor is placed by TF; where TF never tells of its frame, by
    the mounting in its calibration file, whose parent is the target frame or any frame that TF
    connects to it.

    Parameters
    ----------
    target_frame : str
        Frame in which people are located.
    tf_timeout : float
        Seconds for which a moving transform holds beyond its samples.
    camera_mounting, array_mounting : Mounting, optional
        From calibration files.
    room : Room, optional
        Instead of the one that the description of the microphones tells.
    sees, hears : bool
        False for a rig that is to have no camera, or no microphones.

    Attributes
    ----------
    problems : dict of str to str
        Why a sensor had no place at the stamp asked for last, by ``camera`` and ``array``; what
        else is odd, by other names.
    stale : frozenset of str
        Those of the problems that are outages: the place was known, but is out of date.
    """

    def __init__(
        self,
        target_frame: str = 'world',
        tf_timeout: float = TF_TIMEOUT,
        camera_mounting: Mounting | None = None,
        array_mounting: Mounting | None = None,
        room: Room | None = None,
        *,
        sees: bool = True,
        hears: bool = True,
    ) -> None:
        self.target_frame = target_frame.lstrip('/')
        self.tf_timeout = tf_timeout
        self.sees, self.hears = sees, hears
        self.problems: dict[str, str] = {}
        self.stale: frozenset[str] = frozenset()
        self._mountings = {'camera': camera_mounting, 'array': array_mounting}
        self._uncertainty = RigUncertainty()
        for mounting in filter(None, self._mountings.values()):
            self._uncertainty = self._uncertainty.worst(mounting.uncertainty)
        self._room = room
        self._frames = FrameTree()
        self._frame_of: dict[str, str] = {}
        self._unplaced: Camera | None = None
        self._camera: Camera | None = None
        self._described: ArrayDescription | None = None
        self._rig: Rig | None = None

    def take(self, record: Transforms | CameraDescription | ArrayDescription) -> None:
        """Take in a message of TF, a camera_info, or an array_info."""
        if isinstance(record, Transforms):
            self._frames.take(record)
            if record.rejected:
                self.problems['transforms'] = record.rejected[0]
            return
        if isinstance(record, CameraDescription):
            if self._unplaced is None or not _same_camera(self._unplaced, record.camera):
                self._unplaced, self._camera = record.camera, None
            sensor = 'camera'
        else:
            self._described, self._rig = record, None
            sensor = 'array'
        self._name_frame(sensor, record.frame.lstrip('/'))

    def camera(self, stamp: int | None) -> Camera | None:
        """Return the camera in the target frame, None while it is not known or there is none.

        The same object is returned as long as nothing changes.

        Parameters
        ----------
        stamp : int or None
            Nanoseconds; None for wherever it was last.
        """
        if not self.sees:
            return None
        pose = self._place('camera', stamp)
        if pose is None:
            self._camera = None
        elif self._camera is None or not _same_pose(self._camera.pose, pose @ self._unplaced.pose):
            self._camera = self._unplaced.in_frame(pose)
            self._note('optical axis', self._axis_problem())
        return self._camera

    def rig(self, stamp: int | None) -> Rig | None:
        """Return the geometry at a stamp (ns), None while some of it is missing; see `camera`."""
        camera = self.camera(stamp)
        array = self._place('array', stamp) if self.hears else RigidTransform()
        if array is None or (camera is None and self.sees):
            return None
        known = self._rig
        if (
            known is None
            or known.camera is not camera
            or not _same_pose(known.target_from_array, array)
        ):
            told = self._described if self.hears else None
            room = self._room or (told and told.room)
            self._rig = Rig(camera, told and told.microphones, array, room, self._uncertainty)
        return self._rig

    def missing(self) -> str | None:
        """Say what is missing so far to place the sensors.

        Transforms count whatever their time: this is asked of a recording before it is tracked.
        """
        wanted = [name for name, is_used in self._senses if is_used]
        lost = [sensor for sensor in wanted if self._is_unconnected(sensor)]
        if len(lost) == len(_UNHEARD) and self._candidates(self._frame_of[lost[0]]):
            return self._why_unconnected(*lost)
        texts = [
            self._why_unconnected(sensor) if sensor in lost else _UNHEARD[sensor]
            for sensor in wanted
            if sensor in lost or sensor not in self._frame_of
        ]
        return '; '.join(texts) or None

    @property
    def _senses(self) -> tuple[tuple[str, bool], ...]:
        return ('camera', self.sees), ('array', self.hears)

    def _is_unconnected(self, sensor: str) -> bool:
        frame = self._frame_of.get(sensor)
        return frame is not None and not self._frames.connects(self.target_frame, frame)

    def _name_frame(self, sensor: str, told: str) -> None:
        """Note the frame of a sensor; where the driver names none, the file does."""
        mounting = self._mountings[sensor]
        is_mounted = mounting is not None and mounting.parent is not None
        frame = told or (is_mounted and (mounting.frame or sensor)) or ''
        if self._frame_of.get(sensor) == frame:
            return
        self._frame_of[sensor] = frame
        if is_mounted:
            self._frames.mount(mounting.parent, frame, mounting.pose)

    def _place(self, sensor: str, stamp: int | None) -> RigidTransform | None:
        """Return ``target_from_sensor``; where that is not known, note why."""
        pose, problem, is_stale = None, None, False
        if sensor not in self._frame_of:
            problem = _UNHEARD[sensor]
        else:
            try:
                pose = self._frames.look_up(
                    self.target_frame, self._frame_of[sensor], stamp, self.tf_timeout
                )
            except UnconnectedError:
                problem = self._why_unconnected(sensor)
            except StaleTransformError as error:
                problem, is_stale = str(error), True
        self._note(sensor, problem)
        self.stale = self.stale | {sensor} if is_stale else self.stale - {sensor}
        return pose

    def _why_unconnected(self, sensor: str, *others: str) -> str:
        """Tell which transform is missing, of others for the same reason, and what can be done."""
        frame = self._frame_of[sensor]
        if not frame:
            return f'frame_id of the {sensor} is empty: set it, or name {sensor}_calibration'
        named = ' and '.join(f"'{self._frame_of[each]}'" for each in (sensor, *others))
        missing = (
            f"no transform from {named} to '{self.target_frame}'; "
            f'TF has {self._frames.listing(frame)}'
        )
        mounting = self._mountings[sensor]
        if mounting is not None and mounting.parent is not None and self._frames.tells(frame):
            missing += f', so that {sensor}_calibration does not count'
        candidates = self._candidates(frame)
        if candidates:
            return f'{missing}; choose target_frame among {", ".join(candidates)}'
        return f"{missing}; publish where '{frame}' is, or name {sensor}_calibration with its pose"

    def _candidates(self, frame: str) -> list[str]:
        """Frames to which a sensor and the other one are connected, those farthest up first."""
        known = [each for each in {frame, *self._frame_of.values()} if self._frames.knows(each)]
        lines = [self._frames.ancestors(each) for each in known]
        common = [
            each for each in self._frames.ancestors(frame) if all(each in line for line in lines)
        ]
        return common[:_MOST_NAMED] if frame in known else []

    def _axis_problem(self) -> str | None:
        frame = self._frame_of['camera']
        # In a frame of a camera, z does not point up.
        if self.target_frame == frame or self.target_frame.endswith(('optical', 'optical_frame')):
            return None
        return optical_axis_problem(self._camera, frame)

    def _note(self, concern: str, problem: str | None) -> None:
        if problem is None:
            self.problems.pop(concern, None)
        else:
            self.problems[concern] = problem


Geometry = FixedRig | SensorRig


def geometry_of(rig: Rig | SensorRig) -> Geometry:
    """Return a source of the rig at any stamp, also for a rig that is fixed."""
    return rig if isinstance(rig, SensorRig) else FixedRig(rig)


def _same_pose(first: RigidTransform, second: RigidTransform) -> bool:
    return np.array_equal(first.rotation, second.rotation) and np.array_equal(
        first.translation, second.translation
    )


def _same_camera(first: Camera, second: Camera) -> bool:
    """Tell whether two cameras are alike, lens and pose."""
    return same_lens(first, second) and _same_pose(first.pose, second.pose)
