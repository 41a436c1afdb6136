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

"""Messages of calibrated cameras."""

from __future__ import annotations

from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.camera_checks import LARGEST_SIDE, check_lens
from av_tracker_nodes.geometry.distortion import canonical_distortion
from av_tracker_nodes.geometry.lens import PLUMB_BOB
from av_tracker_nodes.geometry.rotations import nearest_rotation
from av_tracker_nodes.recordings.messages.standard import Make, make, make_header
from av_tracker_nodes.recordings.plausible import check_numbers

_ROTATION = 1e-3
"""How far a matrix may be from a rotation: drivers write few digits."""


def to_camera_info(camera: Camera, stamp: int, frame_id: str, make: Make = make) -> Any:
    """Make a ``sensor_msgs/CameraInfo``; the skew is in ``K[1]``."""
    width, height = camera.size
    return make(
        'sensor_msgs/msg/CameraInfo',
        header=make_header(stamp, frame_id, make),
        height=height,
        width=width,
        distortion_model=camera.model,
        d=np.asarray(camera.distortion, float),
        k=camera.matrix.ravel(),
        r=np.eye(3).ravel(),
        p=np.column_stack([camera.matrix, np.zeros(3)]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=make(
            'sensor_msgs/msg/RegionOfInterest',
            **dict.fromkeys(('x_offset', 'y_offset', 'height', 'width'), 0),
            do_rectify=False,
        ),
    )


def from_camera_info(
    message: object, pose: RigidTransform | None = None, rectified: bool = False
) -> Camera:
    """Read a ``sensor_msgs/CameraInfo``: the camera of the images that come with it (REP 104).

    ``K``, ``P``, width, height and ``roi`` are of the full resolution. Images hold the region of
    interest, binned; as in ``image_geometry`` a pixel `u` of the full resolution is at
    ``(u - x_offset) / binning_x``. Rectified images of a region are cut out alike, whatever
    ``do_rectify`` says. The frame of the message has the axes of the rectified camera, to which
    ``R`` turns those of the raw one, and its origin in the optical centre, whatever the last
    column of ``P`` says.

    Parameters
    ----------
    message : sensor_msgs/CameraInfo
    pose : RigidTransform, optional
        Takes points of the optical frame to the wished frame.
    rectified : bool
        Whether the images are rectified (``image_rect``): they obey ``P``, without distortion.

    The camera of rectified images is P, that of others K and D.

    Raises
    ------
    InputError
        Without a calibration, with an absurd one, or for a lens model that is not supported.
    """
    name = f"camera '{message.header.frame_id}'"
    matrix = _matrix(name, message, rectified)
    offset, size = _region(name, message)
    binning = np.maximum([message.binning_x, message.binning_y], 1)
    if (size < binning).any():
        raise InputError(f'{name} bins more pixels than its images of {_shown(size)} have')
    (fx, cx), (fy, cy) = matrix[0, [0, 2]], matrix[1, [1, 2]]
    focal = np.array([fx, fy]) / binning
    centre = (np.array([cx, cy]) - offset) / binning
    pose = RigidTransform() if pose is None else pose
    model, distortion = PLUMB_BOB, np.zeros(5)
    if not rectified:
        pose = pose @ RigidTransform(_rectification(name, message))
        model, distortion = _distortion(name, message)
    camera = Camera(
        *map(float, focal),
        *map(float, centre),
        tuple((size // binning).tolist()),
        distortion,
        float(matrix[0, 1] / fx),
        pose,
        model,
    )
    check_lens(camera, name)
    return camera


def _matrix(name: str, message: object, rectified: bool) -> np.ndarray:
    """Intrinsic matrix (3, 3) at full resolution."""
    label, matrix = 'K', np.reshape(message.k, (3, 3)).astype(float)
    if rectified:
        label, matrix = 'P', np.reshape(message.p, (3, 4))[:, :3].astype(float)
    check_numbers(name, matrix)
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        remedy = 'take its raw images, or calibrate it' if rectified else 'calibrate it'
        raise InputError(f'{name} is not calibrated: {label} of its camera_info is zero; {remedy}')
    if matrix[1, 0] or matrix[2, 0] or matrix[2, 1] or matrix[2, 2] != 1:
        raise InputError(f'{label} of {name} is no camera matrix [fx, s, cx, 0, fy, cy, 0, 0, 1]')
    return matrix


def _region(name: str, message: object) -> tuple[np.ndarray, np.ndarray]:
    """Offset and size (2,) of the images in pixels of the full resolution."""
    full = np.array([message.width, message.height], int)
    if (full <= 0).any() or (full > LARGEST_SIDE).any():
        raise InputError(f'{name} has images of {_shown(full)} pixels')
    roi = message.roi
    offset = np.array([roi.x_offset, roi.y_offset], int)
    size = np.array([roi.width, roi.height], int)
    if not size.any() and not offset.any():
        return offset, full
    if (size <= 0).any() or (offset + size > full).any():
        raise InputError(
            f'{name} has a region of interest of {_shown(size)} at ({offset[0]}, {offset[1]}), '
            f'which is not within its {_shown(full)} pixels'
        )
    return offset, size


def _rectification(name: str, message: object) -> np.ndarray:
    """``R``, which takes directions of the raw camera to those of its frame; zeros for none."""
    rotation = np.reshape(message.r, (3, 3)).astype(float)
    check_numbers(name, rotation)
    if not rotation.any():
        return np.eye(3)
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > _ROTATION or np.linalg.det(rotation) < 0:
        raise InputError(f'R of {name} is no rotation')
    return nearest_rotation(rotation)


def _distortion(name: str, message: object) -> tuple[str, np.ndarray]:
    check_numbers(name, message.d)
    try:
        return canonical_distortion(message.distortion_model, message.d)
    except InputError as error:
        raise InputError(f'{name}: {error}') from error


def _shown(size: np.ndarray) -> str:
    return f'{size[0]} x {size[1]}'
