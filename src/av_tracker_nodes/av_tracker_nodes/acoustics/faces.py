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

"""The coherence field inside face boxes: vision-guided GCF."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT, mouth_from_face
from av_tracker_nodes.geometry.grid import box_grid
from av_tracker_nodes.geometry.head import range_of_box
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.types import Face, FaceSound

_RANGE_STD = 0.1
"""Relative deviation of the range that a box implies, from the size of heads and of boxes."""

_ACROSS_STD = 0.05
"""Deviation of the mouth that a detected face tells, across the line of sight (m)."""

_FARTHEST = 100.0
"""Nobody is heard from farther (m), however small a box is."""


@dataclass(frozen=True)
class FaceVolume:
    """Points that a face box can stand for.

    Attributes
    ----------
    points : np.ndarray, shape (ranges, rows, columns, 3)
        Metres, array frame.
    ranges : np.ndarray, shape (ranges,)
        Distances from the camera (m).
    centre : np.ndarray, shape (3,)
        The mouth at the range that the height of the box implies.
    covariance : np.ndarray, shape (3, 3)
        Of the mouth about the centre (m^2).
    """

    points: np.ndarray
    ranges: np.ndarray
    centre: np.ndarray
    covariance: np.ndarray

    def distance(self, position: np.ndarray, covariance: np.ndarray) -> float:
        """Squared Mahalanobis distance of a place (m, with covariance) from the face."""
        offset = position - self.centre
        return float(offset @ np.linalg.solve(covariance + self.covariance, offset))

    @classmethod
    def behind(cls, camera: RayMap, face: Face, config: AcousticConfig) -> FaceVolume:
        """Follow the rays through a face box.

        Parameters
        ----------
        camera : RayMap
            In the array frame.
        face : Face
        config : AcousticConfig
        """
        grid = box_grid(face.box, config.face_rows, config.face_columns)
        mouth = mouth_from_face(face.box, face.landmarks)
        rays = camera.rays(np.concatenate([grid.reshape(-1, 2), mouth[None]]))
        implied = min(float(range_of_box(camera, face.box, DETECTOR_FACE_HEIGHT)), _FARTHEST)
        ranges = implied * _relative_ranges(*config.face_range_limits, config.face_ranges)
        points = (
            camera.centre + rays[:-1].reshape(*grid.shape[:2], 3) * ranges[:, None, None, None]
        )
        along = np.outer(rays[-1], rays[-1])
        covariance = (_RANGE_STD * implied) ** 2 * along + _ACROSS_STD**2 * (np.eye(3) - along)
        return cls(points, ranges, camera.centre + implied * rays[-1], covariance)

    def without_coherence(
        self, tracklet: int, speech: float, camera: RayMap, config: AcousticConfig
    ) -> FaceSound:
        """Sound of the face where no coherence tells a place, from the probability of speech."""
        return FaceSound(
            tracklet,
            np.zeros((config.face_rows, config.face_columns), np.float32),
            0.0,
            0.0,
            self.centre,
            float(np.linalg.norm(self.centre - camera.centre)),
            float(np.ptp(self.ranges) / np.sqrt(12)),
            speech,
        )


@cache
def _relative_ranges(nearest: float, farthest: float, count: int) -> np.ndarray:
    return np.geomspace(nearest, farthest, count)


@dataclass(frozen=True)
class FaceField:
    """The field over a face volume, boiled down.

    Attributes
    ----------
    values : np.ndarray, shape (rows, columns), float32
        At the range of the peak.
    peak, mean : float
        Maximum over box and range (AVCLNet eq 3), mean at the range of the peak (eq 4).
    position : np.ndarray, shape (3,)
        Of the peak (m, array frame).
    range, range_std : float
        From the camera (m).
    """

    values: np.ndarray
    peak: float
    mean: float
    position: np.ndarray
    range: float
    range_std: float

    @classmethod
    def of(cls, volume: FaceVolume, field: np.ndarray, config: AcousticConfig) -> FaceField:
        """Summarise the field (ranges, rows, columns) of a volume.

        The best value at each range stands for the log-likelihood of that range, up to a factor;
        the deviation of the range is taken about the peak over all ranges that were tried.
        """
        depth, row, column = np.unravel_index(np.argmax(field), field.shape)
        best = volume.ranges[depth]
        profile = field.max(axis=(1, 2)).astype(float)
        likelihood = np.exp(config.range_gain * (profile - profile.max()))
        spread = np.sqrt((likelihood * (volume.ranges - best) ** 2).sum() / likelihood.sum())
        spacing = best * np.log(volume.ranges[1] / volume.ranges[0])
        return cls(
            field[depth],
            float(field[depth, row, column]),
            float(field[depth].mean()),
            volume.points[depth, row, column],
            float(best),
            float(np.hypot(spread, spacing / 2)),
        )
