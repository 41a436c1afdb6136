# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Messages of calibrated cameras."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.recordings.messages.standard import make, make_header
from av_tracker_nodes.recordings.plausible import check_numbers

_DISTORTION_TERMS = 5
_LARGEST_SIDE = 16_384
"""Of images (pixels)."""


def to_camera_info(camera: Camera, stamp: int, frame_id: str) -> object:
    """Make a ``sensor_msgs/CameraInfo``; the skew is in ``K[1]``."""
    width, height = camera.size
    return make(
        'sensor_msgs/msg/CameraInfo',
        header=make_header(stamp, frame_id),
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=np.asarray(camera.distortion, float),
        k=camera.matrix.ravel(),
        r=np.eye(3).ravel(),
        p=np.column_stack([camera.matrix, np.zeros(3)]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=make(
            'sensor_msgs/msg/RegionOfInterest',
            x_offset=0,
            y_offset=0,
            height=0,
            width=0,
            do_rectify=False,
        ),
    )


def from_camera_info(
    message: object, pose: RigidTransform | None = None, rectified: bool = False
) -> Camera:
    """Read a ``sensor_msgs/CameraInfo``; `pose` takes optical points to the wished frame.

    The camera of rectified images is P, that of others K and D.

    Raises
    ------
    InputError
        Without a calibration, with an absurd one, or for another distortion model than plumb_bob.
    """
    matrix = np.asarray(message.k, float).reshape(3, 3)
    terms = np.asarray(message.d, float)
    if rectified:
        matrix, terms = np.asarray(message.p, float).reshape(3, 4)[:, :3], np.zeros(0)
    name = f"camera '{message.header.frame_id}'"
    check_numbers(name, matrix, terms)
    if not (0 < message.width <= _LARGEST_SIDE and 0 < message.height <= _LARGEST_SIDE):
        raise InputError(f'{name} has images of {message.width} x {message.height} pixels')
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise InputError(f'{name} is not calibrated: K of its camera_info is zero')
    if np.any(terms[_DISTORTION_TERMS:]) or message.distortion_model not in ('plumb_bob', ''):
        raise InputError(
            f"distortion model '{message.distortion_model}' of {name} is not supported; "
            'calibrate it as plumb_bob'
        )
    distortion = np.zeros(_DISTORTION_TERMS)
    distortion[: min(terms.size, _DISTORTION_TERMS)] = terms[:_DISTORTION_TERMS]
    return Camera(
        matrix[0, 0],
        matrix[1, 1],
        matrix[0, 2],
        matrix[1, 2],
        (int(message.width), int(message.height)),
        distortion,
        matrix[0, 1] / matrix[0, 0],
        RigidTransform() if pose is None else pose,
    )
