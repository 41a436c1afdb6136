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

"""Draw lit surfaces as a camera sees them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation.lighting import Lighting, encode
from av_tracker_nodes.research.simulation.rasteriser import draw_triangles

_NEAREST, _MARGIN = 0.1, 1.3
"""What is nearer to the camera (m), or this much farther from the optical axis than the corners
of the picture, is not drawn."""


class Canvas:
    """A picture with a depth buffer, and the camera and the light that it is drawn with.

    Parameters
    ----------
    image : np.ndarray, shape (height, width, 3), uint8
        Blue, green, red; changed in place.
    nearness : np.ndarray, shape (height, width), float32
        Inverse depth along the optical axis (1/m); changed in place.
    camera : Camera
    lighting : Lighting
    """

    def __init__(
        self, image: np.ndarray, nearness: np.ndarray, camera: Camera, lighting: Lighting
    ) -> None:
        self.image, self._nearness = image, nearness
        self._camera, self._lighting = camera, lighting

    def draw(
        self,
        vertices: np.ndarray,
        normals: np.ndarray,
        albedo: np.ndarray,
        triangles: np.ndarray,
    ) -> None:
        """Draw triangles (m, 3) between vertices (n, 3) (m) with normals and albedo (n, 3)."""
        pixels, near = self._project(vertices)
        colours = encode(self._lighting.shade(albedo, normals)).astype(np.float32)
        draw_triangles(self.image, self._nearness, pixels, near, colours, triangles)

    @cached_property
    def _corner(self) -> float:
        """Tangent of the angle between the optical axis and the farthest corner."""
        width, height = self._camera.size
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
        cosine = self._camera.rays(corners) @ self._camera.pose.rotation[:, 2]
        return float(np.tan(np.arccos(cosine.min())))

    def _project(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (n, 2), NaN for vertices that the lens cannot see, and inverse depths (n,).

        The polynomial of the distortion holds only for the directions that the picture shows;
        farther out it can fold back and throw what is beside the camera all over the picture.
        """
        camera = self._camera
        local = camera.pose.inverse @ vertices
        depth = np.maximum(local[:, 2], 1e-6)
        off_axis = np.hypot(local[:, 0], local[:, 1]) / depth
        shown = (local[:, 2] >= _NEAREST) & (off_axis <= _MARGIN * self._corner)
        pixels = np.full((len(vertices), 2), np.nan, np.float32)
        pixels[shown] = camera.project_local(local[shown])
        return pixels, (1 / depth).astype(np.float32)
