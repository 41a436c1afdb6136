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

"""Small messages of ROS's own packages, most of them parts of larger ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.recordings.messages.definitions import typestore
from av_tracker_nodes.types import NANOSECONDS


def stamp_of(header: object) -> int:
    """Time of a header in nanoseconds."""
    return header.stamp.sec * NANOSECONDS + header.stamp.nanosec


Make = Callable[..., Any]
"""Makes a message of a type, such as ``std_msgs/msg/Header``, of values of all of its fields; long
arrays are np.ndarray. :func:`make` does so for bags; nodes have their own for rclpy."""


def make(msgtype: str, /, **fields: object) -> Any:
    """Make a message of rosbags, of all of its fields."""
    return typestore().types[msgtype](**fields)


def make_time(stamp: int, make: Make = make) -> Any:
    """Make a ``builtin_interfaces/Time`` of nanoseconds."""
    seconds, nanoseconds = divmod(stamp, NANOSECONDS)
    return make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)


def make_header(stamp: int, frame_id: str, make: Make = make) -> Any:
    """Make a ``std_msgs/Header`` of nanoseconds and a frame."""
    return make('std_msgs/msg/Header', stamp=make_time(stamp, make), frame_id=frame_id)


def make_point(values: np.ndarray, make: Make = make) -> Any:
    """Make a ``geometry_msgs/Point`` of x, y, z (m)."""
    x, y, z = map(float, values)
    return make('geometry_msgs/msg/Point', x=x, y=y, z=z)


def make_vector(values: np.ndarray, make: Make = make) -> Any:
    """Make a ``geometry_msgs/Vector3`` of x, y, z."""
    x, y, z = map(float, values)
    return make('geometry_msgs/msg/Vector3', x=x, y=y, z=z)


def make_quaternion(turn: RigidTransform, make: Make = make) -> Any:
    """Make a ``geometry_msgs/Quaternion`` of a rotation."""
    x, y, z, w = map(float, turn.quaternion)
    return make('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w)


def make_box(box: np.ndarray, make: Make = make) -> Any:
    """Make an ``av_tracker_msgs/Box`` of left, top, width, height (pixels)."""
    left, top, width, height = map(float, box)
    return make('av_tracker_msgs/msg/Box', left=left, top=top, width=width, height=height)


def to_bool(value: bool) -> Any:
    """Make a ``std_msgs/Bool``."""
    return make('std_msgs/msg/Bool', data=value)
