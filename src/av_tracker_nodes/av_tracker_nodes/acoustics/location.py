# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Where the source of a peak is, and how well that is known.

The coherence stands for a log-likelihood up to a factor. How fast it falls off about a peak comes
from the sharpness of the correlations and from how the delays change with place: microphones on a
line tell a cone, a small array tells a direction, arrays apart from each other tell a place. What
they do not tell rests on the prior: any direction, and any range in the region, all as likely.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.geometry.region import Region

_RANGES, _ARCS, _DEVIATIONS = 33, 17, 4.0
"""Ranges and directions that the posterior is taken at, and the deviations that they span to
either side."""

_BEND_PROBE = 0.1
"""Angle (rad) over which the bend of an arc is measured."""

_STRONGEST_BEND = 6.0
"""Arcs bend round an axis at least 10 degrees away."""

_NOTHING_KNOWN = np.pi**-2.0
"""Information (1/rad^2) on an angle of which nothing is known."""

_TRUST = 4.0
"""How much more than in the covariance the peak counts in the position: echoes widen the one, but
nothing is nearer to the source than the peak. Chosen by the error of positions in the rooms that
`curvature_gain` was fitted in."""

_LONGEST_STEP = np.deg2rad(4.0)

_NO_RANGE = 1e-2
"""Information (m^2) on an inverse range of which nothing is known."""

_OUTSIDE = 1e-6
"""Weight of places outside the region, so that some is left when all are."""


