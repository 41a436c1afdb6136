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

"""Messages of transforms between frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.frame_tree import StampedTransform, Transforms
from av_tracker_nodes.recordings.messages.standard import (
    Make,
    make,
    make_header,
    make_quaternion,
    make_vector,
    stamp_of,
)
from av_tracker_nodes.recordings.plausible import LARGEST

_ABSURD = f'numbers that are not finite, or above {LARGEST:.0e}'
_SHORTEST_QUATERNION = 1e-3


def to_transform(
    parent: str, child: str, parent_from_child: RigidTransform, stamp: int, make: Make = make
) -> Any:
    """Make a ``geometry_msgs/TransformStamped`` that takes points of `child` to `parent`."""
    return make(
        'geometry_msgs/msg/TransformStamped',
        header=make_header(stamp, parent, make),
        child_frame_id=child,
        transform=make(
            'geometry_msgs/msg/Transform',
            translation=make_vector(parent_from_child.translation, make),
            rotation=make_quaternion(parent_from_child, make),
        ),
    )


def to_transforms(parent: str, children: dict[str, RigidTransform], stamp: int) -> Any:
    """Make a ``tf2_msgs/TFMessage`` of transforms that take points of each child to `parent`."""
    transforms = [to_transform(parent, child, pose, stamp) for child, pose in children.items()]
    return make('tf2_msgs/msg/TFMessage', transforms=transforms)


def stamped_transforms(message: object, is_static: bool = False) -> Transforms:
    """Read a ``tf2_msgs/TFMessage``; transforms that are none are left out, and named.

    Parameters
    ----------
    message : object
        With all its transforms: a robot sends tens of them a hundred times a second.
    is_static : bool
        Whether it came on ``/tf_static``.
    """
    names = [
        (each.header.frame_id.lstrip('/'), each.child_frame_id.lstrip('/'))
        for each in message.transforms
    ]
    stamps = [stamp_of(each.header) for each in message.transforms]
    parts = [(each.transform.translation, each.transform.rotation) for each in message.transforms]
    numbers = np.array([(t.x, t.y, t.z, q.x, q.y, q.z, q.w) for t, q in parts], float)
    numbers = numbers.reshape(-1, 7)
    # NaN compares false.
    is_finite = (np.abs(numbers) <= LARGEST).all(axis=1)
    numbers[~is_finite] = 0.0
    is_turn = np.linalg.norm(numbers[:, 3:], axis=1) >= _SHORTEST_QUATERNION
    good = is_finite & is_turn
    return Transforms(
        tuple(
            StampedTransform(
                *names[k],
                RigidTransform.from_quaternion(numbers[k, :3], numbers[k, 3:]),
                stamps[k],
            )
            for k in np.flatnonzero(good)
        ),
        is_static,
        tuple(
            f"transform from '{parent}' to '{child}' has "
            + ('a quaternion of zeros' if is_finite[k] else _ABSURD)
            for k, (parent, child) in enumerate(names)
            if not good[k]
        ),
    )


def from_transforms(message: object) -> dict[tuple[str, str], RigidTransform]:
    """Read a ``tf2_msgs/TFMessage``: ``{(parent, child): parent_from_child}``.

    Raises
    ------
    InputError
        For a transform that is none.
    """
    read = stamped_transforms(message)
    if read.rejected:
        raise InputError(read.rejected[0])
    return {(each.parent, each.child): each.parent_from_child for each in read.transforms}
