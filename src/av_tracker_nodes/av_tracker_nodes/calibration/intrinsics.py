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

"""How a camera sees, from views of a board (Zhang 2000, by OpenCV)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from av_tracker_nodes.calibration.boards import BoardView
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.camera import Camera

FEWEST_VIEWS = 8

_OUTLIER = 3.0
_NEVER_REFUSED = 0.3
"""Reprojection error (pixels rms) up to which a view is always kept."""
_ROUNDS = 10
_LARGEST_FOCAL_STD = 0.02
"""Relative deviation of the focal lengths above which the views are said not to fix them."""
_TILT, _FEWEST_TILTED = np.deg2rad(15.0), 3
"""Boards that all face the camera leave focal length and distance open, and OpenCV's deviations do
not tell: so many views must be tilted by so much (rad)."""
_COVERED = 0.4
"""Share of the picture that all corners together should span."""


@dataclass(frozen=True)
class NamedView:
    """A view of the board and what to call it."""

    name: str
    view: BoardView


@dataclass(frozen=True)
class CameraCalibration:
    """A camera, and how well the views agree on it.

    Attributes
    ----------
    camera : Camera
    rms : float
        Distance of seen from reprojected corners (pixels, rms over all kept views).
    focal_std, centre_std : np.ndarray, shape (2,)
        Standard deviations of fx, fy and of cx, cy (pixels).
    errors : dict of str to float
        The same distance for every kept view.
    refused : dict of str to str
        Why other views were left out.
    warnings : tuple of str
        What would make the result better.
    """

    camera: Camera
    rms: float
    focal_std: np.ndarray
    centre_std: np.ndarray
    errors: dict[str, float]
    refused: dict[str, str]
    warnings: tuple[str, ...]


def calibrate_intrinsics(
    views: Sequence[NamedView], third_radial: bool = False
) -> CameraCalibration:
    """Calibrate a camera.

    Views that fit much worse than the others (a blurred image, a corner taken for another) are
    left out, the worst first, and the rest is calibrated anew.

    Parameters
    ----------
    views : sequence of NamedView
        Of one board, all of one image size.
    third_radial : bool
        Estimate k3 too; it is zero otherwise. For wide lenses, with many views that reach into
        the corners of the picture.

    Raises
    ------
    InputError
        When there are too few views, of differing sizes, or they do not fix the focal length.
    """
    size = _common_size(views)
    kept, refused = list(views), {}
    for _ in range(_ROUNDS):
        if len(kept) < FEWEST_VIEWS:
            raise InputError(_too_few(len(kept), refused))
        rms, matrix, distortion, turns, deviations, errors = _solve(kept, size, third_radial)
        limit = max(_OUTLIER * np.median(errors), _NEVER_REFUSED)
        if errors.max() <= limit:
            break
        worst = kept.pop(int(errors.argmax()))
        refused[worst.name] = (
            f'fits worse than the others: {errors.max():.2f} pixels, {np.median(errors):.2f} in '
            'the median (blurred, or a bent board?)'
        )
    focal_std, centre_std = deviations[:2], deviations[2:4]
    focal = np.array([matrix[0, 0], matrix[1, 1]])
    tilted = sum(_tilt(turn) > _TILT for turn in turns)
    if tilted < _FEWEST_TILTED or not np.all(focal_std / focal < _LARGEST_FOCAL_STD):
        raise InputError(
            f'the views do not fix the focal length: in {tilted} of {len(kept)} the board is '
            'tilted; hold it tilted by 30 degrees or so, to the left, right, up and down'
        )
    camera = Camera(
        matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], size, distortion.ravel()[:5]
    )
    names = [view.name for view in kept]
    return CameraCalibration(
        camera,
        float(rms),
        focal_std,
        centre_std,
        dict(zip(names, errors.tolist(), strict=True)),
        refused,
        tuple(_warnings(kept, size)),
    )


def missing_parts(views: Sequence[NamedView], size: tuple[int, int]) -> list[str]:
    """Name the sides of the picture where no corner has been seen yet."""
    if not views:
        return ['left', 'right', 'top', 'bottom']
    x, y = (np.concatenate([v.view.pixels for v in views]) / size).T
    sides = {
        'left': x.min() > 0.15,
        'right': x.max() < 0.85,
        'top': y.min() > 0.15,
        'bottom': y.max() < 0.85,
    }
    return [side for side, is_missing in sides.items() if is_missing]


def _solve(
    views: Sequence[NamedView], size: tuple[int, int], third_radial: bool
) -> tuple[float, np.ndarray, np.ndarray, list[np.ndarray], np.ndarray, np.ndarray]:
    """Calibrate.

    Returns
    -------
    rms, K, distortion, rotation vectors of the board, deviations of (fx, fy, cx, cy, ...), and
    the errors of the views.
    """
    points = [view.view.points.astype(np.float32) for view in views]
    pixels = [view.view.pixels.astype(np.float32) for view in views]
    flags = 0 if third_radial else cv2.CALIB_FIX_K3
    rms, matrix, distortion, turns, _, deviations, _, errors = cv2.calibrateCameraExtended(
        points, pixels, size, None, None, flags=flags
    )
    return rms, matrix, distortion, turns, deviations.ravel(), errors.ravel()


def _tilt(turn: np.ndarray) -> float:
    """Angle (rad) between the normal of a board with a rotation vector and the optical axis."""
    rotation, _ = cv2.Rodrigues(turn)
    return float(np.arccos(np.clip(abs(rotation[2, 2]), 0, 1)))


def _common_size(views: Sequence[NamedView]) -> tuple[int, int]:
    sizes = {view.view.size: view.name for view in views}
    if not sizes:
        raise InputError(_too_few(0, {}))
    if len(sizes) > 1:
        shown = ', '.join(f'{w} x {h} ({name})' for (w, h), name in sizes.items())
        raise InputError(f'the images have different sizes: {shown}; calibrate one at a time')
    return next(iter(sizes))


def _too_few(count: int, refused: dict[str, str]) -> str:
    dropped = f' ({len(refused)} fitted worse than the others)' if refused else ''
    return (
        f'{count} views of the board can be used{dropped}, at least {FEWEST_VIEWS} are needed: '
        'check the pattern and its number of squares, and take sharp images of all of the board'
    )


def _warnings(views: Sequence[NamedView], size: tuple[int, int]) -> list[str]:
    corners = np.concatenate([view.view.pixels for view in views]).astype(np.float32)
    covered = cv2.contourArea(cv2.convexHull(corners)) / (size[0] * size[1])
    if covered >= _COVERED and not missing_parts(views, size):
        return []
    where = ', '.join(missing_parts(views, size)) or 'everywhere further out'
    return [
        f'the board was seen on {100 * covered:.0f} % of the picture only; add views at its '
        f'edges ({where}): distortion is guessed there'
    ]
