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

"""The meeting room of AV16.3: walls, two circular arrays on a table, three cameras.

Room, microphones and camera centres are the published numbers of the corpus. The aims and lenses
of its cameras are not published; these are chosen so that people who stand behind the table
(x from 0.6 m to 1.4 m, y from -1.1 m to 1.2 m) are in all three pictures, with faces about as
wide as in the corpus.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, MicrophoneArray, RigidTransform, Room

TABLE_HEIGHT = 0.73
"""Height of the table top, which is z = 0, above the floor (m)."""

IMAGE_SIZE = (360, 288)

ROOM = Room(np.array([-1.8, -6.0, -TABLE_HEIGHT]), np.array([1.8, 2.2, 1.67]))

_ARRAY_RADIUS = 0.1
_ARRAY_CENTRES = np.array([[0.0, 0.4, 0.0], [0.0, -0.4, 0.0]])

# Centre (m), aim (m), focal length (px), principal point (px), k1 k2 p1 p2 k3, alpha_c.
_CAMERAS = (
    ((-1.57, 2.01, 1.43), (0.75, 0.22, 0.60), 414.0, (183.2, 141.6), (-0.24, 0.10, 6e-4, -4e-4)),
    ((-1.57, -2.32, 1.19), (0.92, 0.08, 0.60), 402.0, (176.9, 146.3), (-0.22, 0.08, -3e-4, 7e-4)),
    ((-0.315, -3.105, 1.35), (0.80, 0.05, 0.55), 409.0, (181.4, 144.8), (-0.27, 0.13, 5e-4, 2e-4)),
)
_PIXEL_ASPECT = 1.012
_SKEW = 3e-4


def microphones() -> MicrophoneArray:
    """Return the two 8-microphone circles, numbered from -x counter-clockwise seen from above."""
    angles = np.pi + np.arange(8) * np.pi / 4
    circle = _ARRAY_RADIUS * np.stack([np.cos(angles), np.sin(angles), np.zeros(8)], axis=-1)
    positions = (_ARRAY_CENTRES[:, None] + circle).reshape(-1, 3)
    return MicrophoneArray(positions, groups=np.repeat([0, 1], 8), name='av163')


def cameras() -> tuple[Camera, Camera, Camera]:
    """Return cameras 1 to 3, described in the world frame."""
    return tuple(
        Camera(
            focal,
            focal * _PIXEL_ASPECT,
            *principal,
            IMAGE_SIZE,
            np.array([*distortion, 0.0]),
            _SKEW,
            _look_at(np.array(centre), np.array(aim)),
        )
        for centre, aim, focal, principal, distortion in _CAMERAS
    )


def disturb_microphones(array: MicrophoneArray, rng: np.random.Generator) -> MicrophoneArray:
    """Return the array as it may really stand: each coordinate +-2 mm, sound +-3 m/s."""
    shift = rng.uniform(-0.002, 0.002, array.positions.shape)
    speed = array.speed_of_sound + rng.uniform(-3.0, 3.0)
    return replace(array, positions=array.positions + shift, speed_of_sound=speed)


def disturb_camera(camera: Camera, rng: np.random.Generator) -> Camera:
    """Return the camera as it may really stand: up to 0.3 degrees and 1 cm off."""
    turn = Rotation.from_rotvec(np.radians(0.3) * _point_in_ball(rng)).as_matrix()
    pose = RigidTransform(
        camera.pose.rotation @ turn, camera.pose.translation + 0.01 * _point_in_ball(rng)
    )
    return replace(camera, pose=pose)


def _look_at(centre: np.ndarray, aim: np.ndarray) -> RigidTransform:
    """Pose of an upright camera at `centre` whose optical axis passes through `aim`."""
    forward = (aim - centre) / np.linalg.norm(aim - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    return RigidTransform(np.stack([right, down, forward], axis=-1), centre)


def _point_in_ball(rng: np.random.Generator) -> np.ndarray:
    """Vector of uniform direction and uniform length up to 1, shape (3,)."""
    direction = rng.normal(size=3)
    return direction / np.linalg.norm(direction) * rng.uniform()