class SourceLocator:
    """Turns peaks of the coherence field into positions with covariance.

    Parameters
    ----------
    delays : PairDelays
    frequencies : np.ndarray, shape (bins,)
        Hz.
    region : Region
    inverse_limits : tuple of float
        Lowest and highest inverse range from the centre of the microphones (1/m).
    config : AcousticConfig
    """

    def __init__(
        self,
        delays: PairDelays,
        frequencies: np.ndarray,
        region: Region,
        inverse_limits: tuple[float, float],
        config: AcousticConfig,
    ) -> None:
        self._delays = delays
        self._centre = delays.microphones.mean(axis=0)
        self._square = (2 * np.pi * frequencies) ** 2
        self._region = region
        self._inverse_limits = inverse_limits
        self._config = config

    def locate(self, agreement: np.ndarray, peak: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Say where the source of a peak is.

        Along its ray it is put at a mean, so that a range of which nothing is known lies in the
        middle of what can be. The covariance is the second moment of the posterior about that
        position. In the direction that is known least, that is an arc,
        which may close to a circle.

        Parameters
        ----------
        agreement : np.ndarray, shape (pairs, bins)
            ``Re(C_k S_k*)``, cross-spectra by steering to the peak.
        peak : np.ndarray, shape (3,)

        Returns
        -------
        position : np.ndarray, shape (3,)
        covariance : np.ndarray, shape (3, 3)
        """
        distance, axes = local_axes(peak - self._centre)
        information = self.information(agreement, peak)
        (wide, narrow), vectors = np.linalg.eigh(information[:2, :2])
        wide, narrow = max(wide, _NOTHING_KNOWN), max(narrow, _NOTHING_KNOWN)
        # How the two angles go with the inverse range, and what that leaves of its information.
        turn = -vectors @ ((vectors.T @ information[:2, 2]) / [wide, narrow])
        inverse, deviations, lengths = self._ranges(
            distance, information[2, 2] + information[:2, 2] @ turn
        )
        rays = axes[0] + np.outer(inverse - 1 / distance, turn @ axes[1:])
        rays /= np.linalg.norm(rays, axis=1, keepdims=True) * inverse[:, None]

        along, aside = vectors.T @ axes[1:]
        bend = self._bend(agreement, peak, along, aside) if wide < narrow else 0.0
        reach = min(_DEVIATIONS / np.sqrt(wide), np.pi / np.hypot(1, bend))
        arc = np.linspace(-reach, reach, _ARCS)
        axis = (bend * axes[0] + aside) / np.hypot(1, bend)
        places = self._centre + _turned(rays, axis, arc * np.hypot(1, bend))

        prior = np.maximum(self._region.contains(places), _OUTSIDE) * lengths[:, None]
        middle = prior[:, _ARCS // 2] * np.exp(-0.5 * _TRUST * deviations**2)
        position = (middle / middle.sum()) @ places[:, _ARCS // 2]
        weights = prior * np.exp(-0.5 * (deviations[:, None] ** 2 + wide * arc**2))
        weights = weights.ravel() / weights.sum()
        apart = places.reshape(-1, 3) - position
        floor = np.deg2rad(self._config.direction_floor) ** 2
        across = floor * axes[1:].T @ axes[1:] + np.outer(aside, aside) / narrow
        square = weights @ np.repeat(inverse**-2, _ARCS)
        return position, (apart.T * weights) @ apart + square * across

    def step(self, turned: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Step from near a maximum of the coherence towards it (Gauss and Newton).

        It takes the phases as they are, so that it does not halt at the lags that correlations
        are sampled at.

        Parameters
        ----------
        turned : np.ndarray, shape (pairs, bins)
            ``C_k S_k*``, cross-spectra by steering to the position.
        position : np.ndarray, shape (3,)

        Returns
        -------
        np.ndarray, shape (3,)
            Another position, within the limits of range.
        """
        distance, axes = local_axes(position - self._centre)
        slopes, sharpness = self.slopes(position), self._sharpness(turned.real)
        pull = -self._config.curvature_gain * (turned.imag @ np.sqrt(self._square)) / len(turned)
        known = (slopes.T * sharpness) @ slopes + np.diag([_NOTHING_KNOWN, _NOTHING_KNOWN, 1.0])
        first, second, inverse = np.linalg.solve(known, slopes.T @ pull)
        ray = axes[0] + np.clip([first, second], -_LONGEST_STEP, _LONGEST_STEP) @ axes[1:]
        inverse = np.clip(1 / distance + inverse, *self._inverse_limits)
        return self._centre + ray / np.linalg.norm(ray) / inverse

    def information(self, agreement: np.ndarray, peak: np.ndarray) -> np.ndarray:
        """Information on two angles (rad) and inverse range (1/m) at a peak, shape (3, 3).

        For an offset d from the peak the coherence falls by ``d' H d / 2`` with
        ``H = 1/K sum_k (sum_f w^2 Re(C_k S_k*)) g_k g_k'``, ``w`` the angular frequency and
        ``g_k`` the gradient of the delay of pair k; `curvature_gain` makes it a log-likelihood.
        Where no delay changes there is no information, however sharp the correlation is.
        """
        slopes = self.slopes(peak)
        return (slopes.T * self._sharpness(agreement)) @ slopes

    def slopes(self, position: np.ndarray) -> np.ndarray:
        """Change of delays with two angles (s/rad) and inverse range (s m), shape (pairs, 3)."""
        distance, axes = local_axes(position - self._centre)
        local = axes[[1, 2, 0]].T * [distance, distance, -(distance**2)]
        return self._delays.gradients(position) @ local

    def _sharpness(self, agreement: np.ndarray) -> np.ndarray:
        sharpness = np.maximum(agreement @ self._square, 0)
        return self._config.curvature_gain * sharpness / len(sharpness)

    def _bend(
        self, agreement: np.ndarray, peak: np.ndarray, along: np.ndarray, aside: np.ndarray
    ) -> float:
        """Curvature, towards `aside`, of the arc `along` which the delays agree best.

        1 is that of a circle at 45 degrees from its axis, 0 that of a great circle.
        """
        offset = peak - self._centre
        turns = _turned(offset[None], aside, np.array([-_BEND_PROBE, 0.0, _BEND_PROBE]))[0]
        before, here, after = self._delays.at(self._centre + turns)
        change = (before - 2 * here + after) / _BEND_PROBE**2
        slopes = self._delays.gradients(peak) @ aside * np.linalg.norm(offset)
        pull = self._sharpness(agreement) * slopes
        bend = -(pull @ change) / max(pull @ slopes, _NOTHING_KNOWN)
        return float(np.clip(bend, -_STRONGEST_BEND, _STRONGEST_BEND))

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


def local_axes(offset: np.ndarray) -> tuple[float, np.ndarray]:
    """Length of an offset (3,), and unit vectors along it and in two directions across, (3, 3).

    The frame is that of Duff et al. (2017).
    """
    distance = float(np.linalg.norm(offset))
    x, y, z = offset / distance
    sign = np.copysign(1.0, z)
    a = -1 / (sign + z)
    b = x * y * a
    axes = [[x, y, z], [1 + sign * x * x * a, sign * b, -sign * x], [b, sign + y * y * a, -y]]
    return distance, np.array(axes)


def _turned(vectors: np.ndarray, axis: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Turn vectors (n, 3) about an axis by angles (m,), shape (n, m, 3) (Rodrigues)."""
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    along = (vectors @ axis)[:, None, None] * axis
    return cosine * (vectors[:, None] - along) + sine * np.cross(axis, vectors)[:, None] + along
