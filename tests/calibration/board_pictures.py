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

"""Pictures of boards as a known camera would take them, distortion included."""

from functools import lru_cache

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, RigidTransform

SIZE = 640, 480
CAMERA = Camera(520.0, 515.0, 330.0, 236.0, SIZE, np.array([-0.28, 0.09, 1e-3, -8e-4, 0.0]))
_DETAIL = 2
_PIXELS_A_SQUARE = 60
_MARGIN = _PIXELS_A_SQUARE // 2


@lru_cache(maxsize=1)
def _plane():
    """Points at unit depth of all pixels, `_DETAIL` times as dense, float32."""
    width, height = SIZE
    step = (np.arange(_DETAIL) - (_DETAIL - 1) / 2) / _DETAIL
    u = (np.arange(width)[:, None] + step).ravel()
    v = (np.arange(height)[:, None] + step).ravel()
    points = CAMERA.back_project(np.stack(np.meshgrid(u, v), axis=-1))
    return np.float32(points[..., :2])


def picture(board, pose, noise=2.0, seed=0):
    """Draw a board whose pose takes its points to the camera's frame; grey wall behind it."""
    # Texture coordinates are a homography of the undistorted plane at unit depth.
    to_texture = np.array([[1, 0, _MARGIN - 0.5], [0, 1, _MARGIN - 0.5], [0, 0, 1]])
    to_texture[:2, :2] *= _PIXELS_A_SQUARE / board.square
    homography = to_texture @ np.linalg.inv(
        np.column_stack([pose.rotation[:, :2], pose.translation])
    )
    texel = cv2.perspectiveTransform(_plane(), homography)
    drawn = board.draw(_PIXELS_A_SQUARE)
    fine = cv2.remap(drawn, texel, None, cv2.INTER_LINEAR, borderValue=120)
    image = cv2.resize(fine, SIZE, interpolation=cv2.INTER_AREA).astype(float)
    image = 30 + 0.7 * cv2.GaussianBlur(image, (0, 0), 0.6)
    image += noise * np.random.default_rng(seed).standard_normal(image.shape)
    return cv2.cvtColor(np.uint8(np.clip(image, 0, 255)), cv2.COLOR_GRAY2BGR)


def poses(board, count, seed=1, tilt=35.0, spread=0.32):
    """Poses of a board held before the camera here and there, tilted this way and that."""
    rng = np.random.default_rng(seed)
    middle = board.square * np.array([board.columns / 2, board.rows / 2, 0])
    for _ in range(count):
        angles = np.array([*rng.uniform(-tilt, tilt, 2), rng.uniform(-20, 20)])
        rotation = Rotation.from_euler('xyz', angles, degrees=True).as_matrix()
        depth = rng.uniform(1.5, 2.6) * board.columns * board.square
        place = np.append(depth * rng.uniform(-spread, spread, 2) * [1.2, 0.9], depth)
        yield RigidTransform(rotation, place - rotation @ middle)
