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

"""Where something is relative to a place that a camera looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import FACE_HEIGHT

_LEAST_COSINE = 0.2


@dataclass(frozen=True)
class SightFrame:
    """Axes about the line of sight from a camera to a place.

    An offset has three parts: to the right and down, in heights of a face (0.2 m) at the distance
    of the place, and the logarithm of the range relative to that of the place.

    Attributes
    ----------
    centre : np.ndarray, shape (3,)
        Of the camera (m).
    axes : np.ndarray, shape (3, 3)
        Rows: right, down, along the line of sight.
    range : float
        Distance of the place from the camera (m).
    """

    centre: np.ndarray
    axes: np.ndarray
    range: float

    @classmethod
    def towards(cls, camera: Camera, position: np.ndarray) -> SightFrame:
        """Look from a camera to a position (m) in the frame that the camera is described in."""
        line = position - camera.centre
        distance = float(np.linalg.norm(line))
        sight = line / distance
        right = _cross(camera.pose.rotation[:, 1], sight)
        right /= np.linalg.norm(right)
        return cls(camera.centre, np.stack([right, _cross(sight, right), sight]), distance)

    @property
    def head(self) -> float:
        """Angle that a face is high (tangent)."""
        return FACE_HEIGHT / self.range

    def offset(self, position: np.ndarray) -> np.ndarray:
        """Offsets of positions (m); what is far beside or behind is cut at five times the range.

        Parameters
        ----------
        position : np.ndarray, shape (..., 3)

        Returns
        -------
        np.ndarray, shape (..., 3)
        """
        turned = (position - self.centre) @ self.axes.T
        distance = np.sqrt((turned**2).sum(axis=-1, keepdims=True))
        ahead = np.maximum(turned[..., 2:], _LEAST_COSINE * distance)
        across = turned[..., :2] / (ahead * self.head)
        return np.concatenate([across, np.log(distance / self.range)], axis=-1)

    def place(self, offset: np.ndarray) -> np.ndarray:
        """Return the position (m) of an offset; the inverse of :meth:`offset`."""
        sight = self.axes[2] + self.head * (offset[:2] @ self.axes[:2])
        scale = self.range * np.exp(offset[2]) / np.linalg.norm(sight)
        return self.centre + scale * sight

    def covariance(self, across: float, along: float) -> np.ndarray:
        """Covariance (m^2) of deviations across (heights of a face) and along (log range)."""
        deviations = np.array([across * FACE_HEIGHT, across * FACE_HEIGHT, along * self.range])
        return self.axes.T @ np.diag(deviations**2) @ self.axes

    def deviations(self, covariance: np.ndarray) -> np.ndarray:
        """Deviations across (heights of a face) and along (log range) of covariances (m^2).

        Of shape (..., 2) for shape (..., 3, 3).
        """
        variance = (self.axes @ covariance * self.axes).sum(axis=-1)
        across = np.sqrt(variance[..., :2].mean(axis=-1)) / FACE_HEIGHT
        return np.stack([across, np.sqrt(variance[..., 2]) / self.range], axis=-1)

    def at_range(
        self, places: np.ndarray, covariances: np.ndarray, deviation: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell Gaussians that they are at the range of the place.

        Parameters
        ----------
        places : np.ndarray, shape (n, 3)
            Metres.
        covariances : np.ndarray, shape (n, 3, 3)
            Square metres.
        deviation : float
            Of the range (log).

        Returns
        -------
        places : np.ndarray, shape (n, 3)
        covariances : np.ndarray, shape (n, 3, 3)
            Of the product with ``N(range, (deviation range)^2)`` along the line of sight.
        """
        sight = self.axes[2]
        shared = covariances @ sight
        spread = shared @ sight + (deviation * self.range) ** 2
        gain = shared / spread[:, None]
        missing = self.range - (places - self.centre) @ sight
        left = covariances - gain[:, :, None] * shared[:, None, :]
        return places + gain * missing[:, None], left


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cross product of two vectors, in a tenth of the time that NumPy's takes for so few."""
    a, b, c = first.tolist()
    x, y, z = second.tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])
