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

"""How fast to turn towards somebody: a control law without ROS."""

from __future__ import annotations

import math
from dataclasses import dataclass

_BRAKING_SHARE = 0.7
"""Of the acceleration that braking is planned with; the rest is for the steps of the clock."""
_ARRIVED = 0.25
"""Share of the dead band within which a turn ends: one that ended at its edge would begin anew."""


@dataclass(frozen=True)
class Limits:
    """What the joint or the base can do.

    Attributes
    ----------
    speed : float
        Never turn faster (rad/s).
    acceleration : float
        Never change speed faster (rad/s^2).
    dead_band : float
        Stay where it is while the error is smaller (rad).
    gain : float
        Speed for each radian of error, close to the goal (1/s).
    """

    speed: float = 1.0
    acceleration: float = 2.0
    dead_band: float = 0.1
    gain: float = 2.0


class TurnLaw:
    """Turns an error of direction into a speed, within limits of speed and acceleration.

    Close to the goal speed is proportional to the error; farther away it is such that constant
    braking ends at the goal.

    Attributes
    ----------
    speed : float
        Commanded now (rad/s), positive counter-clockwise.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turning = False
        self.speed = 0.0

    def step(self, error: float | None, seconds: float) -> float:
        """Return the speed for the time until the next step.

        Parameters
        ----------
        error : float or None
            Angle from where it points to where it should point (rad); None brings it to rest.
        seconds : float
            Since the last step.
        """
        limits = self._limits
        wanted = self._wanted(error) if error is not None and math.isfinite(error) else 0.0
        change = limits.acceleration * max(seconds, 0.0)
        self.speed = clamp(wanted, self.speed - change, self.speed + change)
        self.speed = clamp(self.speed, -limits.speed, limits.speed)
        return self.speed

    def _wanted(self, error: float) -> float:
        limits = self._limits
        distance = abs(error)
        self._turning = distance > limits.dead_band * (_ARRIVED if self._turning else 1.0)
        if not self._turning:
            return 0.0
        braking = _BRAKING_SHARE * limits.acceleration
        near = braking / limits.gain**2
        if distance <= near:
            speed = limits.gain * distance
        else:
            speed = math.sqrt(2 * braking * (distance - near / 2))
        return math.copysign(min(speed, limits.speed), error)


def wrap(angle: float) -> float:
    """Bring an angle into [-pi, pi]."""
    return math.remainder(angle, math.tau)


def reachable(bearing: float, angle: float, lower: float, upper: float) -> float:
    """Return the angle to which a joint should turn.

    Parameters
    ----------
    bearing : float
        Where somebody is (rad).
    angle : float
        Of the joint now (rad).
    lower, upper : float
        Between which it can move (rad).

    Returns
    -------
    float
        The bearing, whole turns added as it needs; for somebody out of reach the end of the range
        to which the joint is nearer by turning on, so that it does not swing from end to end when
        somebody passes behind.
    """
    ways = [bearing + turn for turn in (-math.tau, 0.0, math.tau)]
    possible = [way for way in ways if lower <= way <= upper]
    nearest = min(possible or ways, key=lambda way: abs(way - angle))
    return clamp(nearest, lower, upper)


def clamp(value: float, lower: float, upper: float) -> float:
    """Return the value within [lower, upper] that is nearest."""
    return min(max(value, lower), upper)
