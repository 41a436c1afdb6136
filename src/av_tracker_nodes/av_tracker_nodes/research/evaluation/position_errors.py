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

"""Errors of tracks in space."""

from __future__ import annotations

from math import nan

import numpy as np

from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.statistics import mean

_THREE_SIGMA = 9.0
INSIDE_95 = 7.815
"""Squared deviations within which 95 % of a Gaussian in space lie (chi square, 3 degrees)."""


def position_errors(matching: Matching) -> dict[str, float]:
    """Distance between mouths of people in view and the tracks matched to them in the image.

    Returns
    -------
    dict
        mae_3d_m; mae_3d_speaking_m and mae_3d_silent_m: while the person speaks or not, NaN
        without labels; coverage_3sigma: share of the errors inside the ellipsoid of three
        standard deviations that the tracker states, and coverage_95: inside that which should
        hold 95 %, NaN without covariances; range_error_percent: median error of the distance from
        the camera, as a share of it.
    """
    truth, tracks = matching.truth, matching.tracks
    people, frames, rows = matching.pairs.T
    error = tracks.position[rows] - truth.mouth[people, frames]
    distance = np.linalg.norm(error, axis=1)
    known = ~np.isnan(distance)
    speaking = silent = np.zeros(len(rows), bool)
    if truth.speaking is not None:
        speaking = truth.speaking[people, frames]
        silent = ~speaking
    centre = truth.rig.camera.centre
    ranges = np.linalg.norm(truth.mouth[people, frames][known] - centre, axis=1)
    off = np.linalg.norm(tracks.position[rows][known] - centre, axis=1) - ranges
    covariance = tracks.covariance[rows]
    stated = known & ~np.isnan(covariance).any(axis=(1, 2))
    return {
        'mae_3d_m': mean(distance[known]),
        'mae_3d_speaking_m': mean(distance[known & speaking]),
        'mae_3d_silent_m': mean(distance[known & silent]),
        'coverage_3sigma': mean(inside_ellipsoid(error[stated], covariance[stated])),
        'coverage_95': mean(inside_ellipsoid(error[stated], covariance[stated], INSIDE_95)),
        'range_error_percent': float(np.median(100 * np.abs(off) / ranges)) if len(off) else nan,
    }


def inside_ellipsoid(
    error: np.ndarray, covariance: np.ndarray, limit: float = _THREE_SIGMA
) -> np.ndarray:
    """Tell which errors (n, 3) are in the ellipsoids of covariances (n, 3, 3).

    The square of the Mahalanobis distance is at most `limit`: by default that of three standard
    deviations.
    """
    weighted = (np.linalg.pinv(covariance, hermitian=True) @ error[..., None])[..., 0]
    return (error * weighted).sum(axis=-1) <= limit
