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

"""Camera with a lens, both directions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from av_tracker_nodes.geometry.lens import PLUMB_BOB, Lens, lens_of
from av_tracker_nodes.geometry.transforms import RigidTransform


@dataclass(frozen=True)
class Camera:
    """A calibrated camera.

    Its lens images a point of the plane at unit depth to ``(xd, yd)``, and::

        u = fx (xd + skew yd) + cx,    v = fy yd + cy

    With ``plumb_bob`` this is OpenCV's camera for ``skew = 0``, and that of AV16.3 with its
    ``alpha_c`` as the skew.

    Attributes
    ----------
    fx, fy, cx, cy : float
        Focal lengths and principal point in 0-based pixels.
    size : tuple of int
        Image width and height (pixels).
    distortion : np.ndarray
        Of ``plumb_bob`` k1, k2, p1, p2, k3; of ``rational_polynomial`` these, k4, k5, k6, and
        perhaps s1, s2, s3, s4; of ``equidistant`` k1, k2, k3, k4.
    skew : float
        Share of ``yd`` added to ``xd``.
    pose : RigidTransform
        Takes points of the camera's optical frame (x right, y down, z forward) to the frame that
        the camera is described in.
    model : str
        Name of the lens model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``; see
        :mod:`av_tracker_nodes.geometry.lens`.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    size: tuple[int, int]
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(5))
    skew: float = 0.0
    pose: RigidTransform = field(default_factory=RigidTransform)
    model: str = PLUMB_BOB

    @cached_property
    def lens(self) -> Lens:
        """What bends the light."""
        return lens_of(self.model, tuple(map(float, self.distortion)))

    @property
    def matrix(self) -> np.ndarray:
        """Intrinsic matrix K, shape (3, 3)."""
        return np.array(
            [[self.fx, self.skew * self.fx, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]]
        )

    @property
    def centre(self) -> np.ndarray:
        """Optical centre (m), shape (3,)."""
        return self.pose.translation

    def in_frame(self, frame_from_this: RigidTransform) -> Camera:
        """Return the same camera described in another frame."""
        return replace(self, pose=frame_from_this @ self.pose)

    def resized(self, size: tuple[int, int]) -> Camera:
        """Return the camera of pictures that are scaled to another width and height (pixels).

        Pixel centres are at whole numbers, so that borders of pictures are at half ones.
        """
        across, down = np.divide(size, self.size)
        return replace(
            self,
            fx=self.fx * across,
            fy=self.fy * down,
            cx=(self.cx + 0.5) * across - 0.5,
            cy=(self.cy + 0.5) * down - 0.5,
            size=tuple(size),
        )

    def depth(self, points: np.ndarray) -> np.ndarray:
        """Distance along the optical axis (m) of points of shape (..., 3)."""
        return (self.pose.inverse @ points)[..., 2]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points to the image.

        Parameters
        ----------
        points : np.ndarray, shape (..., 3)
            Metres.

        Returns
        -------
        np.ndarray, shape (..., 2)
            Pixels; NaN for points that are not in front of the camera, or so far beside that the
            lens model does not hold.
        """
        return self.project_local(self.pose.inverse @ np.asarray(points, float))

    def project_local(self, points: np.ndarray) -> np.ndarray:
        """Project points (..., 3) (m) of the camera's own frame; see `project`."""
        z = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        return self._to_pixels(self.lens.distort(points[..., :2] / z))

    def back_project(self, pixels: np.ndarray, depth: np.ndarray | float = 1.0) -> np.ndarray:
        """Find the points that project to pixels at a depth.

        Parameters
        ----------
        pixels : np.ndarray, shape (..., 2)
        depth : float or np.ndarray, shape (...)
            Distance along the optical axis (m).

        Returns
        -------
        np.ndarray, shape (..., 3)
            Metres; NaN for pixels where the lens images nothing.
        """
        return self.pose @ (self._normalised_rays(pixels) * np.asarray(depth, float)[..., None])

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Return unit vectors, shape (..., 3), from the optical centre through pixels (..., 2).

        NaN for pixels where the lens images nothing.
        """
        rays = self.pose.rotate(self._normalised_rays(pixels))
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)

    def contains(self, pixels: np.ndarray) -> np.ndarray:
        """Tell which pixels (..., 2) lie in the image; NaN does not."""
        u, v = pixels[..., 0], pixels[..., 1]
        width, height = self.size
        return (u >= 0) & (v >= 0) & (u <= width - 1) & (v <= height - 1)

    def _to_pixels(self, plane: np.ndarray) -> np.ndarray:
        x = plane[..., 0] + self.skew * plane[..., 1]
        return np.stack([self.fx * x + self.cx, self.fy * plane[..., 1] + self.cy], axis=-1)

    def _normalised_rays(self, pixels: np.ndarray) -> np.ndarray:
        pixels = np.asarray(pixels, float)
        y = (pixels[..., 1] - self.cy) / self.fy
        x = (pixels[..., 0] - self.cx) / self.fx - self.skew * y
        plane = self.lens.undistort(np.stack([x, y], axis=-1))
        return np.concatenate([plane, np.ones_like(plane[..., :1])], axis=-1)
