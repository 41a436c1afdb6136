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

"""A coloured surface of triangles that is put together piece by piece."""

from __future__ import annotations

import numpy as np
from scipy import sparse


class Surface:
    """Vertices with colours and weights, and the triangles between them.

    Parameters
    ----------
    vertices : np.ndarray, shape (n, 3)
        Metres.
    triangles : np.ndarray, shape (m, 3)
        Counter-clockwise from outside.
    weights : np.ndarray, shape (n, parts)
        How much each part of the body moves a vertex.

    Attributes
    ----------
    colours : np.ndarray, shape (n, 3)
        Red, green, blue, 0..1.
    """

    def __init__(self, vertices: np.ndarray, triangles: np.ndarray, weights: np.ndarray) -> None:
        self.vertices = vertices.copy()
        self.triangles = triangles
        self.weights = weights
        self.colours = np.full(vertices.shape, 0.5)

    def add(
        self,
        vertices: np.ndarray,
        triangles: np.ndarray,
        colours: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        """Add a piece; one colour and one row of weights may stand for all its vertices."""
        first, count = len(self.vertices), len(vertices)
        self.vertices = np.concatenate([self.vertices, vertices])
        self.triangles = np.concatenate([self.triangles, first + np.asarray(triangles)])
        self.colours = np.concatenate([self.colours, np.broadcast_to(colours, (count, 3))])
        parts = self.weights.shape[1]
        self.weights = np.concatenate([self.weights, np.broadcast_to(weights, (count, parts))])

    def blend(self, colour: np.ndarray, share: np.ndarray) -> None:
        """Paint the first vertices, one share (0..1) each, with one colour or colours (n, 3)."""
        count = len(share)
        share = share[:, None]
        self.colours[:count] = (1 - share) * self.colours[:count] + share * colour

    def inflate(self, thickness: np.ndarray) -> None:
        """Move the first vertices outwards by a thickness (m) each."""
        count = len(thickness)
        self.vertices[:count] += thickness[:, None] * self.normals()[:count]

    def smooth(self, region: np.ndarray, steps: int) -> None:
        """Even out a region, shape (k,), of vertex indices."""
        neighbours = self._neighbour_mean()[region]
        for _ in range(steps):
            self.vertices[region] = 0.5 * (self.vertices[region] + neighbours @ self.vertices)

    def normals(self) -> np.ndarray:
        """Return unit normals, shape (n, 3), by area; zero where no triangle is."""
        corners = self.vertices[self.triangles]
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = self._incidence() @ faces
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

    def openness(self) -> np.ndarray:
        """Share of the light that reaches each vertex, shape (n,): less in hollows."""
        mean = self._neighbour_mean()
        offset = mean @ self.vertices - self.vertices
        spacing = np.sqrt(mean @ (self.vertices**2).sum(1) - ((mean @ self.vertices) ** 2).sum(1))
        hollow = (offset * self.normals()).sum(axis=1) / np.maximum(spacing, 1e-6)
        hollow = mean @ hollow * 0.5 + hollow * 0.5
        return np.clip(1 - 1.1 * hollow, 0.35, 1.1)

    def _incidence(self) -> sparse.csr_array:
        """Matrix (vertices, triangles) of which vertex is a corner of which triangle."""
        count = len(self.triangles)
        columns = np.repeat(np.arange(count), 3)
        entries = (np.ones(3 * count), (self.triangles.ravel(), columns))
        return sparse.csr_array(entries, shape=(len(self.vertices), count))

    def _neighbour_mean(self) -> sparse.csr_array:
        """Matrix that takes the mean over the neighbours of each vertex."""
        start = self.triangles.ravel()
        end = np.roll(self.triangles, -1, axis=1).ravel()
        size = (len(self.vertices),) * 2
        links = sparse.csr_array((np.ones(start.size), (start, end)), shape=size)
        links = ((links + links.T) > 0).astype(float)
        return sparse.diags_array(1 / np.maximum(links.sum(axis=1), 1)) @ links
