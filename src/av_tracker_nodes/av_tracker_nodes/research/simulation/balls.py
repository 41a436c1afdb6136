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

"""The surface of balls and plates."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.simulation.decor import Ball

_RINGS, _SECTORS = 14, 24
_CAP = 0.2
"""Sine of the latitude above which a ball has its upper colour."""
_ROD = 0.004
"""Half the thickness of what holds a ball (m)."""


def surface_of(ball: Ball) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (m), normals and albedo (blue, green, red), each (n, 3), and triangles (m, 3)."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, _RINGS + 1)
    longitude = np.linspace(0, 2 * np.pi, _SECTORS, endpoint=False)
    up, round_ = np.meshgrid(latitude, longitude, indexing='ij')
    unit = np.stack(
        [np.cos(up) * np.cos(round_), np.cos(up) * np.sin(round_), np.sin(up)], axis=-1
    ).reshape(-1, 3)
    normals = unit / ball.radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colours = np.where(unit[:, 2:] > _CAP, ball.colours[0], ball.colours[1])
    cells = np.arange(_RINGS)[:, None] * _SECTORS + np.arange(_SECTORS)
    right = np.arange(_RINGS)[:, None] * _SECTORS + (np.arange(_SECTORS) + 1) % _SECTORS
    a, b, c, d = (x.ravel() for x in (cells, right, right + _SECTORS, cells + _SECTORS))
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)])
    albedo = (colours[:, ::-1] ** 2.2).astype(np.float32)
    return ball.centre + unit * ball.radii, normals, albedo, triangles.astype(np.int32)


def rod_of(ball: Ball) -> tuple[np.ndarray, np.ndarray]:
    """Lowest corner and size (m), each (3,), of the rod or string below a ball."""
    top = ball.centre[2] - ball.radii[2]
    corner = np.array([ball.centre[0] - _ROD, ball.centre[1] - _ROD, ball.foot])
    return corner, np.array([2 * _ROD, 2 * _ROD, max(top - ball.foot, 1e-3)])
