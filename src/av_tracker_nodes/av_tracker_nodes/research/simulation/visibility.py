# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""How much of each head a camera of a simulated scene sees."""

from __future__ import annotations

import cv2
import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation.scene import Occluder, Scene
from av_tracker_nodes.research.simulation.trajectories import MOUTH_REACH, facing_vector

_HEAD_RADIUS, _HEAD_ABOVE_MOUTH = 0.09, 0.05
_SHOULDERS, _NECK = 0.2, 0.15
_RINGS = ((0.0, 1), (0.5, 6), (0.9, 12))


def visible_share(scene: Scene, camera: int, time: float) -> np.ndarray:
    """Share of each head that nothing hides, and that is in the picture.

    Heads are balls, bodies upright cylinders below them; boards are what they are.

    Parameters
    ----------
    scene : Scene
    camera : int
        Index.
    time : float
        Scene time (s).

    Returns
    -------
    np.ndarray, shape (people,)
        0..1.
    """
    view = scene.camera_at(camera, time)
    heads = np.reshape([_head(person, time) for person in scene.people], (-1, 3))
    return np.array([_seen(heads, index, view, scene.occluders) for index in range(len(heads))])


def _head(person, time: float) -> np.ndarray:
    now = np.array([time])
    mouth, orientation = person.at(now, person.mouth)[0], person.at(now, person.orientation)[0]
    centre = mouth - MOUTH_REACH * facing_vector(orientation)
    return centre + np.array([0.0, 0.0, _HEAD_ABOVE_MOUTH])


def _seen(heads: np.ndarray, index: int, view: Camera, boards: tuple[Occluder, ...]) -> float:
    points = _disc(heads[index], view)
    pixels = view.project(points)
    seen = view.contains(np.nan_to_num(pixels, nan=-1.0))
    for board in boards:
        outline = view.project(board.corners).astype(np.float32)
        inside = [cv2.pointPolygonTest(outline, (float(u), float(v)), False) for u, v in pixels]
        seen &= np.array(inside) < 0
    for other, head in enumerate(heads):
        if other != index:
            seen &= ~_hidden(points, head, view)
    return float(seen.mean())


def _disc(head: np.ndarray, view: Camera) -> np.ndarray:
    """Points of the outline of a head as the camera sees it, shape (n, 3)."""
    sight = (head - view.centre) / np.linalg.norm(head - view.centre)
    right = np.cross(sight, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, sight)
    angles = [(ring, 2 * np.pi * k / count) for ring, count in _RINGS for k in range(count)]
    return np.array(
        [
            head + _HEAD_RADIUS * ring * (np.cos(angle) * right + np.sin(angle) * up)
            for ring, angle in angles
        ]
    )


def _hidden(points: np.ndarray, head: np.ndarray, view: Camera) -> np.ndarray:
    """Tell which points (n, 3) somebody with a head at `head` stands before."""
    rays = points - view.centre
    floor = np.linalg.norm((head - view.centre)[:2])
    share = floor / np.linalg.norm(rays[:, :2], axis=1)
    passing = view.centre + share[:, None] * rays - head
    beside = np.linalg.norm(passing[:, :2], axis=1)
    near_head = np.linalg.norm(passing, axis=1) < _HEAD_RADIUS
    near_body = (beside < _SHOULDERS) & (passing[:, 2] < -_NECK)
    return (share < 1) & (near_head | near_body)
