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

"""Kalman filter of a walking head whose size is not known.

State: position ``p`` (m), velocity ``v`` (m/s), and ``s``, the logarithm of the head's size
relative to the average. A camera that reads the range from the size of the face puts a large head
too near, always by the same factor; averaging over frames cannot remove that, but a voice heard by
the arrays can. So the size is a state: a person who has talked keeps the right range in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from av_tracker_nodes.geometry.head import HEAD_SIZE_STD

_POSITION, _VELOCITY, _SIZE = slice(0, 3), slice(3, 6), 6
_INITIAL_SPEED_STD = 0.5
_LEAST_NOISE = 1e-4
_MOST_REMOVED = 0.99
"""Of the doubt along a line of sight, no more than this share is put down to the head size."""
_LEAST_SHARE = 1e-9
"""Covariances narrower than this share of their widest direction are rounding errors there."""
_HEIGHT, _RISE = 2, 5
_OUTLIER = 2.5
_MOST_SIZE = 4 * HEAD_SIZE_STD
"""No head is larger or smaller than this (log): ranges that contradict each other for long would
else be explained by heads that do not exist, and the linearised filter would run away."""


@dataclass(frozen=True)
class Measurement:
    """A measured position.

    It is ``c + exp(-g s) (p - v d - c)`` plus noise: ``c`` the viewpoint, ``g`` the size gain,
    ``d`` the delay.

    Attributes
    ----------
    position : np.ndarray, shape (3,)
        Metres.
    covariance : np.ndarray, shape (3, 3)
        Square metres, the unknown head size included.
    size_gain : float
        Share of the range that rests on the assumed head size, 0..1.
    viewpoint : np.ndarray, shape (3,)
        Optical centre (m); without meaning where `size_gain` is 0.
    delay : float
        Age of the position (s).
    """

    position: np.ndarray
    covariance: np.ndarray
    size_gain: float = 0.0
    viewpoint: np.ndarray = field(default_factory=lambda: np.zeros(3))
    delay: float = 0.0

    @property
    def sight(self) -> np.ndarray:
        """From the viewpoint to the measured position (m), shape (3,)."""
        return self.position - self.viewpoint

    @cached_property
    def noise(self) -> np.ndarray:
        """Covariance without the doubt about the head size (m^2), shape (3, 3).

        Of a covariance ``C``, ``C - a u u'`` stays positive definite along a unit vector ``u`` as
        long as ``a < 1 / (u' C^-1 u)``, the variance along ``u`` once all across it is known.
        """
        covariance = _well_conditioned(self.covariance)
        distance = max(np.linalg.norm(self.sight), 1e-9)
        direction = self.sight / distance
        doubt = (self.size_gain * HEAD_SIZE_STD * distance) ** 2
        information = direction @ np.linalg.solve(covariance, direction)
        # There is no direction, and no doubt, where the viewpoint is.
        along = 1 / information if information > 0 else 0.0
        removable = min(doubt, _MOST_REMOVED * max(along - _LEAST_NOISE, 0.0))
        return covariance - removable * np.outer(direction, direction)


class HeadFilter:
    """Extended Kalman filter with damped velocity.

    Parameters
    ----------
    first : Measurement
    acceleration : float
        Deviation of the acceleration (m/s^2) held over a second.
    vertical_share : float
        The same in the vertical, relative to the horizontal.
    velocity_memory : float
        Time constant with which the velocity decays to zero (s).
    height_drift : float
        How far the height of somebody unseen wanders in a second (m).
    """

    def __init__(
        self,
        first: Measurement,
        acceleration: float,
        vertical_share: float,
        velocity_memory: float,
        height_drift: float,
    ) -> None:
        axes = np.array([1.0, 1.0, vertical_share])
        by_size = first.size_gain * first.sight
        self.state = np.zeros(7)
        self.state[_POSITION] = first.position
        self.covariance = np.zeros((7, 7))
        self.covariance[_POSITION, _POSITION] = first.noise + HEAD_SIZE_STD**2 * np.outer(
            by_size, by_size
        )
        self.covariance[_POSITION, _SIZE] = HEAD_SIZE_STD**2 * by_size
        self.covariance[_SIZE, _POSITION] = HEAD_SIZE_STD**2 * by_size
        self.covariance[_SIZE, _SIZE] = HEAD_SIZE_STD**2
        self.covariance[_VELOCITY, _VELOCITY] = np.diag((_INITIAL_SPEED_STD * axes) ** 2)
        self.set_motion(acceleration, vertical_share, velocity_memory, height_drift)

    def set_motion(
        self,
        acceleration: float,
        vertical_share: float,
        velocity_memory: float,
        height_drift: float,
    ) -> None:
        """Set how the head is taken to move from now on; parameters as of the class."""
        axes = np.array([1.0, 1.0, vertical_share])
        self._intensity = np.diag((acceleration * axes) ** 2)
        self._velocity_memory = velocity_memory
        self._height_drift = height_drift

    @property
    def position(self) -> np.ndarray:
        """Mouth (m), shape (3,)."""
        return self.state[_POSITION]

    @property
    def velocity(self) -> np.ndarray:
        """Velocity (m/s), shape (3,)."""
        return self.state[_VELOCITY]

    def predict(self, seconds: float, seen: bool = True) -> None:
        """Let time pass.

        ``dp = v dt``, ``dv = -v / T dt + noise``; the noise is white acceleration of intensity
        ``acceleration^2``. Somebody unseen is taken to stay on the same level, up to a slow
        drift: with the elevation of a voice, where microphones tell it well, that gives the range,
        which they do not.
        """
        decay = np.exp(-seconds / self._velocity_memory)
        transition = np.eye(7)
        transition[_POSITION, _VELOCITY] = self._velocity_memory * (1 - decay) * np.eye(3)
        transition[_VELOCITY, _VELOCITY] = decay * np.eye(3)
        noise = np.zeros((7, 7))
        noise[_POSITION, _POSITION] = self._intensity * seconds**3 / 3
        noise[_VELOCITY, _VELOCITY] = self._intensity * seconds
        noise[_POSITION, _VELOCITY] = self._intensity * seconds**2 / 2
        noise[_VELOCITY, _POSITION] = noise[_POSITION, _VELOCITY]
        if not seen:
            transition[:, _RISE] = 0.0
            noise[[_HEIGHT, _RISE], :] = noise[:, [_HEIGHT, _RISE]] = 0.0
            noise[_HEIGHT, _HEIGHT] = self._height_drift**2 * seconds
            noise[_RISE, _RISE] = _LEAST_NOISE
        self.state = transition @ self.state
        self.covariance = _symmetric(transition @ self.covariance @ transition.T + noise)

    def innovation(self, measured: Measurement) -> tuple[np.ndarray, float, float]:
        """Compare a measurement with what it should read.

        Returns
        -------
        difference : np.ndarray, shape (3,)
            Metres.
        squared : float
            The same in units of its deviation, squared (Mahalanobis).
        surprise : float
            Twice the negative logarithm of its likelihood, without the constant:
            ``d' S^-1 d + log det S``. Who could be anywhere explains nothing well.
        """
        difference, slope = self._differ(measured)
        spread = slope @ self.covariance @ slope.T + measured.noise
        squared = _squared(difference, spread)
        return difference, squared, squared + float(np.linalg.slogdet(spread)[1])

    def update(self, measured: Measurement) -> None:
        """Take in a measured position.

        Errors have heavy tails: at a crossing, sound can lend a face the range of another. A
        measurement beyond `_OUTLIER` deviations counts as that much less certain.
        """
        difference, slope = self._differ(measured)
        noise = measured.noise
        predicted = slope @ self.covariance @ slope.T
        noise = noise * max(_squared(difference, predicted + noise) / _OUTLIER**2, 1.0)
        spread = predicted + noise
        gain = np.linalg.solve(spread, slope @ self.covariance).T
        self.state = self.state + gain @ difference
        self.state[_SIZE] = np.clip(self.state[_SIZE], -_MOST_SIZE, _MOST_SIZE)
        # Joseph form: stays positive definite over hours of updates.
        kept = np.eye(7) - gain @ slope
        self.covariance = _symmetric(kept @ self.covariance @ kept.T + gain @ noise @ gain.T)

    def _differ(self, measured: Measurement) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much a measurement is off (m), and the slope of what it should read.

        Of shapes (3,) and (3, 7).
        """
        shrink = np.exp(-measured.size_gain * self.state[_SIZE])
        place = self.position - measured.delay * self.velocity
        sight = shrink * (place - measured.viewpoint)
        slope = np.zeros((3, 7))
        slope[:, _POSITION] = shrink * np.eye(3)
        slope[:, _VELOCITY] = -measured.delay * shrink * np.eye(3)
        slope[:, _SIZE] = -measured.size_gain * sight
        return measured.sight - sight, slope


def _squared(difference: np.ndarray, spread: np.ndarray) -> float:
    """Square of the Mahalanobis distance."""
    return float(difference @ np.linalg.solve(spread, difference))


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    """Take rounding errors out of a symmetric matrix."""
    return (matrix + matrix.T) / 2


def _well_conditioned(covariance: np.ndarray) -> np.ndarray:
    """Widen a covariance where it is too narrow to be told from its rounding errors."""
    widest = np.trace(covariance)
    return _symmetric(covariance) + _LEAST_SHARE * widest * np.eye(len(covariance))
