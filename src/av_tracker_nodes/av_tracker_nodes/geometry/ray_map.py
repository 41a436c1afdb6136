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

"""Lines of sight from a table, for callers that need many of them in every image."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.transforms import RigidTransform

_POINTS_ALONG_WIDTH = 90
_MARGIN = 0.15
"""Share of the image that the table covers beyond each edge, for boxes that reach out."""


class RayMap:
    """Undistorts pixels by bilinear interpolation, to about a hundredth of a pixel.

    Has the `centre` and the `rays` of a `Camera`; pixels beyond the margin count as on it, and
    those where the lens images nothing as the nearest one where it does.

    Parameters
    ----------
    camera : Camera
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._pitch = camera.size[0] / _POINTS_ALONG_WIDTH
        self._origin = -_MARGIN * np.array(camera.size, float)
        cells = np.ceil((1 + 2 * _MARGIN) * np.array(camera.size) / self._pitch).astype(int)
        u, v = (self._origin[axis] + self._pitch * np.arange(cells[axis] + 1) for axis in (0, 1))
        pixels = np.stack(np.meshgrid(u, v), axis=-1)
        own_frame = replace(camera, pose=RigidTransform())
        self._plane = _filled(own_frame.back_project(pixels, 1.0)[..., :2])

    @property
    def centre(self) -> np.ndarray:
        """Optical centre (m), shape (3,)."""
        return self._camera.centre

    def follow(self, camera: Camera) -> RayMap:
        """Return the map of a camera: the same table if only its pose is another."""
        if not same_lens(self._camera, camera):
            return RayMap(camera)
        moved = object.__new__(RayMap)
        moved.__dict__.update(self.__dict__, _camera=camera)
        return moved

    def at_unit_depth(self, pixels: np.ndarray) -> np.ndarray:
        """Vectors (..., 3) from the centre to where pixels (..., 2) are seen at a depth of 1 m."""
        cell = (np.asarray(pixels, float) - self._origin) / self._pitch
        cell = np.clip(cell, 0, np.array(self._plane.shape[1::-1]) - 1.001)
        column, row = np.moveaxis(cell.astype(int), -1, 0)
        share = cell - np.stack([column, row], axis=-1)
        right, down = share[..., :1], share[..., 1:]
        upper = self._plane[row, column] * (1 - right) + self._plane[row, column + 1] * right
        lower = self._plane[row + 1, column] * (1 - right)
        lower += self._plane[row + 1, column + 1] * right
        plane = upper * (1 - down) + lower * down
        ahead = np.concatenate([plane, np.ones_like(right)], axis=-1)
        return self._camera.pose.rotate(ahead)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Return unit vectors, shape (..., 3), from the optical centre through pixels (..., 2)."""
        rays = self.at_unit_depth(pixels)
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def _filled(plane: np.ndarray) -> np.ndarray:
    """Give points (rows, columns, 2) that are NaN the value of the nearest one that is not."""
    unknown = np.isnan(plane[..., 0])
    if not unknown.any():
        return plane
    # Only fisheye lenses and such need it.
    from scipy.ndimage import distance_transform_edt

    rows, columns = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    return plane[rows, columns]


def same_lens(first: Camera, second: Camera) -> bool:
    """Tell whether two cameras are equal except for their poses."""
    return all(
        np.array_equal(getattr(first, each.name), getattr(second, each.name))
        for each in fields(Camera)
        if each.name != 'pose'
    )
