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

"""How people move: walks, sway, where they look, and how far the jaw is open."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE, frame_level

SAMPLE_RATE = 100
"""Samples a second of all motion."""

MOUTH_REACH = 0.09
"""The lips are this far (m) before the axis that the head turns about."""

_WALK_BLEND = 0.8
_TURN_BLEND = 0.5
_TURN_RATE = np.radians(220.0)
_SWAY = 0.012
_GAIT_BOB = 0.012
_GAIT_STEPS = 1.8


@dataclass
class Itinerary:
    """Where a body is on the floor: pauses and straight walks at constant speed, one by one.

    Attributes
    ----------
    times : list of float
        Scene times (s) of the way points.
    points : list of np.ndarray, each of shape (2,)
        World x and y (m).
    """

    times: list[float] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def start(cls, point: np.ndarray, time: float = 0.0) -> Itinerary:
        """Begin at a point."""
        return cls([time], [np.asarray(point, float)])

    @property
    def end(self) -> float:
        """Scene time (s) at which the last walk or pause ends."""
        return self.times[-1]

    @property
    def place(self) -> np.ndarray:
        """Where the last walk or pause ends, shape (2,)."""
        return self.points[-1]

    def wait(self, seconds: float) -> Itinerary:
        """Stand still."""
        return self._append(seconds, self.place)

    def walk(self, point: np.ndarray, speed: float) -> Itinerary:
        """Walk straight to a point at a speed (m/s)."""
        point = np.asarray(point, float)
        return self._append(float(np.linalg.norm(point - self.place)) / speed, point)

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Evaluate the smoothed walk at evenly spaced times (s), shape (n, 2).

        The straight pieces are convolved with the speed profile of a minimum-jerk movement (Flash
        and Hogan 1985): walks start and stop like natural movements, corners become bends, and
        the speed never exceeds that of the piece.
        """
        points = np.array(self.points)
        path = np.stack([np.interp(times, self.times, column) for column in points.T], axis=-1)
        return smooth(path, times, _WALK_BLEND)

    def _append(self, seconds: float, point: np.ndarray) -> Itinerary:
        self.times.append(self.end + seconds)
        self.points.append(point)
        return self


