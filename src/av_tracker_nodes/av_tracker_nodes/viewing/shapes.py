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

"""How a track looks, whatever draws it."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.types import Track, TrackFrame, TrackState

HEAD_DIAMETER = 0.20
"""Metres."""
GREY = (0.6, 0.6, 0.6)
"""Colour of the truth: red, green, blue, 0..1."""

_SIGMAS = 3.0
_SMALLEST_VARIANCE = 1e-6


def shown_tracks(frame: TrackFrame) -> list[Track]:
    """Return those tracks of a frame that people are shown: not the tentative ones."""
    return [track for track in frame.tracks if track.state != TrackState.TENTATIVE]


def caption(track: Track) -> str:
    """Return the id, the probability of speech, and whether that counts as speaking."""
    return f'{track.id}: {track.speaking:.0%}' + (' speaks' if track.is_speaking else '')


def opacity(track: Track) -> float:
    """Return 0..1: full for who speaks, half as much for who is only remembered."""
    shade = 1.0 if track.is_speaking else 0.6
    return shade / 2 if track.state == TrackState.COASTING else shade


def ellipsoid(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ellipsoid of three standard deviations.

    Parameters
    ----------
    covariance : np.ndarray, shape (3, 3)
        Of a position (m^2).

    Returns
    -------
    half_axes : np.ndarray, shape (3,)
        Metres.
    quaternion : np.ndarray, shape (4,)
        Attitude of the axes, (x, y, z, w).
    """
    variances, axes = np.linalg.eigh(covariance)
    axes[:, 0] *= np.sign(np.linalg.det(axes))
    half_axes = _SIGMAS * np.sqrt(np.clip(variances, _SMALLEST_VARIANCE, None))
    return half_axes, RigidTransform(axes).quaternion
