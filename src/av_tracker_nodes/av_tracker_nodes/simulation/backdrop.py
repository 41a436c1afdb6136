# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The room behind the people, drawn once a camera by casting a ray through every pixel."""

from __future__ import annotations

import cv2
import numba
import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.simulation.furniture import Panel, furnish
from av_tracker_nodes.simulation.lighting import Lighting, encode
from av_tracker_nodes.simulation.scene import Scene

_RAY_PITCH = 8
_CORNER_SHADE, _CORNER_WIDTH = 0.35, 0.35


def draw_backdrop(
    scene: Scene, camera: Camera, lighting: Lighting
) -> tuple[np.ndarray, np.ndarray]:
    """Draw room, furniture and boards, without people.

    Returns
    -------
    np.ndarray, shape (height, width, 3), uint8
        Blue, green, red.
    np.ndarray, shape (height, width), float32
        Inverse depth along the optical axis (1/m).
    """
    panels = furnish(scene)
    rays = _rays(camera)
    table = np.array([[p.corner, p.across, p.along] for p in panels])
    halves = np.array([p.triangle for p in panels])
    hit, distance, places = _cast(camera.centre, rays, table, halves)
    points = camera.centre + distance[:, None] * rays
    light = np.zeros_like(rays)
    for index, panel in enumerate(panels):
        seen = np.flatnonzero(hit == index)
        if seen.size:
            light[seen] = _shine(panel, places[seen], rays[seen], lighting)
    light *= _corner_shade(points, scene)[:, None]
    shape = camera.size[::-1]
    forward = camera.pose.rotation[:, 2]
    nearness = np.where(hit < 0, 0, 1 / (distance * (rays @ forward)))
    return (
        encode(light).reshape(*shape, 3).astype(np.uint8),
        nearness.reshape(shape).astype(np.float32),
    )


def _rays(camera: Camera) -> np.ndarray:
    """Unit vectors (pixels, 3): exact every few pixels and interpolated between them."""
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
    rays = fine.reshape(-1, 3).astype(float)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


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
    """Less light reaches the corners of the room, shape (n,)."""
    room = scene.room
    gaps = np.concatenate([points - room.minimum, room.maximum - points], axis=1)
    dark = np.exp(-np.maximum(gaps, 0) / _CORNER_WIDTH)
    # The wall itself is one of the planes nearby everywhere on it; the second nearest counts.
    return 1 - _CORNER_SHADE * np.sort(dark, axis=1)[:, -2]


@numba.njit(cache=True, nogil=True, fastmath=True, error_model='numpy')
def _cast(origin, rays, panels, halves):  # noqa: ANN001
    """Nearest panel of each ray: index (-1 for none), distance (m), place (0..1) on the panel."""
    count, total = len(rays), len(panels)
    hit = np.full(count, -1, np.int64)
    distance = np.full(count, np.inf)
    places = np.zeros((count, 2))
    # Per panel: its normal, and two vectors that read the place off a point (dual basis).
    normals, duals = np.empty((total, 3)), np.empty((total, 2, 3))
    offsets, starts = np.empty(total), np.empty((total, 3))
    for p in range(total):
        corner, across, along = panels[p, 0], panels[p, 1], panels[p, 2]
        normal = np.cross(across, along)
        square = (normal * normal).sum()
        normals[p] = normal
        duals[p, 0] = np.cross(along, normal) / square
        duals[p, 1] = np.cross(normal, across) / square
        starts[p] = origin - corner
        offsets[p] = -(starts[p] * normal).sum()
    for r in range(count):
        x, y, z = rays[r, 0], rays[r, 1], rays[r, 2]
        for p in range(total):
            slope = x * normals[p, 0] + y * normals[p, 1] + z * normals[p, 2]
            if slope == 0:
                continue
            reach = offsets[p] / slope
            if reach <= 0.02 or reach >= distance[r]:
                continue
            px, py, pz = (
                starts[p, 0] + reach * x,
                starts[p, 1] + reach * y,
                starts[p, 2] + reach * z,
            )
            u = px * duals[p, 0, 0] + py * duals[p, 0, 1] + pz * duals[p, 0, 2]
            v = px * duals[p, 1, 0] + py * duals[p, 1, 1] + pz * duals[p, 1, 2]
            if u < 0 or v < 0 or u > 1 or v > 1 or (halves[p] and u + v > 1):
                continue
            hit[r] = p
            distance[r] = reach
            places[r, 0] = u
            places[r, 1] = v
    return hit, distance, places
