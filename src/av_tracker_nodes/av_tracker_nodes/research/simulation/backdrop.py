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

"""The room behind the people, drawn once a camera by casting a ray through every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numba
import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation.furniture import furnish
from av_tracker_nodes.research.simulation.lighting import Lighting, encode
from av_tracker_nodes.research.simulation.panels import Panel
from av_tracker_nodes.research.simulation.scene import Scene

_RAY_PITCH = 8
_CORNER_SHADE, _CORNER_WIDTH = 0.35, 0.35
_TILE = 16
_NEAREST = 0.02


def draw_backdrop(
    scene: Scene, camera: Camera, lighting: Lighting, panels: Sequence[Panel] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw room, furniture and boards, without people.

    Who draws a scene more than once hands in the `panels` that :func:`furnish` made of it.

    Returns
    -------
    np.ndarray, shape (height, width, 3), uint8
        Blue, green, red.
    np.ndarray, shape (height, width), float32
        Inverse depth along the optical axis (1/m).
    """
    panels = furnish(scene) if panels is None else panels
    rays = _rays(camera)
    edges = np.array([[panel.corner, panel.across, panel.along] for panel in panels])
    halves = np.array([panel.triangle for panel in panels])
    hit, distance, places = _cast(camera.centre, rays, edges, halves)
    light = np.zeros_like(rays)
    # Sorted by panel, the pixels of each panel lie together.
    order = np.argsort(hit, axis=None, kind='stable')
    ends = np.searchsorted(hit.ravel()[order], np.arange(len(panels) + 1))
    flat_light, flat_rays, flat_places = (
        a.reshape(-1, a.shape[-1]) for a in (light, rays, places)
    )
    for panel, first, last in zip(panels, ends[:-1], ends[1:], strict=True):
        seen = order[first:last]
        if seen.size:
            flat_light[seen] = _shine(panel, flat_places[seen], flat_rays[seen], lighting)
    points = camera.centre + distance[..., None] * rays
    light *= _corner_shade(points, scene)[..., None]
    forward = camera.pose.rotation[:, 2]
    nearness = np.where(hit < 0, 0, 1 / (distance * (rays @ forward)))
    return encode(light).astype(np.uint8), nearness.astype(np.float32)


