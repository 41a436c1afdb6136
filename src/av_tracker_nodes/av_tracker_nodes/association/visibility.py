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

"""Whether a head can be seen at its place: in the picture, large enough, and not hidden."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import box_centre, visible_box

_TOO_SMALL, _LARGE_ENOUGH = 4.0, 16.0
"""Heights of faces (pixels) that no detector finds, and that all find."""
_CUT_AWAY, _CUT_LITTLE = 0.3, 0.7
"""Shares of a face inside the picture of which none are found, and all."""
_HEAD, _SHOULDERS = 1.0, 1.8
"""Half widths of head and body, in widths of the face."""
_CROWN, _CHIN = 0.5, 1.3
"""Top of the head above, and shoulders below the top of the face, in heights of the face."""
_HIDING = 0.95
"""Chance that who is covered by somebody nearer is not seen: nobody's outline is known exactly."""


@dataclass(frozen=True)
class Place:
    """Where somebody is: mouth (m), shape (3,), and its covariance (m^2), shape (3, 3)."""

    position: np.ndarray
    covariance: np.ndarray


def visibility(place: Place, camera: Camera, others: Iterable[Place]) -> float:
    """Chance that a head is to be seen, 0..1.

    Parameters
    ----------
    place : Place
        Of the head.
    camera : Camera
        In the frame of the places.
    others : iterable of Place
        Of the people who may stand before it.
    """
    box = visible_box(camera, place.position)
    if box is None:
        return 0.0
    size = (box[3] - _TOO_SMALL) / (_LARGE_ENOUGH - _TOO_SMALL)
    inside = (_share_inside(box, camera) - _CUT_AWAY) / (_CUT_LITTLE - _CUT_AWAY)
    chance = float(np.clip(size, 0.0, 1.0) * np.clip(inside, 0.0, 1.0))
    hidden = (
        _is_nearer(other, place, camera)
        for other in others
        if _covers(visible_box(camera, other.position), box_centre(box))
    )
    return chance * (1 - _HIDING * max(hidden, default=0.0))


def _is_nearer(other: Place, place: Place, camera: Camera) -> float:
    """Probability that somebody else is nearer to the camera, of two Gaussian ranges."""
    ranges, variances = [], []
    for each in (other, place):
        sight = each.position - camera.centre
        ranges.append(np.linalg.norm(sight))
        variances.append(sight @ each.covariance @ sight / (sight @ sight))
    return _normal_distribution((ranges[1] - ranges[0]) / math.sqrt(sum(variances)))


def _normal_distribution(deviations: float) -> float:
    return 0.5 * math.erfc(-deviations / math.sqrt(2))


def _share_inside(box: np.ndarray, camera: Camera) -> float:
    """Share of the area of a box that lies in the picture."""
    shown = np.minimum(box[:2] + box[2:], camera.size) - np.maximum(box[:2], 0)
    return float(np.prod(np.clip(shown, 0, None)) / np.prod(box[2:]))


def _covers(box: np.ndarray | None, pixel: np.ndarray) -> bool:
    """Tell whether head or body of the face in a box cover a pixel."""
    if box is None:
        return False
    aside = abs(pixel[0] - box_centre(box)[0]) / box[2]
    below = (pixel[1] - box[1]) / box[3]
    return (aside < _HEAD and below > -_CROWN) or (aside < _SHOULDERS and below > _CHIN)
