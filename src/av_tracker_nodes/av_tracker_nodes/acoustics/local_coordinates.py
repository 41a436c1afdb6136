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

"""Two angles and an inverse range about a place, and how delays change with them.

What microphones hear of a place changes with its direction and, the nearer it is, with its range;
in the inverse range that change is even.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics.backend import compiled

_BEND_PROBE = 0.1
"""Angle (rad) over which the bend of an arc is measured."""


@compiled
def local_axes(offset: np.ndarray) -> tuple[float, np.ndarray]:
    """Length of an offset (3,), and unit vectors along it and in two directions across, (3, 3).

    The frame is that of Duff et al. (2017).
    """
    distance = np.sqrt(offset[0] ** 2 + offset[1] ** 2 + offset[2] ** 2)
    x, y, z = offset[0] / distance, offset[1] / distance, offset[2] / distance
    sign = np.copysign(1.0, z)
    a = -1 / (sign + z)
    b = x * y * a
    axes = np.empty((3, 3))
    axes[0, 0], axes[0, 1], axes[0, 2] = x, y, z
    axes[1, 0], axes[1, 1], axes[1, 2] = 1 + sign * x * x * a, sign * b, -sign * x
    axes[2, 0], axes[2, 1], axes[2, 2] = b, sign + y * y * a, -y
    return distance, axes


@compiled
def around(
    position: np.ndarray, turns: np.ndarray, centre: np.ndarray, limits: tuple[float, float]
) -> np.ndarray:
    """Points (n, 3) about a position, by two angles and a change of inverse range each (n, 3).

    The inverse range stays within the limits.
    """
    distance, axes = local_axes(position - centre)
    points = np.empty((len(turns), 3))
    for n in range(len(turns)):
        square = 0.0
        for axis in range(3):
            ray = axes[0, axis] + turns[n, 0] * axes[1, axis] + turns[n, 1] * axes[2, axis]
            points[n, axis] = ray
            square += ray * ray
        inverse = min(max(1 / distance + turns[n, 2], limits[0]), limits[1])
        for axis in range(3):
            points[n, axis] = centre[axis] + points[n, axis] / (np.sqrt(square) * inverse)
    return points


@compiled
def slopes_of_delays(
    position: np.ndarray,
    centre: np.ndarray,
    microphones: np.ndarray,
    pairs: np.ndarray,
    speed: float,
) -> np.ndarray:
    """Change of delays with two angles (s/rad) and inverse range (s m), shape (pairs, 3)."""
    distance, axes = local_axes(position - centre)
    travel = np.empty((len(microphones), 3))
    for m in range(len(microphones)):
        x = position[0] - microphones[m, 0]
        y = position[1] - microphones[m, 1]
        z = position[2] - microphones[m, 2]
        scale = distance / (speed * np.sqrt(x * x + y * y + z * z))
        for k in range(3):
            travel[m, k - 1] = scale * (x * axes[k, 0] + y * axes[k, 1] + z * axes[k, 2])
        travel[m, 2] *= -distance
    slopes = np.empty((len(pairs), 3))
    for k in range(len(pairs)):
        for n in range(3):
            slopes[k, n] = travel[pairs[k, 0], n] - travel[pairs[k, 1], n]
    return slopes


@compiled
def bend_of_delays(
    peak: np.ndarray,
    along: np.ndarray,
    centre: np.ndarray,
    microphones: np.ndarray,
    pairs: np.ndarray,
    speed: float,
) -> np.ndarray:
    """Second derivative (s/rad^2) of the delays, shape (pairs,), on a great circle `along`."""
    distance, axes = local_axes(peak - centre)
    cosine, sine = distance * np.cos(_BEND_PROBE), distance * np.sin(_BEND_PROBE)
    travel = np.empty(len(microphones))
    for m in range(len(microphones)):
        before = now = after = 0.0
        for axis in range(3):
            start = centre[axis] - microphones[m, axis]
            here, side = cosine * axes[0, axis], sine * along[axis]
            before += (start + here - side) ** 2
            now += (start + distance * axes[0, axis]) ** 2
            after += (start + here + side) ** 2
        travel[m] = np.sqrt(before) - 2 * np.sqrt(now) + np.sqrt(after)
    change = np.empty(len(pairs))
    for k in range(len(pairs)):
        change[k] = (travel[pairs[k, 0]] - travel[pairs[k, 1]]) / (speed * _BEND_PROBE**2)
    return change
