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

"""Where a camera sits relative to microphones, from places that were seen and heard.

The camera tells the direction of a place well and its distance roughly; so do the microphones,
which err now and then by a reflection, and tell the distance only where two arrays stand apart.
The pose is that which best turns what was seen into what was heard: a robust least-squares fit,
started from the perspective pose problem (PnP) that it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import OptimizeResult, least_squares
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.transforms import RigidTransform

FEWEST_PLACES = 5

_HEARD_STD = np.deg2rad(1.2)
"""Deviation of the direction that was heard at a place (rad): the median error at standing talkers
in the simulated rooms of the training split is 1 to 2 degrees."""
_OUTLYING = 2.5
"""Residuals beyond so many deviations weigh less and less in the fit."""
_BEST_HEARD_STD = np.deg2rad(0.4)
"""However well the places agree, their directions are not trusted more than this (rad)."""
_POSITION_STD = 0.01
_OUTLIER = 4.0
"""Places off by more than so many deviations are called outliers; the fit feels them little."""
_NARROW = np.deg2rad(20.0)
_LARGEST_ROTATION_STD = np.deg2rad(5.0)
_LARGEST_TRANSLATION_STD = 0.3
_PNP_CONE = np.deg2rad(75.0)
_PNP_TOLERANCE = 0.2
_MOST_OUTLIERS = 0.5
_SINGULAR = 1e12


@dataclass(frozen=True)
class Place:
    """A place that was seen and heard.

    Attributes
    ----------
    seen : np.ndarray, shape (3,)
        Position in the camera's optical frame (m); its distance is only roughly right.
    heard : np.ndarray, shape (3,)
        Position from the centre of the microphones (m, array frame).
    heard_range_std : float
        Relative deviation of its distance from the microphones; infinite where they do not tell.
    """

    seen: np.ndarray
    heard: np.ndarray
    heard_range_std: float = np.inf


@dataclass(frozen=True)
class Extrinsics:
    """A pose of the camera, and how well the places agree on it.

    Attributes
    ----------
    array_from_camera : RigidTransform
    angles : np.ndarray, shape (places,)
        Between where a place was heard and where it should have been (rad).
    is_outlier : np.ndarray, shape (places,), bool
    rotation_std : float
        Deviation of the rotation about its worst axis (rad).
    translation_std : np.ndarray, shape (3,)
        Deviation of the camera's position (m, array frame).
    """

    array_from_camera: RigidTransform
    angles: np.ndarray
    is_outlier: np.ndarray
    rotation_std: float
    translation_std: np.ndarray

    @property
    def rms(self) -> float:
        """Root mean square of the angles of those that are no outliers (rad)."""
        return float(np.sqrt(np.mean(self.angles[~self.is_outlier] ** 2)))


def solve_extrinsics(
    places: Sequence[Place],
    centre: np.ndarray,
    *,
    scale_std: float,
    range_std: float,
    position: np.ndarray | None = None,
) -> Extrinsics:
    """Find the pose of the camera in the array frame.

    Parameters
    ----------
    places : sequence of Place
    centre : np.ndarray, shape (3,)
        Of the microphones (m, array frame).
    scale_std, range_std : float
        Relative deviations of the distances that were seen: of all together (the size of a head),
        and of each.
    position : np.ndarray, shape (3,), optional
        Of the camera (m, array frame), where it was measured with a rule.

    Raises
    ------
    InputError
        When there are too few places, they do not fix the pose, or most of them contradict it.
    """
    seen = np.array([place.seen for place in places]).reshape(-1, 3)
    _check_spread(seen)
    heard = np.array([place.heard for place in places])
    distances = np.linalg.norm(heard, axis=1)
    directions = heard / distances[:, None]
    problem = _Problem(
        seen,
        directions,
        distances,
        np.array([place.heard_range_std for place in places]),
        centre,
        scale_std,
        range_std,
        position,
    )
    fits = [problem.fit(start) for start in _starts(seen, directions, centre, position)]
    best = min(fits, key=lambda fit: fit.cost)
    pose, angles = problem.pose(best.x), problem.angles(best.x)
    is_outlier = angles > _OUTLIER * _HEARD_STD
    rotation_std, translation_std = _deviations(best.jac, angles, is_outlier)
    if is_outlier.mean() > _MOST_OUTLIERS:
        raise InputError(
            f'{is_outlier.sum()} of {len(places)} places were heard where they were not seen: '
            'check the array description, the channels (av-tracker check array), the camera '
            'calibration, and that audio and video are in step (av-tracker check sync)'
        )
    if rotation_std > _LARGEST_ROTATION_STD or translation_std.max() > _LARGEST_TRANSLATION_STD:
        raise InputError(
            'the places do not fix the pose of the camera (within '
            f'{np.rad2deg(rotation_std):.0f} degrees and {translation_std.max():.1f} m only): add '
            'places, left and right, high and low, near and far'
        )
    return Extrinsics(pose, angles, is_outlier, rotation_std, translation_std)


def _check_spread(seen: np.ndarray) -> None:
    if len(seen) < FEWEST_PLACES:
        raise InputError(
            f'{len(seen)} places were both seen and heard, at least {FEWEST_PLACES} are needed: '
            'stand still and talk for three seconds at each, facing the camera'
        )
    rays = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    widest = np.arccos(np.clip(rays @ rays.T, -1, 1)).max()
    if widest < _NARROW:
        raise InputError(
            f'all {len(seen)} places lie in one direction (within {np.rad2deg(widest):.0f} '
            'degrees, seen from the camera): spread them over the whole picture'
        )


@dataclass(frozen=True)
class _Problem:
    """The fit: pose (rotation vector, translation), scale of all ranges, error of each range.

    Residuals are in standard deviations.
    """

    seen: np.ndarray
    directions: np.ndarray
    distances: np.ndarray
    distance_std: np.ndarray
    centre: np.ndarray
    scale_std: float
    range_std: float
    position: np.ndarray | None

    def fit(self, start: RigidTransform) -> OptimizeResult:
        turn = Rotation.from_matrix(start.rotation).as_rotvec()
        unknown = np.concatenate([turn, start.translation, np.zeros(1 + len(self.seen))])
        return least_squares(self._residuals, unknown, loss='soft_l1', f_scale=_OUTLYING)

    def pose(self, unknown: np.ndarray) -> RigidTransform:
        return RigidTransform(Rotation.from_rotvec(unknown[:3]).as_matrix(), unknown[3:6])

    def angles(self, unknown: np.ndarray) -> np.ndarray:
        directions, _ = self._expected(unknown)
        return np.arccos(np.clip(np.sum(directions * self.directions, axis=1), -1, 1))

    def _expected(self, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Directions and distances at which the places should be heard."""
        ranges = np.exp(unknown[6] + unknown[7:])
        towards = self.pose(unknown) @ (ranges[:, None] * self.seen) - self.centre
        distances = np.linalg.norm(towards, axis=1)
        return towards / distances[:, None], distances

    def _residuals(self, unknown: np.ndarray) -> np.ndarray:
        directions, distances = self._expected(unknown)
        parts = [
            ((directions - self.directions) / _HEARD_STD).ravel(),
            np.log(distances / self.distances) / self.distance_std,
            unknown[6:7] / self.scale_std,
            unknown[7:] / self.range_std,
        ]
        if self.position is not None:
            parts.append((unknown[3:6] - self.position) / _POSITION_STD)
        return np.concatenate(parts)