def smooth(values: np.ndarray, times: np.ndarray, width: float) -> np.ndarray:
    """Convolve samples (n,) or (n, columns) with a minimum-jerk speed profile of `width` s."""
    count = 2 * round(width / (times[1] - times[0]) / 2) + 1
    phase = (np.arange(count) + 0.5) / count
    bell = (phase * (1 - phase)) ** 2
    bell /= bell.sum()
    margin = [(count // 2, count // 2)] + [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values, margin, mode='edge')
    return np.apply_along_axis(np.convolve, 0, padded, bell, mode='valid')


def wander(
    times: np.ndarray, deviation: float, period: float, rng: np.random.Generator
) -> np.ndarray:
    """Return smooth random motion of a standard deviation, shape (n,), that changes in `period`.

    Random values `period` / 4 apart, joined and smoothed over `period`.
    """
    knots = np.arange(times[0] - period, times[-1] + period, period / 4)
    path = smooth(np.interp(times, knots, rng.normal(size=knots.size)), times, period)
    return path * (deviation / 0.55)


def body_axis(
    itinerary: Itinerary, height: float, times: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the axis that the head turns about, at mouth level.

    Parameters
    ----------
    itinerary : Itinerary
    height : float
        World z of the mouth (m).
    times : np.ndarray, shape (n,)
        Seconds.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (n, 3)
        Metres: the walk, swayed by about a centimetre, bobbing with the steps.
    """
    floor = itinerary.positions(times)
    speed = np.linalg.norm(np.gradient(floor, times, axis=0), axis=1)
    bob = _GAIT_BOB * np.minimum(speed, 1.0) * np.sin(2 * np.pi * _GAIT_STEPS * times)
    axis = np.column_stack([floor, height + bob])
    for column in axis.T:
        column += wander(times, _SWAY, 3.0, rng)
    return axis


@dataclass(frozen=True)
class Look:
    """Look at something from a scene time (s) on.

    Attributes
    ----------
    start : float
    target : np.ndarray, shape (3,) or (n, 3)
        One point or one a sample (m).
    bow : float
        The head is bowed by so much more than it has to be (rad).
    """

    start: float
    target: np.ndarray
    bow: float = 0.0


def look_ahead(axis: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Points (n, 3) straight ahead of somebody who walks; while standing, where they came to."""
    velocity = np.gradient(smooth(axis[:, :2], times, 1.0), times, axis=0)
    moving = np.linalg.norm(velocity, axis=1) > 0.15
    if not moving.any():
        return axis + np.array([-1.0, 0.0, 0.0])
    last = np.maximum.accumulate(np.where(moving, np.arange(times.size), np.argmax(moving)))
    heading = velocity[last] / np.linalg.norm(velocity[last], axis=1, keepdims=True)
    return axis + np.column_stack([2 * heading, np.zeros(times.size)])


def look_away(axis: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Points (n, 3) at the far side of somebody as seen from a place (3,), at mouth level."""
    away = axis - place
    away[:, 2] = 0.0
    return axis + away


def turn_head(
    axis: np.ndarray, looks: list[Look], times: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Turn a head towards what it looks at, with small movements of its own.

    Parameters
    ----------
    axis : np.ndarray, shape (n, 3)
        Of the head (m).
    looks : list of Look
        In order of time; the first holds from the beginning.
    times : np.ndarray, shape (n,)
        Seconds.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (n, 3)
        Yaw, pitch and roll as in `Person.orientation` (rad); yaw is continuous.
    """
    target, bow = np.empty_like(axis), np.empty(times.size)
    for look in looks:
        now = times >= look.start if look is not looks[0] else np.full(times.size, True)
        target[now] = np.broadcast_to(look.target, axis.shape)[now]
        bow[now] = look.bow
    offset = target - axis
    yaw = np.unwrap(np.arctan2(offset[:, 1], offset[:, 0]))
    pitch = -np.arctan2(offset[:, 2], np.linalg.norm(offset[:, :2], axis=1))
    pitch = np.clip(0.6 * pitch, np.radians(-15), np.radians(20)) + bow
    yaw = limit_rate(yaw, _TURN_RATE * (times[1] - times[0]))
    towards = smooth(np.column_stack([yaw, pitch]), times, _TURN_BLEND)
    own = [wander(times, np.radians(degrees), 1.2, rng) for degrees in (4.0, 3.0, 2.5)]
    return np.column_stack([towards, np.zeros(times.size)]) + np.column_stack(own)


def facing_vector(orientation: np.ndarray) -> np.ndarray:
    """Return unit vectors (..., 3) out of the mouth for yaw, pitch and roll (..., 3) (rad)."""
    yaw, pitch = orientation[..., 0], orientation[..., 1]
    return np.stack(
        [np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)], axis=-1
    )


def limit_rate(values: np.ndarray, step: float) -> np.ndarray:
    """Follow values (n,) by at most `step` from one sample to the next."""
    followed = values.copy()
    for i in range(1, followed.size):
        followed[i] = followed[i - 1] + np.clip(values[i] - followed[i - 1], -step, step)
    return followed


def mouth_of(axis: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Centre of the lips (n, 3) of a head that turns about an axis (n, 3)."""
    return axis + MOUTH_REACH * facing_vector(orientation)


def jaw_opening(speech: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return how far the jaw is open, 0..1, shape (n,): it follows the energy of speech."""
    frame = RATE // SAMPLE_RATE
    level = frame_level(speech, frame)
    heard_at = (np.arange(level.size) + 0.5) * frame / RATE
    opening = np.minimum(0.6 * np.sqrt(level / ACTIVE_LEVEL), 1.0)
    return smooth(np.interp(times, heard_at, opening, left=0.0, right=0.0), times, 0.15)
