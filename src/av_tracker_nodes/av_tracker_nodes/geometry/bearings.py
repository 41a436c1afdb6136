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

"""Angles between directions for arrays with ambiguous directions.

One small array in a plane hears the angle about the axis of the plane well, and the angle to the
plane badly: echoes and noise shorten all delays alike, which looks like a voice nearer to that
axis. One on a line hears nothing but the angle to the line. Several arrays do better, since their
directions cross.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.microphones import MicrophoneArray

_FLAT = 0.1
"""Arrays this thin relative to their length (ratio of singular values) count as flat."""
_CONE_STD = np.radians(4.0)
"""Deviation of the angle to a line of microphones. Of a cone the covariance of a place on it does
not tell (a PlayStation Eye and two microphones 20 cm apart, training rooms, seeds 400 to 403)."""
_LEAST_COMPONENT = 0.3
"""Directions with less of them in the plane are too near to its axis to have an angle about it."""


def is_single_and_flat(microphones: MicrophoneArray) -> bool:
    """Tell whether microphones are one array, on a line or in a plane."""
    offsets = microphones.positions - microphones.centre
    if len(np.unique(microphones.groups)) > 1 or not offsets.any():
        return False
    is_in_plane = normal_of_plane(microphones.positions) is not None
    return is_in_plane or axis_of_line(microphones) is not None


def axis_of_line(microphones: MicrophoneArray) -> np.ndarray | None:
    """Find the unit vector (3,) along the line that one array is on, None where it is on none."""
    offsets = microphones.positions - microphones.centre
    if len(np.unique(microphones.groups)) > 1 or not offsets.any():
        return None
    _, extents, axes = np.linalg.svd(offsets)
    return axes[0] if extents[1] < _FLAT * extents[0] else None


def normal_of_plane(positions: np.ndarray) -> np.ndarray | None:
    """Find the unit vector (3,) across the plane that places (n, 3) are in, None without one.

    Places on a line are in many planes, and so in none.
    """
    _, extents, axes = np.linalg.svd(positions - positions.mean(axis=0))
    extents = np.append(extents, np.zeros(3 - len(extents)))
    in_one_plane = extents[2] < _FLAT * extents[0] <= extents[1]
    return axes[2] if in_one_plane else None


def heard_angles(
    microphones: MicrophoneArray, direction: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Angles (rad) between a direction and others, as measured by the microphones.

    Parameters
    ----------
    microphones : MicrophoneArray
    direction : np.ndarray, shape (3,)
        Unit vector, array frame.
    others : np.ndarray, shape (n, 3)
        Unit vectors, array frame.

    Returns
    -------
    np.ndarray, shape (n,)
    """
    angles = np.arccos(np.clip(others @ direction, -1.0, 1.0))
    if not is_single_and_flat(microphones):
        return angles
    axis = axis_of_line(microphones)
    if axis is not None:
        return np.abs(_elevation(others, axis) - _elevation(direction, axis))
    normal = normal_of_plane(microphones.positions)
    return np.minimum(angles, _about(normal, direction, others))


def heard_deviations(
    microphones: MicrophoneArray, offset: np.ndarray, covariance: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Tell the standard deviations (rad) of `heard_angles`, as the place of a peak is known.

    Parameters
    ----------
    microphones : MicrophoneArray
    offset : np.ndarray, shape (3,)
        Of the peak from the centre of the microphones (m).
    covariance : np.ndarray, shape (3, 3)
        Of the peak (m^2).
    others : np.ndarray, shape (n, 3)
        Unit vectors, array frame.

    Returns
    -------
    np.ndarray, shape (n,)
    """
    distance = np.linalg.norm(offset)
    if is_single_and_flat(microphones):
        normal = normal_of_plane(microphones.positions)
        if normal is None:
            return np.full(len(others), _CONE_STD)
        aside = np.cross(normal, offset)
        level = np.linalg.norm(aside)
        if level < _LEAST_COMPONENT * distance:
            return np.full(len(others), np.sqrt(np.linalg.eigvalsh(covariance)[-1]) / distance)
        return np.full(len(others), np.sqrt(aside @ covariance @ aside) / level**2)
    ray = offset / distance
    aside = others - np.outer(others @ ray, ray)
    lengths = np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-12)
    aside = aside / lengths
    return np.sqrt(np.einsum('ni,ij,nj->n', aside, covariance, aside)) / distance


def _elevation(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Angle (rad) from the plane across an axis, of unit vectors (..., 3)."""
    return np.arcsin(np.clip(vectors @ axis, -1.0, 1.0))


def _about(axis: np.ndarray, direction: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Angles (rad) between a direction and others about an axis; pi too near to the axis."""
    level = np.vstack([direction, others])
    level = level - np.outer(level @ axis, axis)
    lengths = np.linalg.norm(level, axis=-1)
    cosines = level[1:] @ level[0] / np.maximum(lengths[1:] * lengths[0], 1e-12)
    clear = np.minimum(lengths[1:], lengths[0]) >= _LEAST_COMPONENT
    return np.where(clear, np.arccos(np.clip(cosines, -1.0, 1.0)), np.pi)
