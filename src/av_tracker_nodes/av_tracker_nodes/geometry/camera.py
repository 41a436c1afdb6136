# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Pinhole camera with radial and tangential distortion, both directions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.geometry.transforms import RigidTransform

_FIXED_POINT_STEPS = 2
_NEWTON_STEPS = 20
_CONVERGED = 1e-11


@dataclass(frozen=True)
class Camera:
    """A calibrated camera.

    With ``(x, y)`` the point on the plane at unit depth and ``r2 = x^2 + y^2``::

        radial = 1 + k1 r2 + k2 r2^2 + k3 r2^3
        xd = x radial + 2 p1 x y + p2 (r2 + 2 x^2)
        yd = y radial + p1 (r2 + 2 y^2) + 2 p2 x y
        u = fx (xd + skew yd) + cx,    v = fy yd + cy

    which is OpenCV's ``plumb_bob`` for ``skew = 0`` and the model of AV16.3 with its ``alpha_c``
    as the skew.

    Attributes
    ----------
    fx, fy, cx, cy : float
        Focal lengths and principal point in 0-based pixels.
    size : tuple of int
        Image width and height (pixels).
    distortion : np.ndarray, shape (5,)
        k1, k2, p1, p2, k3.
    skew : float
        Share of ``yd`` added to ``xd``.
    pose : RigidTransform
        Takes points of the camera's optical frame (x right, y down, z forward) to the frame that
        the camera is described in.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    size: tuple[int, int]
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(5))
    skew: float = 0.0
    pose: RigidTransform = field(default_factory=RigidTransform)

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
        return Camera(
            self.fx,
            self.fy,
            self.cx,
            self.cy,
            self.size,
            self.distortion,
            self.skew,
            frame_from_this @ self.pose,
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
            Pixels; NaN for points that are not in front of the camera.
        """
        return self.project_local(self.pose.inverse @ np.asarray(points, float))

    def project_local(self, points: np.ndarray) -> np.ndarray:
        """Project points (..., 3) (m) of the camera's own frame; see `project`."""
        z = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        return self._to_pixels(self._distort(points[..., :2] / z))

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
            Metres.
        """
        return self.pose @ (self._normalised_rays(pixels) * np.asarray(depth, float)[..., None])

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Return unit vectors, shape (..., 3), from the optical centre through pixels (..., 2)."""
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
        plane = self._undistort(np.stack([x, y], axis=-1))
        return np.concatenate([plane, np.ones_like(plane[..., :1])], axis=-1)

    def _distort(self, plane: np.ndarray) -> np.ndarray:
        radial, tangential = self._distortion_terms(plane)
        return plane * radial + tangential

    def _distortion_terms(self, plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        k1, k2, p1, p2, k3 = self.distortion
        x, y = plane[..., 0], plane[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        tangential = np.stack(
            [
                2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            ],
            axis=-1,
        )
        return radial[..., None], tangential

    def _undistort(self, distorted: np.ndarray) -> np.ndarray:
        """Invert the distortion: fixed-point steps as AV16.3 does, then Newton's to the end."""
        if not np.any(self.distortion):
            return distorted
        plane = distorted
        for _ in range(_FIXED_POINT_STEPS):
            radial, tangential = self._distortion_terms(plane)
            plane = (distorted - tangential) / radial
        for _ in range(_NEWTON_STEPS):
            residual = self._distort(plane) - distorted
            if np.abs(residual).max(initial=0.0) < _CONVERGED:
                break
            step = np.linalg.solve(self._distortion_jacobian(plane), residual[..., None])[..., 0]
            plane = plane - step
        return plane

    def _distortion_jacobian(self, plane: np.ndarray) -> np.ndarray:
        k1, k2, p1, p2, k3 = self.distortion
        x, y = plane[..., 0], plane[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))
        cross = x * y * slope + 2 * p1 * x + 2 * p2 * y
        return np.stack(
            [
                np.stack([radial + x * x * slope + 2 * p1 * y + 6 * p2 * x, cross], axis=-1),
                np.stack([cross, radial + y * y * slope + 6 * p1 * y + 2 * p2 * x], axis=-1),
            ],
            axis=-2,
        )
