# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Messages of transforms between frames."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.recordings.messages.standard import (
    make,
    make_header,
    make_quaternion,
    make_xyz,
)
from av_tracker_nodes.recordings.plausible import check_numbers

_SHORTEST_QUATERNION = 1e-3


def to_transforms(parent: str, children: dict[str, RigidTransform], stamp: int) -> object:
    """Make a ``tf2_msgs/TFMessage`` of transforms that take points of each child to `parent`."""
    return make(
        'tf2_msgs/msg/TFMessage',
        transforms=[
            make(
                'geometry_msgs/msg/TransformStamped',
                header=make_header(stamp, parent),
                child_frame_id=child,
                transform=make(
                    'geometry_msgs/msg/Transform',
                    translation=make_xyz('Vector3', pose.translation),
                    rotation=make_quaternion(pose.quaternion),
                ),
            )
            for child, pose in children.items()
        ],
    )


def from_transforms(message: object) -> dict[tuple[str, str], RigidTransform]:
    """Read a ``tf2_msgs/TFMessage``: ``{(parent, child): parent_from_child}``.

    Raises
    ------
    InputError
        For a transform that is none.
    """
    transforms = {}
    for stamped in message.transforms:
        t, q = stamped.transform.translation, stamped.transform.rotation
        key = stamped.header.frame_id.lstrip('/'), stamped.child_frame_id.lstrip('/')
        translation, quaternion = np.array([t.x, t.y, t.z]), np.array([q.x, q.y, q.z, q.w])
        name = f"the transform from '{key[1]}' to '{key[0]}'"
        check_numbers(name, translation, quaternion)
        if np.linalg.norm(quaternion) < _SHORTEST_QUATERNION:
            raise InputError(f'{name} has a quaternion of zeros')
        transforms[key] = RigidTransform.from_quaternion(translation, quaternion)
    return transforms