def _starts(
    seen: np.ndarray, heard: np.ndarray, centre: np.ndarray, position: np.ndarray | None
) -> Iterator[RigidTransform]:
    """Yield poses to start from: camera at the array (or where it was measured to be), and PnP."""
    at_array = centre if position is None else position
    rotation, _ = Rotation.align_vectors(heard, seen / np.linalg.norm(seen, axis=1)[:, None])
    yield RigidTransform(rotation.as_matrix(), at_array)
    middle = np.median(heard, axis=0)
    pinhole_from_array = _looking_along(middle / np.linalg.norm(middle))
    bearings = heard @ pinhole_from_array.T
    ahead = bearings[:, 2] > np.cos(_PNP_CONE)
    if ahead.sum() < FEWEST_PLACES:
        return
    plane = bearings[ahead, :2] / bearings[ahead, 2:]
    found, turn, shift, _ = cv2.solvePnPRansac(
        seen[ahead],
        plane,
        np.eye(3),
        None,
        iterationsCount=300,
        reprojectionError=_PNP_TOLERANCE,
        flags=cv2.SOLVEPNP_SQPNP,
    )
    if found:
        pinhole_from_camera = RigidTransform(cv2.Rodrigues(turn)[0], shift.ravel())
        yield RigidTransform(pinhole_from_array.T, centre) @ pinhole_from_camera


def _looking_along(axis: np.ndarray) -> np.ndarray:
    """Rotation, shape (3, 3), that takes a unit vector to z."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    x = np.cross(helper, axis)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(axis, x), axis])


def _deviations(
    jacobian: np.ndarray, angles: np.ndarray, is_outlier: np.ndarray
) -> tuple[float, np.ndarray]:
    """Deviation of rotation (rad, worst axis) and translation (m), infinite where they are open.

    The Jacobian of a robust fit already weighs outliers down. It assumes `_HEARD_STD`; the angles
    that are left tell how well was heard, with six of their degrees of freedom spent on the pose.
    """
    information = jacobian.T @ jacobian
    if np.linalg.cond(information) > _SINGULAR:
        return np.inf, np.full(3, np.inf)
    agreeing = angles[~is_outlier]
    freedom = max(2 * len(agreeing) - 6, 1)
    heard_std = max(np.sqrt(np.sum(agreeing**2) / freedom), _BEST_HEARD_STD)
    covariance = (heard_std / _HEARD_STD) ** 2 * np.linalg.inv(information)
    rotation = np.sqrt(np.linalg.eigvalsh(covariance[:3, :3]).max())
    return float(rotation), np.sqrt(np.diag(covariance[3:6, 3:6]))
