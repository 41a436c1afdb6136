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

"""The geometry of the sensors, put together from what they publish."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import CameraInfo

from av_tracker_msgs.msg import MicrophoneArrayInfo
from av_tracker_nodes.geometry import Camera, Rig
from av_tracker_nodes.geometry.calibration import Mounting, load_mounting, load_room
from av_tracker_nodes.geometry.frame_tree import TF_TIMEOUT
from av_tracker_nodes.geometry.sensor_rig import ArrayDescription, CameraDescription, SensorRig
from av_tracker_nodes.nodes.frames import listen_to_frames
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

    The camera is placed as `SensorRig` does it. What is missing is shown in the diagnostics of
    the node, as an error where it was known and is out of date.

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
        self._info: CameraInfo | None = None
        self._size = (0, 0)
        self._rectified: bool = node.value('rectified')
        self._geometry = self._make_geometry()
        self.target_frame = self._geometry.target_frame
        listen_to_frames(node.subscribe_always, self._geometry.take)
        if node.value('sees'):
            quality = images(node.value('reliable_images'), depth=10)
            node.subscribe(CameraInfo, 'camera_info', self._hear_info, quality, always=True)

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare the frame of the tracks, the senses, and what tells where the camera is."""
        node.parameter('target_frame', 'world', 'Frame in which people are located')
        node.parameter(
            'tf_timeout',
            TF_TIMEOUT,
            'A moving transform is used for this long beyond its last sample (s); later images '
            'get an empty result, and the diagnostics show an error',
            0.0,
            3600.0,
            live=True,
        )
        node.parameter(
            'camera_calibration',
            '',
            'Calibration file; its pose is used if TF never has the frame of the camera',
        )
        node.parameter(
            'rectified',
            False,
            'The images are rectified: their camera is P of camera_info, not K and D',
        )
        for name, sensor in (('sees', 'camera'), ('hears', 'microphones')):
            node.parameter(name, True, f'The fusion model uses the {sensor}; else none is needed')
        declare_reliable_images(node)

    def camera(self, stamp: int | None) -> Camera | None:
        """Return the camera in the target frame at a stamp (ns), None while it is not known.

        The same object is returned as long as nothing changes; a stamp of None asks for where it
        was last.
        """
        self._geometry.tf_timeout = self._node.value('tf_timeout')
        camera = self._geometry.camera(stamp)
        self._show_problems()
        return camera

    @property
    def is_stale(self) -> bool:
        """Whether what tells of the camera was out of date when it was asked for last."""
        return 'camera' in self._geometry.stale

    def is_target(self, frame_id: str, what: str) -> bool:
        """Tell whether something is in the target frame, and show the problem if it is not."""
        if frame_id.lstrip('/') == self.target_frame:
            self._node.problems.pop('frame', None)
            return True
        self._node.problems['frame'] = (
            f"{what} are in '{frame_id}', not in '{self.target_frame}': "
            'set target_frame of all nodes alike'
        )
        return False

    def _make_geometry(self) -> SensorRig:
        node = self._node
        return SensorRig(
            node.value('target_frame'),
            camera_mounting=_mounting(node.value('camera_calibration'), 'camera'),
            sees=node.value('sees'),
            hears=False,
        )

    def _show_problems(self) -> None:
        problems, stale = self._geometry.problems, self._geometry.stale
        for sensor in ('camera', 'array'):
            problem, is_stale = problems.get(sensor), sensor in stale
            self._node.note_outage(sensor, problem if is_stale else None)
            # Before everything has come, there is nothing to log.
            if problem is None or is_stale:
                self._node.problems.pop(sensor, None)
            else:
                self._node.problems[sensor] = problem
        for oddity in ('optical axis', 'transforms'):
            self._node.note(oddity, problems.get(oddity))

    def _hear_info(self, message: CameraInfo) -> None:
        if self._info is None or not _same_calibration(self._info, message):
            camera = from_camera_info(message, rectified=self._rectified)
            self._geometry.take(CameraDescription(camera, message.header.frame_id))
            self._info, self._size = message, camera.size
        if self._on_camera_info is not None:
            self._on_camera_info(stamp_of(message.header), self._size)


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
        # Maps without microphones are nowhere; their markers are those of the camera.
        self.array_frame = '' if node.value('hears') else self.target_frame
        if node.value('hears'):
            node.subscribe_always(
                MicrophoneArrayInfo, 'audio/array_info', self._hear_array, LATCHED, expected=True
            )

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare what tells where the microphones are as well."""
        CameraListener.declare(node)
        node.parameter(
            'array_calibration',
            '',
            'Calibration file; its pose is used if TF never has the frame of the microphones, and '
            'its room bounds the search for sound',
        )

    def rig(self, stamp: int | None) -> Rig | None:
        """Return the geometry at a stamp (ns), None while some of it is missing; see `camera`."""
        self._geometry.tf_timeout = self._node.value('tf_timeout')
        rig = self._geometry.rig(stamp)
        self._show_problems()
        return rig

    def viewpoint(self, stamp: int | None) -> np.ndarray | None:
        """Return where people are taken to look at a stamp (ns), shape (3,), target frame (m).

        That is the camera or, where none is used, the middle of the microphones; None while it is
        not known.
        """
        if self._node.value('sees'):
            camera = self.camera(stamp)
            return None if camera is None else camera.centre
        rig = self.rig(stamp)
        if rig is None or rig.microphones is None:
            return None
        return rig.target_from_array @ rig.microphones.positions.mean(axis=0)

    def _make_geometry(self) -> SensorRig:
        node, path = self._node, self._node.value('array_calibration')
        return SensorRig(
            node.value('target_frame'),
            camera_mounting=_mounting(node.value('camera_calibration'), 'camera'),
            array_mounting=_mounting(path, 'array'),
            room=load_room(path) if path else None,
            sees=node.value('sees'),
            hears=node.value('hears'),
        )

    def _hear_array(self, message: MicrophoneArrayInfo) -> None:
        self.array_frame = message.header.frame_id.lstrip('/')
        self._geometry.take(
            ArrayDescription(from_array_info(message), self.array_frame, room_of(message))
        )


def _mounting(path: str, sensor: str) -> Mounting | None:
    return load_mounting(path, sensor) if path else None


def _same_calibration(first: CameraInfo, second: CameraInfo) -> bool:
    """Tell whether two messages describe the same camera, whatever their stamps."""
    return (
        first.header.frame_id == second.header.frame_id
        and all(
            np.array_equal(getattr(first, name), getattr(second, name))
            for name in ('width', 'height', 'distortion_model', 'k', 'd', 'r', 'p')
        )
        and (first.binning_x, first.binning_y, first.roi)
        == (
            second.binning_x,
            second.binning_y,
            second.roi,
        )
    )
