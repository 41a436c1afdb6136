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

"""Where the source of a peak is, and how well that is known.

The coherence stands for a log-likelihood up to a factor. How fast it falls off about a peak comes
from the sharpness of the correlations and from how the delays change with place: microphones on a
line tell a cone, a small array tells a direction, arrays apart from each other tell a place. What
they do not tell rests on the prior: any direction, and any range in the region, all as likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics.backend import compiled
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.elevation import Plane
from av_tracker_nodes.acoustics.local_coordinates import (
    around,
    bend_of_delays,
    local_axes,
    slopes_of_delays,
)
from av_tracker_nodes.geometry.region import Region, SourceRegion

_RANGES, _ARCS, _DEVIATIONS = 33, 17, 4.0
"""Ranges and directions that the posterior is taken at, and the deviations that they span to
either side."""

_STRONGEST_BEND = 6.0
"""Arcs bend round an axis at least 10 degrees away."""

_NOTHING_KNOWN = np.pi**-2.0
"""Information (1/rad^2) on an angle of which nothing is known."""

_PRIOR = np.diag([_NOTHING_KNOWN, _NOTHING_KNOWN, 1.0])
"""Information on the two angles and the inverse range before anything is heard."""

_TRUST = 4.0
"""How much more than in the covariance the peak counts in the position: echoes widen the one, but
nothing is nearer to the source than the peak. Chosen by the error of positions in the rooms that
`curvature_gain` was fitted in."""

_LONGEST_STEP = np.deg2rad(4.0)

_NO_RANGE = 1e-2
"""Information (m^2) on an inverse range of which nothing is known."""

_OUTSIDE = 1e-6
"""Weight of places outside the region, so that some is left when all are."""


@dataclass(frozen=True)
class _Arc:
    """Directions about a peak in the way that is known least, and what is known aside of them.

    Attributes
    ----------
    axis : np.ndarray, shape (3,)
        Unit vector that they turn about.
    angles, deviations : np.ndarray, shape (n,)
        By how much (rad), and how far from what was heard in standard deviations.
    middle : float
        Angle (rad) of the direction that is told.
    aside : np.ndarray, shape (3,)
        Unit vector across the peak and the arc.
    variance : float
        Along it (rad^2).
    """

    axis: np.ndarray
    angles: np.ndarray
    deviations: np.ndarray
    middle: float
    aside: np.ndarray
    variance: float


class SourceLocator:
    """Turns peaks of the coherence field into positions with covariance.

    Parameters
    ----------
    delays : PairDelays
    region : Region
    inverse_limits : tuple of float
        Lowest and highest inverse range from the centre of the microphones (1/m).
    config : AcousticConfig

    Notes
    -----
    What the methods are given as `correlation`, shape (pairs, 3), is the correlation of each pair
    at its delay at a point, and the first and second derivative by the delay.
    """

    def __init__(
        self,
        delays: PairDelays,
        region: Region,
        inverse_limits: tuple[float, float],
        config: AcousticConfig,
    ) -> None:
        self._centre = delays.microphones.mean(axis=0)
        self._array = self._centre, delays.microphones, delays.pairs, delays.speed
        self._region = region.both_sides if isinstance(region, SourceRegion) else region
        self._inverse_limits = tuple(map(float, inverse_limits))
        self._gain = config.curvature_gain / len(delays.pairs)
        floor = np.deg2rad(config.direction_floor)
        self._floor = float(floor**2)
        self._plane = Plane.of(delays, floor)

    def locate(
        self, correlation: np.ndarray, peak: np.ndarray, coherence: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Say where the source of a peak is.

        Along its ray it is put at a mean, so that a range of which nothing is known lies in the
        middle of what can be. The covariance is the second moment of the posterior about that
        position. In the direction that is known least, that is an arc, which may be a circle.

        Parameters
        ----------
        correlation : np.ndarray, shape (pairs, 3)
            At the peak.
        peak : np.ndarray, shape (3,)
        coherence : float
            Of the sound of the source alone, 0..1.

        Returns
        -------
        position : np.ndarray, shape (3,)
        covariance : np.ndarray, shape (3, 3)
        """
        distance, axes = local_axes(peak - self._centre)
        sharpness, slopes = self._sharpness(correlation), self.slopes(peak)
        information = _information(sharpness, slopes)
        (wide, narrow), vectors = np.linalg.eigh(information[:2, :2])
        wide, narrow = max(wide, _NOTHING_KNOWN), max(narrow, _NOTHING_KNOWN)
        # How the two angles go with the inverse range, and what that leaves of its information.
        turn = -vectors @ ((vectors.T @ information[:2, 2]) / [wide, narrow])
        inverse, deviations, lengths = self._ranges(
            distance, information[2, 2] + information[:2, 2] @ turn
        )
        rays = axes[0] + (inverse - 1 / distance)[:, None] * (turn @ axes[1:])
        if self._plane is None:
            arc = self._bent(peak, axes, sharpness, slopes, (wide, narrow), vectors)
        else:
            arc = self._upright(axes, coherence, sharpness, information)
        places = _places(rays, inverse, arc.axis, arc.angles, self._centre)
        told = _places(rays, inverse, arc.axis, np.array([arc.middle]), self._centre)
        position = _mean(self._region.contains(told), told, lengths, deviations)
        inside = self._region.contains(places)
        moment, square = _moments(
            inside, places, position, lengths, deviations, arc.deviations, inverse
        )
        across = self._floor * axes[1:].T @ axes[1:]
        across += arc.variance * np.outer(arc.aside, arc.aside)
        return position, moment + square * across

    def _bent(
        self,
        peak: np.ndarray,
        axes: np.ndarray,
        sharpness: np.ndarray,
        slopes: np.ndarray,
        known: tuple[float, float],
        vectors: np.ndarray,
    ) -> _Arc:
        """Directions along an arc that bends as the delays do, to a circle for a line."""
        wide, narrow = known
        along, aside = vectors.T @ axes[1:]
        bend = 0.0
        if wide < narrow:
            pull = sharpness * (slopes[:, :2] @ vectors[:, 1])
            steepness = pull @ slopes[:, :2] @ vectors[:, 1]
            change = bend_of_delays(peak, along, *self._array)
            bend = -(pull @ change) / max(steepness, _NOTHING_KNOWN)
            bend = min(max(bend, -_STRONGEST_BEND), _STRONGEST_BEND)
        reach = min(_DEVIATIONS / np.sqrt(wide), np.pi / np.hypot(1, bend))
        arc = np.linspace(-reach, reach, _ARCS)
        axis = (bend * axes[0] + aside) / np.hypot(1, bend)
        return _Arc(axis, arc * np.hypot(1, bend), np.sqrt(wide) * arc, 0.0, aside, 1 / narrow)

    def _upright(
        self, axes: np.ndarray, coherence: float, sharpness: np.ndarray, information: np.ndarray
    ) -> _Arc:
        """Directions at all elevations over the plane of the microphones."""
        circle = self._plane.meridian(axes[0], coherence, sharpness)
        aside = axes[1:] @ circle.across
        narrow = max(aside @ information[:2, :2] @ aside, _NOTHING_KNOWN)
        kept = circle.deviations < _DEVIATIONS
        return _Arc(
            circle.across,
            circle.angles[kept],
            circle.deviations[kept],
            circle.told,
            circle.across,
            1 / narrow,
        )

    def step(self, correlation: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Step from near a maximum of the coherence towards it (Gauss and Newton).

        It takes the phases as they are, so that it does not halt at the lags that correlations
        are sampled at.

        Parameters
        ----------
        correlation : np.ndarray, shape (pairs, 3)
            At the position.
        position : np.ndarray, shape (3,)

        Returns
        -------
        np.ndarray, shape (3,)
            Another position, within the limits of range.
        """
        sharpness, pull = self._sharpness(correlation), self._gain * correlation[:, 1]
        return _step(sharpness, pull, position, self._inverse_limits, *self._array)

    def information(self, correlation: np.ndarray, peak: np.ndarray) -> np.ndarray:
        """Information on two angles (rad) and inverse range (1/m) at a peak, shape (3, 3).

        For an offset d from the peak the coherence falls by ``d' H d / 2`` with
        ``H = 1/K sum_k (sum_f w^2 Re(C_k S_k*)) g_k g_k'``, ``w`` the angular frequency and
        ``g_k`` the gradient of the delay of pair k; `curvature_gain` makes it a log-likelihood.
        Where no delay changes there is no information, however sharp the correlation is.
        """
        return _information(self._sharpness(correlation), self.slopes(peak))

    def slopes(self, position: np.ndarray) -> np.ndarray:
        """Change of delays with two angles (s/rad) and inverse range (s m), shape (pairs, 3)."""
        return slopes_of_delays(position, *self._array)

    def _sharpness(self, correlation: np.ndarray) -> np.ndarray:
        return self._gain * np.maximum(-correlation[:, 2], 0)

    def _ranges(self, distance: float, information: float) -> tuple[np.ndarray, ...]:
        """Stretches of range that a source may be in.

        Returns
        -------
        inverse : np.ndarray, shape (n,)
            Inverse ranges of their middles (1/m).
        deviations : np.ndarray, shape (n,)
            Of these from the peak.
        lengths : np.ndarray, shape (n,)
            Metres.
        """
        low, high = self._inverse_limits
        spread = 1 / np.sqrt(max(information, _NO_RANGE))
        middle = 1 / distance
        ends = np.linspace(
            max(low, middle - _DEVIATIONS * spread),
            min(high, middle + _DEVIATIONS * spread),
            _RANGES + 1,
        )
        inverse = (ends[1:] + ends[:-1]) / 2
        return inverse, (inverse - middle) / spread, 1 / ends[:-1] - 1 / ends[1:]


@compiled
def _information(sharpness: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Sum of the outer products of slopes (pairs, 3), weighted."""
    information = np.zeros((3, 3))
    for k in range(len(sharpness)):
        for row in range(3):
            for column in range(3):
                information[row, column] += sharpness[k] * slopes[k, row] * slopes[k, column]
    return information


@compiled
def _step(
    sharpness: np.ndarray,
    pull: np.ndarray,
    position: np.ndarray,
    limits: tuple[float, float],
    centre: np.ndarray,
    microphones: np.ndarray,
    pairs: np.ndarray,
    speed: float,
) -> np.ndarray:
    """Step from a position to where the gradient of the coherence is zero to first order.

    How sharp the coherence of each pair is, and where it pulls its delay, have shape (pairs,).
    """
    slopes = slopes_of_delays(position, centre, microphones, pairs, speed)
    gradient = np.zeros(3)
    for k in range(len(pairs)):
        for n in range(3):
            gradient[n] += pull[k] * slopes[k, n]
    turn = np.linalg.solve(_information(sharpness, slopes) + _PRIOR, gradient)
    for n in range(2):
        turn[n] = min(max(turn[n], -_LONGEST_STEP), _LONGEST_STEP)
    return around(position, turn.reshape((1, 3)), centre, limits)[0]


@compiled
def _places(
    rays: np.ndarray, inverse: np.ndarray, axis: np.ndarray, angles: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    """Points (rays, angles, 3) at inverse ranges on rays turned about an axis (Rodrigues)."""
    a, b, c = axis[0], axis[1], axis[2]
    places = np.empty((len(rays), len(angles), 3))
    for n in range(len(rays)):
        x, y, z = rays[n, 0], rays[n, 1], rays[n, 2]
        size = 1 / (np.sqrt(x * x + y * y + z * z) * inverse[n])
        x, y, z = size * x, size * y, size * z
        lift = a * x + b * y + c * z
        for m in range(len(angles)):
            cosine, sine = np.cos(angles[m]), np.sin(angles[m])
            stay = (1 - cosine) * lift
            places[n, m, 0] = centre[0] + cosine * x + sine * (b * z - c * y) + stay * a
            places[n, m, 1] = centre[1] + cosine * y + sine * (c * x - a * z) + stay * b
            places[n, m, 2] = centre[2] + cosine * z + sine * (a * y - b * x) + stay * c
    return places


@compiled
def _mean(
    inside: np.ndarray, places: np.ndarray, lengths: np.ndarray, farther: np.ndarray
) -> np.ndarray:
    """Mean (3,) of places (ranges, 1, 3) along a ray; for the rest see `_moments`."""
    position, total = np.zeros(3), 0.0
    for n in range(len(places)):
        prior = lengths[n] if inside[n, 0] else lengths[n] * _OUTSIDE
        weight = prior * np.exp(-0.5 * _TRUST * farther[n] ** 2)
        total += weight
        for axis in range(3):
            position[axis] += weight * places[n, 0, axis]
    return position / total


@compiled
def _moments(
    inside: np.ndarray,
    places: np.ndarray,
    position: np.ndarray,
    lengths: np.ndarray,
    farther: np.ndarray,
    aside: np.ndarray,
    inverse: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Average over places.

    Parameters
    ----------
    inside : np.ndarray, shape (ranges, arcs), bool
        Whether sound can come from there.
    places : np.ndarray, shape (ranges, arcs, 3)
    position : np.ndarray, shape (3,)
        That is told.
    lengths : np.ndarray, shape (ranges,)
        Metres that each range stands for.
    farther, aside : np.ndarray, shapes (ranges,) and (arcs,)
        Deviations from the peak, in standard deviations.
    inverse : np.ndarray, shape (ranges,)
        Inverse ranges (1/m).

    Returns
    -------
    moment : np.ndarray, shape (3, 3)
        Mean square of the offsets from there (m^2).
    square : float
        Mean square of the range (m^2).
    """
    ranges, arcs = inside.shape
    moment, square, total = np.zeros((3, 3)), 0.0, 0.0
    for n in range(ranges):
        for m in range(arcs):
            prior = lengths[n] if inside[n, m] else lengths[n] * _OUTSIDE
            weight = prior * np.exp(-0.5 * (farther[n] ** 2 + aside[m] ** 2))
            total += weight
            square += weight / inverse[n] ** 2
            for row in range(3):
                for column in range(3):
                    apart = places[n, m, row] - position[row]
                    apart *= places[n, m, column] - position[column]
                    moment[row, column] += weight * apart
    return moment / total, square / total
