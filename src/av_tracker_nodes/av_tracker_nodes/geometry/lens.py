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

"""Lens models of ROS and OpenCV, both directions, each with its domain of validity.

The models are fitted to what the picture shows. Beyond, a polynomial can fold back and put what is
far beside the camera into the picture. So every lens ends where its map stops to grow outwards:
nothing beyond is projected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.polynomial import Polynomial

PLUMB_BOB = 'plumb_bob'
RATIONAL_POLYNOMIAL = 'rational_polynomial'
EQUIDISTANT = 'equidistant'

_WIDEST = 100.0
"""No lens with distortion reaches beyond this radius on the plane at unit depth: 89.4 degrees."""
_LEAST_GROWTH = 1e-3
"""A lens ends where its image grows by less than this share of the growth on the axis, or where
its radial factor is the inverse of it: there is a pole."""
_REAL = 1e-6
"""Relative imaginary part up to which a root counts as real."""

_FIXED_POINT_STEPS = 2
_NEWTON_STEPS = 20
_CONVERGED = 1e-11
_SOLVED = 1e-10
"""Distance on the plane at unit depth within which a pixel is that of a point; relative where it
is farther from the axis than that depth."""
_KNOTS = 1025
"""Of the table that a second search starts from."""


class Lens(Protocol):
    """Between the plane at unit depth and where a lens images its points.

    Attributes
    ----------
    reach : float
        Radius on the plane at unit depth up to which the lens is valid.
    """

    reach: float

    def distort(self, plane: np.ndarray) -> np.ndarray:
        """Image points (..., 2) of the plane at unit depth; NaN beyond the reach."""

    def undistort(self, distorted: np.ndarray) -> np.ndarray:
        """Return the points (..., 2) that are imaged to `distorted`; NaN where none is."""


class Pinhole:
    """No distortion."""

    reach = np.inf

    def distort(self, plane: np.ndarray) -> np.ndarray:
        """Return the points themselves."""
        return plane

    def undistort(self, distorted: np.ndarray) -> np.ndarray:
        """Return the points themselves."""
        return distorted


@dataclass(frozen=True)
class PolynomialLens:
    """``plumb_bob``, ``rational_polynomial``, and thin prisms.

    With ``(x, y)`` the point on the plane at unit depth and ``r2 = x^2 + y^2``::

        radial = (1 + k1 r2 + k2 r2^2 + k3 r2^3) / (1 + k4 r2 + k5 r2^2 + k6 r2^3)
        xd = x radial + 2 p1 x y + p2 (r2 + 2 x^2) + s1 r2 + s2 r2^2
        yd = y radial + p1 (r2 + 2 y^2) + 2 p2 x y + s3 r2 + s4 r2^2

    Attributes
    ----------
    radial, divisor : tuple of float
        k1, k2, k3 and k4, k5, k6.
    tangential : tuple of float
        p1, p2.
    prism : tuple of float
        s1, s2, s3, s4.
    """

    radial: tuple[float, ...]
    divisor: tuple[float, ...] = (0.0, 0.0, 0.0)
    tangential: tuple[float, ...] = (0.0, 0.0)
    prism: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)

    @cached_property
    def reach(self) -> float:
        """Radius up to which the Jacobian of the lens is surely positive definite.

        That of the radial part is symmetric, with the eigenvalues ``radial`` and the growth
        ``d (r radial) / dr``. That of the rest has a norm of at most ``6 |p| r`` for tangential
        distortion, and ``2 |(s1, s3)| r + 4 |(s2, s4)| r^3`` for prisms. On a disc where both
        eigenvalues are larger the map is injective. It ends before poles of the quotient, too.
        """
        numerator, divisor = _even(self.radial), _even(self.divisor)
        s1, s2, s3, s4 = self.prism
        bend = 6 * np.hypot(*self.tangential) + 2 * np.hypot(s1, s3)
        rest = Polynomial([0.0, bend, 0.0, 4 * np.hypot(s2, s4)])
        imaged = Polynomial([0.0, 1.0]) * numerator
        growth = imaged.deriv() * divisor - imaged * divisor.deriv()
        return _first_root(
            divisor - _LEAST_GROWTH * numerator,
            numerator - rest * divisor,
            growth - (rest + _LEAST_GROWTH) * divisor**2,
            limit=_WIDEST,
        )

    def distort(self, plane: np.ndarray) -> np.ndarray:
        """Image points (..., 2) of the plane at unit depth; NaN beyond the reach."""
        x, y = plane[..., :1], plane[..., 1:]
        return self._image(np.where(x * x + y * y <= self.reach**2, plane, np.nan))

    def undistort(self, distorted: np.ndarray) -> np.ndarray:
        """Return the points (..., 2) that are imaged to `distorted`; NaN where none is.

        Fixed-point steps as AV16.3 does, then Newton's to the end. Where these fail, Newton's
        start again from what the radial part alone tells.
        """
        plane = np.full(distorted.shape, np.nan)
        known = np.isfinite(distorted).all(axis=-1)
        wanted = distorted[known]
        found = self._newton(self._fixed_point(wanted), wanted)
        lost = ~self._solves(found, wanted)
        if lost.any():
            found[lost] = self._newton(self._radial_guess(wanted[lost]), wanted[lost])
            found[~self._solves(found, wanted)] = np.nan
        plane[known] = found
        return plane

    def _image(self, plane: np.ndarray) -> np.ndarray:
        radial, shift = self._terms(plane)
        return plane * radial + shift

    def _terms(self, plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Factor (..., 1) of the radial part, and the shift (..., 2) by the rest."""
        (k1, k2, k3), (p1, p2) = self.radial, self.tangential
        x, y = plane[..., 0], plane[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        if any(self.divisor):
            radial = radial / self._divisor(r2)
        shift = np.stack(
            [
                2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            ],
            axis=-1,
        )
        if any(self.prism):
            s1, s2, s3, s4 = self.prism
            shift += np.stack([r2 * (s1 + r2 * s2), r2 * (s3 + r2 * s4)], axis=-1)
        return radial[..., None], shift

    def _divisor(self, r2: np.ndarray) -> np.ndarray:
        k4, k5, k6 = self.divisor
        return 1 + r2 * (k4 + r2 * (k5 + r2 * k6))

    def _jacobian(self, plane: np.ndarray) -> np.ndarray:
        (k1, k2, k3), (p1, p2) = self.radial, self.tangential
        x, y = plane[..., 0], plane[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))
        if any(self.divisor):
            k4, k5, k6 = self.divisor
            divisor = self._divisor(r2)
            radial = radial / divisor
            slope = (slope - radial * 2 * (k4 + r2 * (2 * k5 + r2 * 3 * k6))) / divisor
        cross = x * y * slope + 2 * p1 * x + 2 * p2 * y
        jacobian = np.stack(
            [
                np.stack([radial + x * x * slope + 2 * p1 * y + 6 * p2 * x, cross], axis=-1),
                np.stack([cross, radial + y * y * slope + 6 * p1 * y + 2 * p2 * x], axis=-1),
            ],
            axis=-2,
        )
        if any(self.prism):
            s1, s2, s3, s4 = self.prism
            tilt = np.stack([s1 + 2 * s2 * r2, s3 + 2 * s4 * r2], axis=-1)
            jacobian += 2 * tilt[..., :, None] * plane[..., None, :]
        return jacobian

    # ---- the inverse, of points (n, 2)

    def _fixed_point(self, distorted: np.ndarray) -> np.ndarray:
        plane = self._within(distorted)
        for _ in range(_FIXED_POINT_STEPS):
            radial, shift = self._terms(plane)
            plane = self._within((distorted - shift) / radial)
        return plane

    def _newton(self, plane: np.ndarray, distorted: np.ndarray) -> np.ndarray:
        for _ in range(_NEWTON_STEPS):
            residual = self._image(plane) - distorted
            if np.abs(residual).max(initial=0.0) < _CONVERGED:
                break
            # Within the reach it is never singular.
            step = np.linalg.solve(self._jacobian(plane), residual[..., None])[..., 0]
            plane = self._within(plane - step)
        return plane

    def _solves(self, plane: np.ndarray, distorted: np.ndarray) -> np.ndarray:
        residual = np.abs(self._image(plane) - distorted)
        return (residual < _SOLVED * np.maximum(np.abs(distorted), 1)).all(axis=-1)

    def _within(self, plane: np.ndarray) -> np.ndarray:
        """Pull points in to the reach."""
        radius = np.hypot(plane[..., 0], plane[..., 1])
        beyond = radius > self.reach
        if beyond.any():
            plane = plane.copy()
            plane[beyond] *= (self.reach / radius[beyond])[:, None]
        return plane

    def _radial_guess(self, distorted: np.ndarray) -> np.ndarray:
        radii, imaged = self._table
        wanted = np.hypot(distorted[..., 0], distorted[..., 1])
        scale = np.interp(wanted, imaged, radii) / np.maximum(wanted, 1e-12)
        return distorted * scale[..., None]

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Radii and where the radial part images them, both growing."""
        radii = np.tan(np.linspace(0, np.arctan(self.reach), _KNOTS))
        factor, _ = self._terms(np.stack([radii, np.zeros_like(radii)], axis=-1))
        return radii, radii * factor[:, 0]


@dataclass(frozen=True)
class EquidistantLens:
    """``equidistant``, the fisheye of OpenCV (Kannala and Brandt).

    A direction at the angle ``a`` from the optical axis is imaged at the radius
    ``a (1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8)``.

    Attributes
    ----------
    coefficients : tuple of float
        k1, k2, k3, k4.
    """

    coefficients: tuple[float, ...]

    @cached_property
    def reach(self) -> float:
        """Radius up to which the radius in the image grows."""
        growth = self._radius.deriv() - _LEAST_GROWTH
        return float(np.tan(_first_root(growth, limit=np.arctan(_WIDEST))))

    def distort(self, plane: np.ndarray) -> np.ndarray:
        """Image points (..., 2) of the plane at unit depth; NaN beyond the reach."""
        radius = np.hypot(plane[..., :1], plane[..., 1:])
        imaged = self._radius(np.arctan(np.where(radius <= self.reach, radius, np.nan)))
        return plane * _ratio(imaged, radius)

    def undistort(self, distorted: np.ndarray) -> np.ndarray:
        """Return the points (..., 2) that are imaged to `distorted`; NaN where none is."""
        wanted = np.hypot(distorted[..., :1], distorted[..., 1:])
        angles = np.linspace(0, np.arctan(self.reach), _KNOTS)
        imaged, slope = self._radius(angles), self._radius.deriv()
        angle = np.interp(wanted, imaged, angles)
        for _ in range(_NEWTON_STEPS):
            residual = self._radius(angle) - wanted
            if not (np.abs(residual) >= _CONVERGED).any():
                break
            angle = np.clip(angle - residual / slope(angle), 0, angles[-1])
        angle = np.where(wanted <= imaged[-1] + _SOLVED, angle, np.nan)
        return distorted * _ratio(np.tan(angle), wanted)

    @cached_property
    def _radius(self) -> Polynomial:
        """Radius in the image as a polynomial of the angle."""
        return Polynomial([0.0, 1.0]) * _even(self.coefficients)


@lru_cache(maxsize=64)
def lens_of(model: str, coefficients: tuple[float, ...]) -> Lens:
    """Make the lens of a model and its coefficients, as `Camera` has them."""
    if model == EQUIDISTANT:
        return EquidistantLens(coefficients)
    if not any(coefficients):
        return Pinhole()
    k1, k2, p1, p2, k3, *more = coefficients
    more += [0.0] * (7 - len(more))
    return PolynomialLens((k1, k2, k3), tuple(more[:3]), (p1, p2), tuple(more[3:]))


def _even(coefficients: Sequence[float]) -> Polynomial:
    """Polynomial ``1 + k1 r^2 + k2 r^4 ...`` of r."""
    terms = np.zeros(2 * len(coefficients) + 1)
    terms[0], terms[2::2] = 1.0, coefficients
    return Polynomial(terms)


def _first_root(*polynomials: Polynomial, limit: float) -> float:
    """Smallest positive root of any polynomial; `limit` if there is none below.

    Found as the inverse of the largest root of the reversed polynomial: that begins with what is
    not small, the value at zero, however small the coefficients of a lens are.
    """
    roots = np.concatenate([Polynomial(each.coef[::-1]).roots() for each in polynomials])
    real = roots.real[np.abs(roots.imag) <= _REAL * np.abs(roots)]
    return float(1 / np.max(real, initial=1 / limit))


def _ratio(numerator: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Quotient of radii that grow alike on the axis."""
    return np.divide(numerator, radius, out=np.ones_like(numerator), where=radius > 1e-12)
