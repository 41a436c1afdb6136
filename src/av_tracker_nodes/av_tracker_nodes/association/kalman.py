# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Kalman filter of a walking head whose size is not known.

State: position ``p`` (m), velocity ``v`` (m/s), and ``s``, the logarithm of the head's size
relative to the average. A camera that reads the range from the size of the face puts a large head
too near, always by the same factor; averaging over frames cannot remove that, but a voice heard by
the arrays can. So the size is a state: a person who has talked keeps the right range in silence.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.head import HEAD_SIZE_STD

_POSITION, _VELOCITY, _SIZE = slice(0, 3), slice(3, 6), 6
_INITIAL_SPEED_STD = 0.5
_LEAST_NOISE = 1e-4


class HeadFilter:
    """Extended Kalman filter with damped velocity.

    Parameters
    ----------
    position : np.ndarray, shape (3,)
        First measurement (m).
    covariance : np.ndarray, shape (3, 3)
        Of that measurement (m^2), everything included.
    acceleration : float
        Deviation of the acceleration (m/s^2) held over a second.
    vertical_share : float
        The same in the vertical, relative to the horizontal.
    velocity_memory : float
        Time constant with which the velocity decays to zero (s).
    """

    def __init__(
        self,
        position: np.ndarray,
        covariance: np.ndarray,
        acceleration: float,
        vertical_share: float,
        velocity_memory: float,
    ) -> None:
        self.state = np.zeros(7)
        self.state[_POSITION] = position
        self.covariance = np.zeros((7, 7))
        self.covariance[_POSITION, _POSITION] = covariance
        self.covariance[_VELOCITY, _VELOCITY] = _INITIAL_SPEED_STD**2 * np.diag(
            [1, 1, vertical_share**2]
        )
        self.covariance[_SIZE, _SIZE] = HEAD_SIZE_STD**2
        self._intensity = (acceleration * np.array([1, 1, vertical_share])) ** 2
        self._velocity_memory = velocity_memory

    @property
    def position(self) -> np.ndarray:
        """Mouth (m), shape (3,)."""
        return self.state[_POSITION]

    @property
    def velocity(self) -> np.ndarray:
        """Velocity (m/s), shape (3,)."""
        return self.state[_VELOCITY]

    @property
    def position_covariance(self) -> np.ndarray:
        """Covariance of the position (m^2), shape (3, 3)."""
        return self.covariance[_POSITION, _POSITION]

    def predict(self, seconds: float) -> None:
        """Let time pass.

        ``dp = v dt``, ``dv = -v / T dt + noise``; the noise is white acceleration of intensity
        ``acceleration^2``.
        """
        decay = np.exp(-seconds / self._velocity_memory)
        transition = np.eye(7)
        transition[_POSITION, _VELOCITY] = self._velocity_memory * (1 - decay) * np.eye(3)
        transition[_VELOCITY, _VELOCITY] = decay * np.eye(3)
        noise = np.zeros((7, 7))
        noise[_POSITION, _POSITION] = np.diag(self._intensity) * seconds**3 / 3
        noise[_VELOCITY, _VELOCITY] = np.diag(self._intensity) * seconds
        noise[_POSITION, _VELOCITY] = np.diag(self._intensity) * seconds**2 / 2
        noise[_VELOCITY, _POSITION] = noise[_POSITION, _VELOCITY]
        self.state = transition @ self.state
        self.covariance = transition @ self.covariance @ transition.T + noise

    def update(
        self,
        position: np.ndarray,
        covariance: np.ndarray,
        size_gain: float = 0.0,
        viewpoint: np.ndarray | None = None,
    ) -> None:
        """Take in a measured position.

        The measurement is ``c + exp(-g s) (p - c)`` plus noise, ``c`` the viewpoint, ``g`` the
        share of the range that rests on the assumed head size. The noise is what remains of the
        covariance without that share.

        Parameters
        ----------
        position : np.ndarray, shape (3,)
            Metres.
        covariance : np.ndarray, shape (3, 3)
            Square metres, the unknown head size included.
        size_gain : float
            ``g``, 0..1.
        viewpoint : np.ndarray, shape (3,)
            Optical centre (m); needed where `size_gain` is not 0.
        """
        measurement = np.zeros((3, 7))
        if viewpoint is None:
            expected, shrink = self.position, 1.0
        else:
            shrink = np.exp(-size_gain * self.state[_SIZE])
            sight = shrink * (self.position - viewpoint)
            expected = viewpoint + sight
            measurement[:, _SIZE] = -size_gain * sight
            covariance = _without_size(covariance, size_gain, position - viewpoint)
        measurement[:, _POSITION] = shrink * np.eye(3)
        spread = measurement @ self.covariance @ measurement.T + covariance
        gain = np.linalg.solve(spread, measurement @ self.covariance).T
        self.state = self.state + gain @ (position - expected)
        # Joseph form: stays symmetric and positive definite over hours of updates.
        kept = np.eye(7) - gain @ measurement
        self.covariance = kept @ self.covariance @ kept.T + gain @ covariance @ gain.T


def _without_size(covariance: np.ndarray, size_gain: float, sight: np.ndarray) -> np.ndarray:
    """Take the doubt about the head size out of a covariance, along the line of sight."""
    distance = np.linalg.norm(sight)
    direction = sight / max(distance, 1e-9)
    along = direction @ covariance @ direction
    doubt = (size_gain * HEAD_SIZE_STD * distance) ** 2
    removable = np.clip(along - _LEAST_NOISE, 0.0, doubt)
    return covariance - removable * np.outer(direction, direction)
