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

"""What calibrations of cameras get wrong: size, lens, and the axes of the frame."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.camera import Camera

LARGEST_SIDE = 16_384
"""Of images (pixels)."""

_VERTICAL = np.cos(np.deg2rad(20))
"""Cosine to the vertical from which an axis points up or down."""
_RISING, _SIDEWAYS = 0.5, 0.15
"""Upward parts of the optical axis, and of the columns of the image, that only a body frame that
is taken for an optical one has: such a camera would look up and lie on its side."""

_GRID, _LEAST_FILLED = 15, 0.1
"""Pixels of a grid across and down, and the share of them that a lens must fill. The circle of a
fisheye lens fills more than a third of the usual images."""


def check_image_size(camera: Camera, size: tuple[int, int], what: str) -> None:
    """Refuse images of another size than the calibration is for.

    Parameters
    ----------
    camera : Camera
    size : tuple of int
        Width and height (pixels) of an image.
    what : str
        Has the images, for the error.

    Raises
    ------
    InputError
        With both sizes and what can be done.
    """
    problem = image_size_problem(camera, size)
    if problem is not None:
        raise InputError(f'{what} has {problem}')


def image_size_problem(camera: Camera, size: tuple[int, int]) -> str | None:
    """Tell whether images (width, height in pixels) have another size than the calibration is for.

    Returns
    -------
    str or None
        Both sizes and what can be done; None where they are the same.
    """
    if tuple(size) == tuple(camera.size):
        return None
    width, height = camera.size
    return (
        f'images of {size[0]} x {size[1]} pixels, its calibration is for {width} x {height}: '
        f'{_remedy(size, camera.size)}'
    )


def check_lens(camera: Camera, what: str) -> None:
    """Refuse a lens that hardly images anything: its coefficients cannot be right.

    Raises
    ------
    InputError
        With the part of the image that it fills.
    """
    width, height = camera.size
    grid = np.meshgrid(np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID))
    filled = np.isfinite(camera.rays(np.stack(grid, axis=-1))).all(axis=-1).mean()
    if filled < _LEAST_FILLED:
        raise InputError(
            f'the distortion of {what} folds over where it fills {100 * filled:.0f} % of the '
            'image: check its coefficients, or calibrate it'
        )


def optical_axis_problem(camera: Camera, frame: str) -> str | None:
    """Tell whether a camera is described in a body frame instead of an optical one.

    In a body frame (x forward, y left, z up), what is taken for the optical axis points up. A
    camera that really looks straight up is rare, one that looks straight down is not: that is
    doubted only in frames without ``optical`` in their names.

    Parameters
    ----------
    camera : Camera
        In a frame whose z axis points up.
    frame : str
        Name of its own frame.

    Returns
    -------
    str or None
        The problem and what to do; None where the axis is plausible.
    """
    columns, axis = camera.pose.rotation[2, 1:]
    named_optical = 'optical' in frame.lower()
    lies = not named_optical and axis > _RISING and abs(columns) < _SIDEWAYS
    if axis >= _VERTICAL or lies:
        looks = 'up'
    elif axis <= -_VERTICAL and not named_optical:
        looks = 'down'
    else:
        return None
    remedy = (
        'give it the turn from body to optical axes (z forward, x right, y down)'
        if named_optical
        else f"set frame_id of the camera to its optical frame ('{_optical_name(frame)}' or so: "
        'z forward, x right, y down)'
    )
    return f"the camera looks {looks} along z of '{frame}': if it does not, {remedy}"


def _remedy(size: tuple[int, int], calibrated: tuple[int, int]) -> str:
    across, down = calibrated[0] / size[0], calibrated[1] / size[1]
    calibrate = 'calibrate at the size that is used'
    if across == down >= 2 and across == round(across):
        return (
            f'set binning_x and binning_y of camera_info to {round(across)} if pixels are binned, '
            f'else {calibrate}'
        )
    if across == down < 1:
        return (
            'set binning_x and binning_y of camera_info to 1 if it is for binned images already, '
            f'else {calibrate}'
        )
    if across >= 1 and down >= 1:
        return f'set roi of camera_info if a part is cut out, else {calibrate}'
    return calibrate


def _optical_name(frame: str) -> str:
    stem = frame.removesuffix('_link').removesuffix('_frame')
    return f'{stem}_optical_frame'
