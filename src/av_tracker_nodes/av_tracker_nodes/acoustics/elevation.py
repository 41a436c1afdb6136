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

"""The angle between a voice and the plane of a flat array.

Microphones in a plane hear the part of a direction that lies in the plane: its azimuth in there,
and the cosine of the elevation ``e`` over the plane. The slope of the cosine is zero in the
plane, so near it there is hardly any information on the elevation; and the mirror image behind
the plane sounds alike. What floor, ceiling and the diffuse field of a room add to a voice is
shorter in the plane than the voice itself. A small array hears all of it as one, and the cosine
``c = (1 - b) cos e`` too short, by a share ``b``: as it stands, it would put people who talk at
the height of the array 20 to 45 degrees above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics.backend import compiled
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.geometry.bearings import normal_of_plane

_COHERENCES, _MISSING = (0.34, 0.48, 0.85), (0.18, 0.05, 0.0)
"""Share that is missing of the part in the plane, by the coherence of the peak.

Fitted to peaks of a ReSpeaker, a UMA-8 and an Azure Kinect, in training rooms of 0.2 to 0.8 s
(seeds 400 to 403, one and three talkers); nothing is missing of a voice without a room."""

_LARGEST = 0.12
"""Arrays that are longer than this (m) tell a voice and its reflections apart."""

_SPREAD = 0.40
"""Standard deviation of the missing share, relative to it; from the same rooms."""

_BEHIND = np.deg2rad(10.0)
"""How far behind the plane sound may come from, where the other side is the one that is listened
to (standard deviation): who is shorter than the array is high, or sits. Behind means below for an
array that lies."""

_LEAST = 1e-6
"""Part in the plane (of 1) below which a peak is on the axis, and any circle is as good."""

_STEPS = 61
"""Elevations that the posterior is taken at, all round from behind the plane over its axis."""


@dataclass(frozen=True)
class Meridian:
    """Directions on a great circle through a peak and the axis of the plane.

    Attributes
    ----------
    along, across : np.ndarray, shape (3,)
        Unit vectors at the peak, along the circle towards the axis, and aside.
    angles : np.ndarray, shape (n,)
        From the peak along the circle (rad).
    deviations : np.ndarray, shape (n,)
        How far each is from what was heard, in standard deviations.
    told : float
        Angle (rad) of the direction that is told: the peak without what is missing of it, and the
        more is missing, the more the mean of what can be.
    """

    along: np.ndarray
    across: np.ndarray
    angles: np.ndarray
    deviations: np.ndarray
    told: float


class Plane:
    """The plane of one flat array.

    Parameters
    ----------
    normal : np.ndarray, shape (3,)
        Unit vector.
    baselines : np.ndarray, shape (pairs, 3)
        Between the microphones of pairs, as times of sound (s).
    floor : float
        Deviation of the part of a direction in the plane that no coherence improves on.
    """

    def __init__(self, normal: np.ndarray, baselines: np.ndarray, floor: float) -> None:
        self._normal = normal
        self._baselines = baselines
        self._floor = floor

    @classmethod
    def of(cls, delays: PairDelays, floor: float) -> Plane | None:
        """Take the plane of microphones, None where they are not one small flat array."""
        if len(delays.connected) != 1 or delays.longest * delays.speed > _LARGEST:
            return None
        normal = normal_of_plane(delays.microphones)
        if normal is None:
            return None
        first, second = delays.microphones[delays.pairs.T]
        return cls(normal, (first - second) / delays.speed, floor)

    def meridian(self, ray: np.ndarray, coherence: float, sharpness: np.ndarray) -> Meridian:
        """Say which elevations a voice can have that is heard from a direction.

        Parameters
        ----------
        ray : np.ndarray, shape (3,)
            Unit vector to the peak.
        coherence : float
            At the peak, 0..1.
        sharpness : np.ndarray, shape (pairs,)
            Information on the delay of each pair (1/s^2).
        """
        share, spread = _missing(coherence)
        return Meridian(
            *_circle(
                ray, self._normal, self._baselines, sharpness, share, spread, self._floor, _STEPS
            )
        )


@compiled
def _circle(
    ray: np.ndarray,
    normal: np.ndarray,
    baselines: np.ndarray,
    sharpness: np.ndarray,
    share: float,
    spread: float,
    floor: float,
    steps: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Make the parts of a `Meridian`, the inner loop of `Plane.meridian`."""
    rise = ray[0] * normal[0] + ray[1] * normal[1] + ray[2] * normal[2]
    axis = normal if rise >= 0 else -normal
    height = min(abs(rise), 1.0)
    level = ray - height * axis
    heard = np.sqrt(level[0] ** 2 + level[1] ** 2 + level[2] ** 2)
    if heard < _LEAST:
        least = np.abs(axis).argmin()
        level = -axis[least] * axis
        level[least] += 1.0
    level = level / np.sqrt(level[0] ** 2 + level[1] ** 2 + level[2] ** 2)
    along = heard * axis - height * level
    across = np.empty(3)
    for k in range(3):
        across[k] = ray[k - 2] * along[k - 1] - ray[k - 1] * along[k - 2]
    known = 0.0
    for k in range(len(sharpness)):
        delay = 0.0
        for n in range(3):
            delay += baselines[k, n] * level[n]
        known += sharpness[k] * delay**2
    angles, squared = np.empty(steps), np.empty(steps)
    for n in range(steps):
        elevation = -np.pi / 2 + 1.5 * np.pi * n / (steps - 1)
        cosine = np.cos(elevation)
        variance = (spread * cosine) ** 2 + floor**2 + 1 / max(known, 1.0)
        behind = min(elevation, 0.0) / _BEHIND
        squared[n] = (heard - (1 - share) * cosine) ** 2 / variance + np.log(variance) + behind**2
        angles[n] = elevation - np.arctan2(height, heard)
    squared -= squared.min()
    likely = np.exp(-0.5 * squared)
    mean = (likely * angles).sum() / likely.sum()
    peak = np.arccos(min(heard / (1 - share), 1.0)) - np.arctan2(height, heard)
    doubt = share / _MISSING[0]
    return along, across, angles, np.sqrt(squared), doubt * mean + (1 - doubt) * peak


def _missing(coherence: float) -> tuple[float, float]:
    """Share of the part in the plane that is not heard, and its deviation."""
    share = float(np.interp(coherence, _COHERENCES, _MISSING))
    return share, _SPREAD * share