def _rays(camera: Camera) -> np.ndarray:
    """Cast a ray, a unit vector, through each pixel, shape (height, width, 3).

    The rays are exact every few pixels and interpolated between them.
    """
    width, height = camera.size
    columns = np.arange(-(-width // _RAY_PITCH) + 1) * _RAY_PITCH
    rows = np.arange(-(-height // _RAY_PITCH) + 1) * _RAY_PITCH
    coarse = camera.rays(np.stack(np.meshgrid(columns, rows), axis=-1).astype(float))
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    fine = cv2.remap(
        coarse.astype(np.float32),
        (x / _RAY_PITCH).astype(np.float32),
        (y / _RAY_PITCH).astype(np.float32),
        cv2.INTER_LINEAR,
    )
    return fine / np.linalg.norm(fine, axis=-1, keepdims=True)


def _shine(panel: Panel, places: np.ndarray, rays: np.ndarray, lighting: Lighting) -> np.ndarray:
    """Light (n, 3) that a panel sends along rays (n, 3) from places (n, 2) on it."""
    rows, columns = panel.texture.shape[:2]
    x, y = (places * [columns, rows] - 0.5).T.astype(np.float32)
    texture = panel.texture.astype(np.float32)
    # remap takes no more than 32767 rows.
    parts = [
        cv2.remap(texture, x[k : k + 16384], y[k : k + 16384], cv2.INTER_LINEAR,
                  borderMode=cv2.BORDER_REPLICATE)
        for k in range(0, len(x), 16384)
    ]  # fmt: skip
    colours = np.concatenate(parts).reshape(-1, 3)
    albedo = (colours / 255) ** 2.2
    if panel.glows:
        return albedo
    normal = np.cross(panel.across, panel.along)
    normal /= np.linalg.norm(normal)
    normals = np.where((rays @ normal)[:, None] > 0, -normal, normal)
    return lighting.shade(albedo, normals)


def _corner_shade(points: np.ndarray, scene: Scene) -> np.ndarray:
    """Share of the light that reaches points (..., 3), less in the corners of the room."""
    room = scene.room
    dark = np.stack(
        [
            np.exp(-np.maximum(gap, 0) / _CORNER_WIDTH)
            for axis in range(3)
            for gap in (
                points[..., axis] - room.minimum[axis],
                room.maximum[axis] - points[..., axis],
            )
        ],
        axis=-1,
    )
    # The wall itself is one of the planes nearby everywhere on it; the second nearest counts.
    return 1 - _CORNER_SHADE * np.partition(dark, -2, axis=-1)[..., -2]


@numba.njit(cache=True, nogil=True, fastmath=True, error_model='numpy')
def _cast(origin, rays, panels, halves):
    """Nearest panel of each ray.

    Parameters
    ----------
    origin : np.ndarray, shape (3,)
        Where the rays start (m).
    rays : np.ndarray, shape (rows, columns, 3)
        Unit vectors.
    panels : np.ndarray, shape (n, 3, 3)
        Corner and both edges of each panel (m).
    halves : np.ndarray, shape (n,)
        Whether only the half next to the corner exists.

    Returns
    -------
    np.ndarray, shape (rows, columns)
        Index of the panel, -1 for none.
    np.ndarray, shape (rows, columns)
        Distance (m).
    np.ndarray, shape (rows, columns, 2)
        Place on the panel, 0..1 along either edge.
    """
    rows, columns, _ = rays.shape
    hit = np.full((rows, columns), -1)
    distance = np.full((rows, columns), np.inf)
    places = np.zeros((rows, columns, 2))
    for top in range(0, rows, _TILE):
        for left in range(0, columns, _TILE):
            bottom, right = min(top + _TILE, rows), min(left + _TILE, columns)
            axis = rays[(top + bottom) // 2, (left + right) // 2]
            corner = rays[top, left]
            other = rays[bottom - 1, right - 1]
            spread = 1.3 * np.arccos(min((axis * corner).sum(), (axis * other).sum(), 1.0))
            for p in range(len(panels)):
                if not _may_meet(origin, axis, spread, panels[p]):
                    continue
                tile = (slice(top, bottom), slice(left, right))
                _meet(
                    origin,
                    rays[tile],
                    panels[p],
                    halves[p],
                    p,
                    hit[tile],
                    distance[tile],
                    places[tile],
                )
    return hit, distance, places


@numba.njit(cache=True, nogil=True, fastmath=True, error_model='numpy')
def _may_meet(origin, axis, spread, panel):
    """Tell whether a cone of rays can meet a panel, by the ball around the panel."""
    middle = panel[0] + 0.5 * (panel[1] + panel[2]) - origin
    radius = 0.5 * np.sqrt(
        max(((panel[1] + panel[2]) ** 2).sum(), ((panel[1] - panel[2]) ** 2).sum())
    )
    away = np.sqrt((middle**2).sum())
    if away <= radius:
        return True
    off = np.arccos(max(min((middle * axis).sum() / away, 1.0), -1.0))
    return off <= spread + np.arcsin(radius / away)


@numba.njit(cache=True, nogil=True, fastmath=True, error_model='numpy')
def _meet(origin, rays, panel, half, index, hit, distance, places):
    """Enter a panel into the results of the rays that meet it before anything else."""
    across, along = panel[1], panel[2]
    normal = np.cross(across, along)
    start = origin - panel[0]
    offset = -(start * normal).sum()
    # The dual basis reads the place off a point of the plane.
    to_across = np.cross(along, normal) / (normal * normal).sum()
    to_along = np.cross(normal, across) / (normal * normal).sum()
    rows, columns, _ = rays.shape
    for row in range(rows):
        for column in range(columns):
            x, y, z = rays[row, column, 0], rays[row, column, 1], rays[row, column, 2]
            slope = x * normal[0] + y * normal[1] + z * normal[2]
            reach = offset / slope
            if not (_NEAREST < reach < distance[row, column]):
                continue
            px, py, pz = start[0] + reach * x, start[1] + reach * y, start[2] + reach * z
            u = px * to_across[0] + py * to_across[1] + pz * to_across[2]
            v = px * to_along[0] + py * to_along[1] + pz * to_along[2]
            if u < 0 or v < 0 or u > 1 or v > 1 or (half and u + v > 1):
                continue
            hit[row, column] = index
            distance[row, column] = reach
            places[row, column, 0] = u
            places[row, column, 1] = v
