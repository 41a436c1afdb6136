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

"""The place that stands for a cone of directions.

Microphones on a line hear the angle to the line and nothing else. Any place at that angle is as
good; told is the one that lies on the level of the microphones where the camera looks, and the
covariance says how far round the voice can be.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.bearings import axis_of_line
from av_tracker_nodes.geometry.rotations import matrix_of_vector

_LEAST_FORWARD = 0.3
"""Less of the line of view across the microphones (of 1) says nothing of where in front is."""


def in_front(
    position: np.ndarray, covariance: np.ndarray, rig: Rig
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the place of a voice about the line of the microphones to where the camera looks.

    Parameters
    ----------
    position : np.ndarray, shape (3,)
        Metres, array frame.
    covariance : np.ndarray, shape (3, 3)
    rig : Rig

    Returns
    -------
    position : np.ndarray, shape (3,)
    covariance : np.ndarray, shape (3, 3)
        Unchanged where the microphones are not on a line, or where there is no camera.
    """
    axis = axis_of_line(rig.microphones)
    camera = rig.camera_in_array
    if axis is None or camera is None:
        return position, covariance
    up = rig.up_in_array
    level = camera.pose.rotation[:, 2]
    level = level - (level @ up) * up
    forward, offset = (v - (v @ axis) * axis for v in (level, position - rig.microphones.centre))
    if np.linalg.norm(forward) < _LEAST_FORWARD or not offset.any():
        return position, covariance
    angle = np.arctan2(axis @ np.cross(offset, forward), offset @ forward)
    turn = matrix_of_vector(angle * axis)
    centre = rig.microphones.centre
    return centre + turn @ (position - centre), turn @ covariance @ turn.T
