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

"""Rotations as matrices, quaternions and rotation vectors.

SciPy's ``Rotation`` does the same, and costs each process of a robot 35 MiB and 0.25 s of its
start.
"""

from __future__ import annotations

import numpy as np

_SMALL = 1e-6
"""Angle (rad) below which the series of sine and cosine is exact in double precision."""


def matrix_of_quaternion(quaternion: np.ndarray) -> np.ndarray:
    """Return the rotation matrix of a quaternion, ``R = I + 2 w [v]x + 2 [v]x^2``.

    Parameters
    ----------
    quaternion : np.ndarray, shape (4,)
        ``(x, y, z, w)``, of any length but 0.

    Returns
    -------
    np.ndarray, shape (3, 3)
    """
    x, y, z, w = np.asarray(quaternion, float) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_of_matrix(rotation: np.ndarray) -> np.ndarray:
    """Return the unit quaternion ``(x, y, z, w)`` of a rotation matrix.

    It divides by the largest of the four components, which is never small (Shepperd, Journal of
    Guidance and Control, 1978).

    Parameters
    ----------
    rotation : np.ndarray, shape (3, 3)

    Returns
    -------
    np.ndarray, shape (4,)
        The largest component is positive.
    """
    trace = np.trace(rotation)
    largest = int(np.argmax([*np.diag(rotation), trace]))
    skew = [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], 0.0]
    skew[2] = rotation[1, 0] - rotation[0, 1]
    quaternion = np.empty(4)
    if largest == 3:
        quaternion[:] = *skew, 1 + trace
    else:
        quaternion[:3] = rotation[largest] + rotation[:, largest]
        quaternion[largest] += 1 - trace
        quaternion[3] = skew[largest]
    return quaternion / np.linalg.norm(quaternion)


def matrix_of_vector(vector: np.ndarray) -> np.ndarray:
    """Return the rotation about an axis by an angle (Rodrigues).

    ``R = I + sin(a) [n]x + (1 - cos(a)) [n]x^2`` for the vector ``a n``.

    Parameters
    ----------
    vector : np.ndarray, shape (3,)
        Axis of unit length times the angle (rad).

    Returns
    -------
    np.ndarray, shape (3, 3)
    """
    x, y, z = vector
    angle = float(np.linalg.norm(vector))
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    if angle < _SMALL:
        return np.eye(3) + cross + cross @ cross / 2
    sine, versine = np.sin(angle) / angle, 2 * (np.sin(angle / 2) / angle) ** 2
    return np.eye(3) + sine * cross + versine * cross @ cross


def vector_of_matrix(rotation: np.ndarray) -> np.ndarray:
    """Return the rotation vector of a rotation matrix: axis times angle, at most pi.

    Parameters
    ----------
    rotation : np.ndarray, shape (3, 3)

    Returns
    -------
    np.ndarray, shape (3,)
    """
    quaternion = quaternion_of_matrix(rotation)
    axis, cosine = quaternion[:3], quaternion[3]
    if cosine < 0:
        axis, cosine = -axis, -cosine
    sine = float(np.linalg.norm(axis))
    return axis * (2.0 if sine < _SMALL else 2 * np.arctan2(sine, cosine) / sine)


def matrix_of_roll_pitch_yaw(angles: np.ndarray) -> np.ndarray:
    """Return the rotation about the fixed axes x, y, z in turn, ``R = Rz Ry Rx`` (as in URDF).

    Parameters
    ----------
    angles : np.ndarray, shape (3,)
        Roll, pitch, yaw (rad).

    Returns
    -------
    np.ndarray, shape (3, 3)
    """
    roll, pitch, yaw = (matrix_of_vector(turn) for turn in np.diag(angles))
    return yaw @ pitch @ roll


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """Return the rotation that is nearest to a matrix of shape (3, 3) in the Frobenius norm."""
    left, _, right = np.linalg.svd(matrix)
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
