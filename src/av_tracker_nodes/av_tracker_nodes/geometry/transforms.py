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

"""Rigid transforms between frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from av_tracker_nodes.geometry.rotations import matrix_of_quaternion, quaternion_of_matrix


@dataclass(frozen=True)
class RigidTransform:
    """Rotation and translation that take a point of the source frame to the target frame.

    ``target = rotation @ source + translation``; read ``world_from_camera @ point``.

    Attributes
    ----------
    rotation : np.ndarray, shape (3, 3)
    translation : np.ndarray, shape (3,)
        Metres.
    """

    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    translation: np.ndarray = field(default_factory=lambda: np.zeros(3))

    @classmethod
    def from_quaternion(cls, translation: np.ndarray, quaternion: np.ndarray) -> RigidTransform:
        """Make a transform from a translation (m) and a quaternion ``(x, y, z, w)``."""
        return cls(matrix_of_quaternion(quaternion), np.asarray(translation, float))

    @property
    def quaternion(self) -> np.ndarray:
        """Rotation as ``(x, y, z, w)``."""
        return quaternion_of_matrix(self.rotation)

    @cached_property
    def inverse(self) -> RigidTransform:
        """Transform from the target frame back to the source frame."""
        return RigidTransform(self.rotation.T, -self.rotation.T @ self.translation)

    def __matmul__(self, other: RigidTransform | np.ndarray) -> RigidTransform | np.ndarray:
        """Chain two transforms, or map points of shape (..., 3)."""
        if isinstance(other, RigidTransform):
            return RigidTransform(
                self.rotation @ other.rotation,
                self.rotation @ other.translation + self.translation,
            )
        return np.asarray(other) @ self.rotation.T + self.translation

    def rotate(self, vectors: np.ndarray) -> np.ndarray:
        """Rotate vectors of shape (..., 3) without translating them."""
        return np.asarray(vectors) @ self.rotation.T

    def rotate_covariance(self, covariance: np.ndarray) -> np.ndarray:
        """Express a covariance of shape (..., 3, 3) in the target frame."""
        return self.rotation @ covariance @ self.rotation.T
