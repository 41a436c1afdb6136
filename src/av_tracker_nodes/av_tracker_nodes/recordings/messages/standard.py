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

import numpy as np

from av_tracker_nodes.recordings.messages.definitions import typestore
from av_tracker_nodes.types import NANOSECONDS


def stamp_of(header: object) -> int:
    """Time of a header in nanoseconds."""
    return header.stamp.sec * NANOSECONDS + header.stamp.nanosec


def make(msgtype: str, /, **fields: object) -> object:
    """Make a message of a type, of all of its fields."""
    return typestore().types[msgtype](**fields)


def make_time(stamp: int) -> object:
    """Make a ``builtin_interfaces/Time`` of nanoseconds."""
    seconds, nanoseconds = divmod(stamp, NANOSECONDS)
    return make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)


def make_header(stamp: int, frame_id: str) -> object:
    """Make a ``std_msgs/Header`` of nanoseconds and a frame."""
    return make('std_msgs/msg/Header', stamp=make_time(stamp), frame_id=frame_id)


def make_xyz(name: str, values: np.ndarray) -> object:
    """Make a ``geometry_msgs`` Point or Vector3, as `name` says, of values of shape (3,)."""
    x, y, z = (float(value) for value in values)
    return make(f'geometry_msgs/msg/{name}', x=x, y=y, z=z)


def make_quaternion(values: np.ndarray) -> object:
    """Make a ``geometry_msgs/Quaternion`` of x, y, z, w."""
    x, y, z, w = (float(value) for value in values)
    return make('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w)


def to_bool(value: bool) -> object:
    """Make a ``std_msgs/Bool``."""
    return make('std_msgs/msg/Bool', data=value)
