# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The geometry of the sensors, put together from what they publish."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import CameraInfo

from av_tracker_msgs.msg import MicrophoneArrayInfo
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import Mounting, load_mounting, load_room
from av_tracker_nodes.nodes.frames import FrameListener
from av_tracker_nodes.nodes.image_input import declare_reliable_images
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import LATCHED, images
from av_tracker_nodes.recordings.messages import (
    from_array_info,
    from_camera_info,
    room_of,
    stamp_of,
)


class CameraListener:
    """Listens to ``camera_info`` and the transforms.

    Where the transforms do not connect a sensor to the target frame, the pose in its calibration
    file stands in. What is missing is shown in the diagnostics of the node.

    Parameters
    ----------
    node : StageNode
        Has the parameters that :meth:`declare` gave it.
    on_camera_info : callable, optional
        Called with the stamp (ns) and size (width, height) of every camera_info, which is that of
        an image.
    """

    def __init__(
        self,
        node: StageNode,
        on_camera_info: Callable[[int, tuple[int, int]], None] | None = None,
    ) -> None:
        self._node = node
        self._on_camera_info = on_camera_info
        self._frames = FrameListener(node.learn)
        self._info: CameraInfo | None = None
        self._unplaced: Camera | None = None
        self._camera: Camera | None = None
        self.target_frame: str = node.value('target_frame')
        self._camera_mounting = _mounting(node.value('camera_calibration'))
        if node.value('sees'):
            quality = images(node.value('reliable_images'), depth=10)
            node.listen(CameraInfo, 'camera_info', self._hear_info, quality, always=True)

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare the frame of the tracks, the senses, and what tells where the camera is."""
        node.parameter('target_frame', 'world', 'Frame in which people are located')
        node.parameter(
            'camera_calibration',
            '',
            'Calibration file whose pose is taken where TF does not know the camera',
        )
        for name, sensor in (('sees', 'camera'), ('hears', 'microphones')):
            node.parameter(name, True, f'The fusion model uses the {sensor}; else none is needed')
        declare_reliable_images(node)

    def camera(self, stamp: int) -> Camera | None:
        """Return the camera in the target frame at a stamp (ns), None while it is not known.

        The same object is returned as long as nothing changes.
        """
        if not self._node.value('sees'):
            return None
        if self._unplaced is None:
            self._camera = None
            self._node.problems['camera'] = 'no camera_info yet'
            return None
        pose = self._pose('camera', self._info.header.frame_id, self._camera_mounting, stamp)
        if pose is None:
            self._camera = None
        elif self._camera is None or not _same_pose(self._camera.pose, pose):
            self._camera = self._unplaced.in_frame(pose)
        return self._camera

    def is_target(self, frame_id: str, what: str) -> bool:
        """Tell whether something is in the target frame, and show the problem if it is not."""
        if frame_id == self.target_frame:
            self._node.problems.pop('frame', None)
            return True
        self._node.problems['frame'] = (
            f"{what} are in '{frame_id}', not in '{self.target_frame}': "
            'set target_frame of all nodes alike'
        )
        return False

    def _pose(
        self, sensor: str, frame: str, mounting: Mounting | None, stamp: int
    ) -> RigidTransform | None:
        frame = frame.lstrip('/')
        pose = self._frames.look_up(self.target_frame, frame, stamp)
        if pose is None and mounting is not None and mounting.parent == self.target_frame:
            pose = mounting.pose
        if pose is None:
            self._node.problems[sensor] = f"no transform from '{frame}' to '{self.target_frame}'"
        else:
            self._node.problems.pop(sensor, None)
        return pose

    def _hear_info(self, message: CameraInfo) -> None:
        if self._info is None or not _same_calibration(self._info, message):
            self._unplaced, self._info = from_camera_info(message), message
            self._camera = None
        if self._on_camera_info is not None:
            self._on_camera_info(stamp_of(message.header), (message.width, message.height))


class RigListener(CameraListener):
    """Listens to the microphones' ``audio/array_info`` as well.

    Parameters
    ----------
    node : StageNode
    on_camera_info : callable, optional
    """

    def __init__(
        self,
        node: StageNode,
        on_camera_info: Callable[[int, tuple[int, int]], None] | None = None,
    ) -> None:
        super().__init__(node, on_camera_info)
        self._microphones: MicrophoneArray | None = None
        self._rig: Rig | None = None
        # Maps without microphones are nowhere; their markers are those of the camera.
        self.array_frame = '' if node.value('hears') else self.target_frame
        path = node.value('array_calibration')
        self._array_mounting = _mounting(path)
        self._room = load_room(path) if path else None
        self._told_room: Room | None = None
        if node.value('hears'):
            node.learn(
                MicrophoneArrayInfo, 'audio/array_info', self._hear_array, LATCHED, expected=True
            )

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare what tells where the microphones are as well."""
        CameraListener.declare(node)
        node.parameter(
            'array_calibration',
            '',
            'Calibration file whose pose is taken where TF does not know the microphones, and '
            'whose room bounds where sound is looked for',
        )

    def rig(self, stamp: int) -> Rig | None:
        """Return the geometry at a stamp (ns), None while some of it is missing.

        The same object is returned as long as nothing changes.
        """
        camera, array = self.camera(stamp), self._array_pose(stamp)
        if array is None or (camera is None and self._node.value('sees')):
            return None
        known = self._rig
        if (
            known is None
            or known.camera is not camera
            or known.microphones is not self._microphones
            or not _same_pose(known.target_from_array, array)
        ):
            self._rig = Rig(camera, self._microphones, array, self._room or self._told_room)
        return self._rig

    def _array_pose(self, stamp: int) -> RigidTransform | None:
        if not self._node.value('hears'):
            return RigidTransform()
        if self._microphones is None:
            self._node.problems['array'] = 'no audio/array_info yet'
            return None
        return self._pose('array', self.array_frame, self._array_mounting, stamp)

    def _hear_array(self, message: MicrophoneArrayInfo) -> None:
        self._microphones = from_array_info(message)
        self._told_room = room_of(message)
        self.array_frame = message.header.frame_id.lstrip('/')


def _mounting(path: str) -> Mounting | None:
    return load_mounting(path) if path else None


def _same_pose(first: RigidTransform, second: RigidTransform) -> bool:
    return np.array_equal(first.rotation, second.rotation) and np.array_equal(
        first.translation, second.translation
    )


def _same_calibration(first: CameraInfo, second: CameraInfo) -> bool:
    return (
        first.header.frame_id == second.header.frame_id
        and (first.width, first.height) == (second.width, second.height)
        and first.distortion_model == second.distortion_model
        and np.array_equal(first.k, second.k)
        and np.array_equal(first.d, second.d)
    )
