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

"""Calibration files of CAV3D.

A point X of the world is at ``R X + T`` in the camera frame, and is seen by OpenCV's model with
five terms of distortion in OpenCV's order. Far outside of the picture that model folds back into
it; a map, of pixels without distortion, tells where it may be trusted. The camera has been
calibrated twice: for the sequences of single speakers, and for the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform, Room
from av_tracker_nodes.research.datasets.mat_files import load_mat, numbers_of

MAP_ORIGINS = {'SOT': (-181.033, -135.237), 'MOT': (-627.003, -475.934)}
"""Pixel without distortion that the upper left corner of each map stands for."""

FIRST_MOT = 22
"""The second calibration holds from this sequence on."""

_VALID = 255
_LARGEST_SIDE = 16_384
_ORTHONORMAL_TOLERANCE = 0.01


@dataclass(frozen=True)
class View:
    """A camera, and where its model may be trusted.

    Attributes
    ----------
    camera : Camera
        Described in the world frame, in 0-based pixels.
    trusted : np.ndarray, shape (rows, columns), bool
        By pixels without distortion.
    origin : np.ndarray, shape (2,)
        Pixel without distortion at the upper left corner of `trusted`.
    """

    camera: Camera
    trusted: np.ndarray
    origin: np.ndarray

    def sees(self, points: np.ndarray) -> np.ndarray:
        """Tell which points (n, 3) of the world are in the picture."""
        ideal = replace(self.camera, distortion=np.zeros(5)).project(points)
        places = np.nan_to_num(ideal - self.origin, nan=-1.0)
        column, row = np.rint(np.clip(places, -1, 1e6)).astype(int).T
        rows, columns = self.trusted.shape
        known = (row >= 0) & (column >= 0) & (row < rows) & (column < columns)
        known[known] = self.trusted[row[known], column[known]]
        return known & self.camera.contains(self.camera.project(points))


def calibration_of(number: int) -> str:
    """Name of the calibration of a sequence: ``SOT`` or ``MOT``."""
    return 'MOT' if number >= FIRST_MOT else 'SOT'


def read_view(path: Path, calibration: str) -> View:
    """Read ``C5SOT.mat`` or ``C5MOT.mat``.

    Parameters
    ----------
    path : Path
    calibration : str
        ``SOT`` or ``MOT``: which of them it must be.

    Raises
    ------
    InputError
        When the file is missing, malformed, or the other calibration.
    """
    data = load_mat(path).get('camData')
    try:
        said = str(getattr(data, 'seq', calibration))
        matrix = np.asarray(data.K, float).reshape(3, 3)
        rotation = np.asarray(data.R, float).reshape(3, 3)
        translation = np.asarray(data.T, float).reshape(3)
        distortion = np.asarray(data.kc, float).reshape(5)
        rows, columns = np.asarray(data.ImgSize, float).reshape(-1)[:2]
        trusted = np.atleast_2d(np.asarray(data.map)) == _VALID
        size = int(columns), int(rows)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f'{path} has no camData with K, R, T, kc (5), ImgSize and map') from error
    if said != calibration:
        raise InputError(f'{path} is the calibration {said}; {calibration} is needed')
    for name, value in {'K': matrix, 'R': rotation, 'T': translation, 'kc': distortion}.items():
        numbers_of(path, name, value)
    if not (matrix[0, 0] and matrix[1, 1]) or not all(1 <= n <= _LARGEST_SIDE for n in size):
        raise InputError(f'{path}: K or ImgSize is that of no camera')
    camera = _camera(path, matrix, rotation, translation, distortion, size)
    return View(camera, trusted, np.array(MAP_ORIGINS[calibration]))


def read_positions(path: Path) -> np.ndarray:
    """Read the microphones (m, world, shape (8, 3)) of ``MA0_pos.mat``."""
    positions = numbers_of(path, 'Mic_pos', load_mat(path).get('Mic_pos', ()))
    if positions.ndim != 2 or len(positions) != 3:
        raise InputError(f'{path} has no matrix Mic_pos of 3 rows')
    return positions.T


def read_room(path: Path) -> Room:
    """Read the walls (m, world) of ``CAV3D_RoomRg.mat``."""
    limits = numbers_of(path, 'RoomRg', load_mat(path).get('RoomRg', ()))
    if limits.shape != (3, 2) or not (limits[:, 0] < limits[:, 1]).all():
        raise InputError(f'{path} has no 3 x 2 matrix RoomRg of minima and maxima')
    return Room(limits[:, 0], limits[:, 1])


def _camera(
    path: Path,
    matrix: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    distortion: np.ndarray,
    size: tuple[int, int],
) -> Camera:
    """Turn the axes of the file, which may point left and up, to right and down.

    Where x is turned, its focal length, the first row of the pose, and the term of distortion
    that is even in x (p2) change their signs; for y that is p1.
    """
    turned = np.sign([matrix[0, 0], matrix[1, 1], 1.0])
    k1, k2, p1, p2, k3 = distortion
    rotation = turned[:, None] * rotation
    left, stretch, right = np.linalg.svd(rotation)
    upright = abs(np.linalg.det(rotation) - 1) <= 3 * _ORTHONORMAL_TOLERANCE
    if np.abs(stretch - 1).max() > _ORTHONORMAL_TOLERANCE or not upright:
        raise InputError(f'{path}: R, with the signs of K, is not a rotation')
    skew = matrix[0, 1] / matrix[0, 0] * turned[0] * turned[1]
    return Camera(
        abs(matrix[0, 0]),
        abs(matrix[1, 1]),
        matrix[0, 2],
        matrix[1, 2],
        size,
        np.array([k1, k2, turned[1] * p1, turned[0] * p2, k3]),
        skew,
        RigidTransform(left @ right, turned * translation).inverse,
    )
