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

"""Where the coherence field is sampled: pixels, directions, and ranges.

Directions surround the microphones on a Fibonacci lattice, whose points are spread evenly over
the sphere. Ranges are evenly spaced in inverse range, because that is what arrays resolve: the
parallax of a baseline is proportional to it.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.region import Region

_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


def image_grid(size: tuple[int, int], pitch: float) -> np.ndarray:
    """Lay a regular grid over an image, the centres of cells of `pitch` pixels.

    Parameters
    ----------
    size : tuple of int
        Image width and height (pixels).
    pitch : float
        Pixels from one point to the next.

    Returns
    -------
    np.ndarray, shape (rows, columns, 2)
        Pixels (u, v): ``(index + 0.5) pitch - 0.5``, where `cv2.resize` takes them to be.
    """
    width, height = size
    u = (np.arange(max(round(width / pitch), 1)) + 0.5) * pitch - 0.5
    v = (np.arange(max(round(height / pitch), 1)) + 0.5) * pitch - 0.5
    return np.stack(np.meshgrid(u, v), axis=-1)


def box_grid(box: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Lay a grid over a box, in coordinates relative to the box.

    Parameters
    ----------
    box : np.ndarray, shape (4,)
        Left, top, width, height (pixels).
    rows, columns : int

    Returns
    -------
    np.ndarray, shape (rows, columns, 2)
        Pixels (u, v).
    """
    left, top, width, height = np.asarray(box, float)
    u = left + (np.arange(columns) + 0.5) / columns * width
    v = top + (np.arange(rows) + 0.5) / rows * height
    return np.stack(np.meshgrid(u, v), axis=-1)


def directions(step: float) -> np.ndarray:
    """Spread directions evenly over the sphere.

    Parameters
    ----------
    step : float
        Spacing (rad); each direction stands for a solid angle of its square.

    Returns
    -------
    np.ndarray, shape (n, 3)
        Unit vectors.
    """
    count = int(np.ceil(4 * np.pi / step**2))
    index = np.arange(count)
    z = 1 - (2 * index + 1) / count
    azimuth = index * _GOLDEN_ANGLE
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], axis=-1)


def inverse_ranges(
    baseline: float, nearest: float, farthest: float, parallax: float
) -> np.ndarray:
    """Choose ranges that a baseline can tell apart.

    Parameters
    ----------
    baseline : float
        Distance between the outermost arrays, or the aperture of a single one (m).
    nearest, farthest : float
        Limits (m).
    parallax : float
        Change of the angle between the two ends of the baseline from one range to the next (rad).

    Returns
    -------
    np.ndarray, shape (n,)
        Inverse ranges (1/m), descending, n >= 2.
    """
    steps = int(np.ceil((1 / nearest - 1 / farthest) * baseline / parallax))
    return np.linspace(1 / nearest, 1 / farthest, max(steps, 1) + 1)


def surround_grid(
    centre: np.ndarray, directions: np.ndarray, inverse_ranges: np.ndarray, region: Region
) -> np.ndarray:
    """Sample the space around the microphones.

    Parameters
    ----------
    centre : np.ndarray, shape (3,)
        Centre of the microphones (m, array frame).
    directions : np.ndarray, shape (d, 3)
        Unit vectors.
    inverse_ranges : np.ndarray, shape (r,)
        1/m.
    region : Region
        Points outside are left out.

    Returns
    -------
    np.ndarray, shape (n, 3)
        Points (m, array frame).
    """
    points = centre + directions[:, None] / np.asarray(inverse_ranges)[None, :, None]
    points = points.reshape(-1, 3)
    return points[region.contains(points)]
