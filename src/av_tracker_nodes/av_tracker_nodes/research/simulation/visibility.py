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

"""How much of each head a camera of a simulated scene sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation.decor import Ball
from av_tracker_nodes.research.simulation.scene import Occluder, Scene
from av_tracker_nodes.research.simulation.trajectories import MOUTH_REACH, facing_vector

_HEAD_RADIUS, _HEAD_ABOVE_MOUTH = 0.09, 0.05
_SHOULDERS, _NECK = 0.2, 0.15
_RINGS = ((0.0, 1), (0.5, 6), (0.9, 12))


def visible_share(scene: Scene, camera: int, time: float) -> np.ndarray:
    """Share of each head that nothing hides, and that is in the picture.

    Heads are balls, bodies upright cylinders below them; boards, taken as parallelograms, and
    other balls are what they are.

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
    balls = () if scene.decor is None else scene.decor.balls
    hiders = [partial(_behind_board, board) for board in scene.occluders]
    hiders += [partial(_behind_ball, ball) for ball in balls]
    return np.array([_seen(heads, index, view, hiders) for index in range(len(heads))])


def _head(person, time: float) -> np.ndarray:
    now = np.array([time])
    mouth, orientation = person.at(now, person.mouth)[0], person.at(now, person.orientation)[0]
    centre = mouth - MOUTH_REACH * facing_vector(orientation)
    return centre + np.array([0.0, 0.0, _HEAD_ABOVE_MOUTH])


def _seen(
    heads: np.ndarray,
    index: int,
    view: Camera,
    hiders: list[Callable[[np.ndarray, np.ndarray], np.ndarray]],
) -> float:
    points = _disc(heads[index], view)
    seen = view.contains(view.project(points))
    for is_behind in hiders:
        seen &= ~is_behind(points, view.centre)
    for other, head in enumerate(heads):
        if other != index:
            seen &= ~_hidden(points, head, view)
    return float(seen.mean())


def _behind_board(board: Occluder, points: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Tell before which points (n, 3) a board stands, as seen from a place (3,)."""
    corner, across, along = board.corners[0], *(board.corners[[1, 3]] - board.corners[0])
    # Where the line of sight meets the plane: corner + u across + v along = eye + t (point - eye).
    sights = points - eye
    sides = np.stack(
        [np.broadcast_to(across, sights.shape), np.broadcast_to(along, sights.shape), -sights], -1
    )
    u, v, t = np.linalg.solve(sides, np.broadcast_to(eye - corner, sights.shape)[..., None])[
        ..., 0
    ].T
    return (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1) & (t > 0) & (t < 1)


def _behind_ball(ball: Ball, points: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Tell before which points (n, 3) a ball is, as seen from a place (3,)."""
    # Where lengths are measured in radii, the ball is a unit ball.
    sights, middle = (points - eye) / ball.radii, (ball.centre - eye) / ball.radii
    share = np.clip((sights @ middle) / (sights**2).sum(axis=1), 0, 1)
    return np.linalg.norm(share[:, None] * sights - middle, axis=1) < 1


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
