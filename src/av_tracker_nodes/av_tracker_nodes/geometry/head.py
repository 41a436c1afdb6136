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

"""Heads in space and face boxes in the image.

The face of the tracking literature (AV3T, AVCLNet): a plane of 0.15 m x 0.20 m that faces the
camera, upright, with the mouth on its middle axis at a quarter of the height from the bottom.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.transforms import RigidTransform

FACE_WIDTH = 0.15
FACE_HEIGHT = 0.20
MOUTH_FROM_BOTTOM = 0.25
HEAD_SIZE_STD = 0.07
"""Relative deviation of the apparent size of faces between people.

Heads differ by about 5 % (anthropometric tables), and a detector draws its box by features that
differ by as much again at equal size of the head."""


def face_box(camera: Camera, mouth: np.ndarray) -> np.ndarray:
    """Draw the face of a mouth into the image.

    Parameters
    ----------
    camera : Camera
    mouth : np.ndarray, shape (..., 3)
        Metres.

    Returns
    -------
    np.ndarray, shape (..., 4)
        Left, top, width, height (pixels); NaN behind the camera and beyond the reach of its lens.
    """
    local = camera.pose.inverse @ np.asarray(mouth, float)
    yaw = np.arctan2(local[..., 0], local[..., 2])
    half = FACE_WIDTH / 2 * np.stack([np.cos(yaw), np.zeros_like(yaw), -np.sin(yaw)], axis=-1)
    up = np.array([0.0, -FACE_HEIGHT * (1 - MOUTH_FROM_BOTTOM), 0.0])
    down = np.array([0.0, FACE_HEIGHT * MOUTH_FROM_BOTTOM, 0.0])
    corners = np.stack([local - half + up, local + half + down])
    top_left, bottom_right = camera.project_local(corners)
    box = np.concatenate([top_left, bottom_right - top_left], axis=-1)
    return np.where((box[..., 2:] > 0).all(axis=-1, keepdims=True), box, np.nan)


def visible_box(camera: Camera, mouth: np.ndarray) -> np.ndarray | None:
    """Draw the face of one mouth (m), shape (3,); None where `face_box` has none."""
    box = face_box(camera, mouth)
    return box if np.isfinite(box).all() else None


def mouth_pixel(box: np.ndarray) -> np.ndarray:
    """Pixel of the mouth, shape (..., 2), of face boxes (..., 4)."""
    box = np.asarray(box, float)
    return np.stack(
        [
            box[..., 0] + box[..., 2] / 2,
            box[..., 1] + box[..., 3] * (1 - MOUTH_FROM_BOTTOM),
        ],
        axis=-1,
    )


def box_centre(box: np.ndarray) -> np.ndarray:
    """Centre pixel, shape (..., 2), of boxes (..., 4)."""
    box = np.asarray(box, float)
    return box[..., :2] + box[..., 2:] / 2


def range_of_box(camera: Camera, box: np.ndarray, height: float = FACE_HEIGHT) -> np.ndarray:
    """Distance from the camera (m) at which a face of `height` (m) fills the height of a box.

    The angle between the rays through the middle of the upper and lower edge is that of a segment
    across the line of sight: ``range = height / (2 tan(angle / 2))``. Of boxes (..., 4) the
    distances (...,).
    """
    box = np.asarray(box, float)
    middle = box[..., 0] + box[..., 2] / 2
    upper, lower = box[..., 1], box[..., 1] + box[..., 3]
    edges = np.stack([np.stack([middle, upper], -1), np.stack([middle, lower], -1)])
    angle = np.arccos(np.clip(np.sum(np.prod(camera.rays(edges), axis=0), axis=-1), -1, 1))
    return height / (2 * np.tan(angle / 2))


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes.

    Parameters
    ----------
    first : np.ndarray, shape (n, 4)
    second : np.ndarray, shape (m, 4)

    Returns
    -------
    np.ndarray, shape (n, m)
    """
    first = np.asarray(first, float).reshape(-1, 1, 4)
    second = np.asarray(second, float).reshape(1, -1, 4)
    top_left = np.maximum(first[..., :2], second[..., :2])
    bottom_right = np.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    shared = np.prod(np.clip(bottom_right - top_left, 0, None), axis=-1)
    union = np.prod(first[..., 2:], axis=-1) + np.prod(second[..., 2:], axis=-1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def facing(position: np.ndarray, viewpoint: np.ndarray) -> RigidTransform:
    """Pose of a head at a position whose x looks to a viewpoint, with z up (REP 103).

    Parameters
    ----------
    position, viewpoint : np.ndarray, shape (3,)
        Metres, in a frame whose z is up. Where both are one, the pose is not turned.
    """
    forward = np.subtract(viewpoint, position)
    if not forward.any():
        return RigidTransform(translation=position)
    # Straight from below any side will do.
    left = np.cross([0.0, 0.0, 1.0], forward) + np.array([0.0, 1e-9, 0.0])
    forward, left = forward / np.linalg.norm(forward), left / np.linalg.norm(left)
    up = np.cross(forward, left)
    up /= np.linalg.norm(up)
    return RigidTransform(np.stack([forward, np.cross(up, forward), up], axis=1), position)
