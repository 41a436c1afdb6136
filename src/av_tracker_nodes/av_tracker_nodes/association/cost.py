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

"""Dual geometric constraint: how well a detection fits a track (AVCLNet, section 3.3).

Boxes are rows of left, top, width, height (pixels); a row of NaN stands for no box.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.head import overlap

NO_BOX = np.full(4, np.nan)

_UNKNOWN_LOOKS = 0.35
"""Between what views of one person and of two differ by, 0.11 and 0.63 in the median of validation
people; little enough that whoever comes back without looks is known by the place."""


def box_cost(tracks: np.ndarray, detections: np.ndarray) -> np.ndarray:
    """Two-dimensional cost, eq 15: ``1 - IoU``.

    Parameters
    ----------
    tracks, detections : np.ndarray, shapes (t, 4) and (d, 4)

    Returns
    -------
    np.ndarray, shape (t, d)
    """
    return 1 - overlap(np.nan_to_num(tracks), np.nan_to_num(detections))


def distance_cost(distance: np.ndarray, sigma: float) -> np.ndarray:
    """Three-dimensional cost, eq 17: ``1 - exp(-d^2 / (2 sigma^2))`` of distances (m)."""
    return 1 - np.exp(-(distance**2) / (2 * sigma**2))


def dual_geometric_cost(
    tracks: np.ndarray, detections: np.ndarray, distance: np.ndarray, beta: float, sigma: float
) -> np.ndarray:
    """Combine both costs into that of matching, eqs 18 and 19.

    ``beta C2D + (1 - beta) C3D``; ``beta = 0`` where either side has no box, as with a voice.

    Parameters
    ----------
    tracks, detections : np.ndarray, shapes (t, 4) and (d, 4)
        Boxes.
    distance : np.ndarray, shape (t, d)
        Euclidean distance in space (m), eq 16.
    beta : float
    sigma : float
        Metres.

    Returns
    -------
    np.ndarray, shape (t, d)
        In [0, 1].
    """
    weight = beta * np.outer(~np.isnan(tracks[:, 0]), ~np.isnan(detections[:, 0]))
    flat = box_cost(tracks, detections)
    return weight * flat + (1 - weight) * distance_cost(distance, sigma)


def appearance_cost(
    tracks: list[np.ndarray | None], detections: list[np.ndarray | None]
) -> np.ndarray:
    """Difference in looks: the cosine distance ``1 - e_i . e_j``.

    Parameters
    ----------
    tracks, detections : lists of np.ndarray, shape (n,), or None
        Embeddings of unit length; None where there is none. Those of other numbers are of another
        detector, and tell as little as none.

    Returns
    -------
    np.ndarray, shape (t, d)
        In [0, 2].
    """
    cost = np.full((len(tracks), len(detections)), _UNKNOWN_LOOKS)
    for i, track in enumerate(tracks):
        for j, detection in enumerate(detections):
            if are_comparable(track, detection):
                cost[i, j] = max(1 - float(track @ detection), 0.0)
    return cost


def are_comparable(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    """Tell whether two embeddings are there and of one kind."""
    return first is not None and second is not None and first.shape == second.shape


def kernel_width(sigma: float, room_depth: float) -> float:
    """Scale the kernel of eq 17 to the scene: `sigma` at 3 m depth, within 0.25 to 1 m."""
    return float(np.clip(sigma * room_depth / 3.0, 0.25, 1.0))
