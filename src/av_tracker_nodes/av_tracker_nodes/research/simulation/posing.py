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

"""Pose a figure as a person of the scene stands, looks, talks and walks at a time."""

from __future__ import annotations

import numba
import numpy as np
from scipy.ndimage import gaussian_filter1d

from av_tracker_nodes.research.simulation.figures import PARTS, Figure, build_figure
from av_tracker_nodes.research.simulation.scene import Person
from av_tracker_nodes.research.simulation.trajectories import MOUTH_REACH

_SITTING_BELOW = 1.30
"""Whoever has the mouth lower than this above the floor (m) sits."""

_SITTING_RISE = 0.40
"""So much (m) the mouth rises when somebody stands up."""

_TORSO_LAG = 0.7
_TWIST_LIMIT = np.radians(65)
_STRIDE = 1.35
# From the posture of the mesh, arms askew, to arms that hang.
_HANG, _STRAIGHTEN = np.radians(32), np.radians(32)
# To an arm that is raised until the hand is beside the head.
_LIFT, _BEND = np.radians(68), np.radians(85)


def sits(person: Person, floor: float) -> bool:
    """Tell whether a person sits, above a floor at world z = `floor` (m)."""
    return float(np.median(person.mouth[:, 2])) - floor < _SITTING_BELOW


class Actor:
    """A person with a body.

    Parameters
    ----------
    person : Person
    floor : float
        World z of the floor (m).

    Raises
    ------
    InputError
        The package that carries the mesh of humans is not installed.
    """

    def __init__(self, person: Person, floor: float) -> None:
        self.person = person
        height = float(np.median(person.mouth[:, 2])) - floor
        self._sits = sits(person, floor)
        standing = height + _SITTING_RISE if self._sits else height
        self.figure = build_figure(person.identity, person.head_scale, standing)
        self.albedo = self.figure.albedo.astype(np.float32)
        self.triangles = self.figure.triangles.astype(np.int32)
        self._arrays = _as_floats(self.figure)
        step = person.times[1] - person.times[0]
        velocity = np.gradient(
            gaussian_filter1d(person.mouth[:, :2], 0.3 / step, axis=0), step, axis=0
        )
        speed = np.linalg.norm(velocity, axis=1)
        self._swing = np.clip(speed / 0.9, 0, 1) * (not self._sits)
        self._gait = 2 * np.pi * np.cumsum(speed) * step / _STRIDE
        self._torso_yaw = _torso_yaw(person.orientation[:, 0], velocity, _TORSO_LAG / step)
        self._blinks = np.random.default_rng([person.identity, 0xB11E]).uniform(2.5, 5.0)

    def pose(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Return vertices (m) and normals, each (n, 3), in the world at a scene time (s)."""
        now = np.array([time])
        person = self.person
        mouth = person.at(now, person.mouth)[0]
        yaw, pitch, roll = person.at(now, person.orientation)[0]
        jaw = float(person.at(now, person.jaw)[0])
        torso = _about('z', float(person.at(now, self._torso_yaw)[0]))
        head = _about('z', yaw) @ _about('y', pitch) @ _about('x', roll)
        # The lips are where the scene says; the body hangs below the axis of the head.
        pivot = mouth - head @ [MOUTH_REACH, 0, 0]
        raised = 0.0 if person.raised is None else float(person.at(now, person.raised)[0])
        turns = self._limbs(
            float(person.at(now, self._gait)[0]), float(person.at(now, self._swing)[0]), raised
        )
        transforms = np.empty((len(PARTS), 3, 4))
        for part, (rotation, shift) in enumerate(turns):
            transforms[part, :, :3] = torso @ rotation
            transforms[part, :, 3] = torso @ shift
        transforms[PARTS.index('head'), :, :3] = head
        transforms[..., 3] += pivot
        blink = float(np.exp(-((((time % self._blinks) - 0.2) / 0.06) ** 2)))
        return _skin(*self._arrays, jaw, blink, transforms)

    def _limbs(
        self, gait: float, swing: float, raised: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rotation and shift of each part within the frame of the torso."""
        placed = {'torso': (np.eye(3), np.zeros(3)), 'head': (np.eye(3), np.zeros(3))}
        for side, sign in (('L', 1), ('R', -1)):
            phase = sign * np.sin(gait)
            knee = 0.5 * swing * (1 - np.cos(gait + (0 if side == 'L' else np.pi)))
            thigh = np.radians(-80) if self._sits else -0.38 * swing * phase
            shin = np.radians(80) if self._sits else 0.5 * knee
            lifted = raised * (side == 'R')
            forward = 0.25 * swing * phase * (1 - lifted) - lifted * _LIFT
            arm = _about('y', forward) @ _about('x', -sign * _HANG) @ _about('y', 0.15)
            elbow_bend = (1 - lifted) * (_STRAIGHTEN - 0.2 * swing) - lifted * _BEND
            for upper, lower, turn, bend in (
                ('upper_arm', 'fore_arm', arm, elbow_bend),
                ('thigh', 'shin', _about('y', thigh), shin),
            ):
                joint = self.figure.joints[f'{upper}.{side}']
                placed[f'{upper}.{side}'] = (turn, joint - turn @ joint)
                elbow = self.figure.joints[f'{lower}.{side}']
                moved = turn @ elbow + joint - turn @ joint
                further = turn @ _about('y', bend)
                placed[f'{lower}.{side}'] = (further, moved - further @ elbow)
        return [placed[part] for part in PARTS]


def _about(axis: str, angle: float) -> np.ndarray:
    """Rotation (3, 3) by an angle (rad) about a coordinate axis."""
    cosine, sine = np.cos(angle), np.sin(angle)
    first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    rotation = np.eye(3)
    rotation[first, first] = rotation[second, second] = cosine
    rotation[second, first], rotation[first, second] = sine, -sine
    return rotation


def _torso_yaw(head_yaw: np.ndarray, velocity: np.ndarray, lag: float) -> np.ndarray:
    """Yaw of the torso (rad): it follows the head slowly and, while walking, the way."""
    speed = np.linalg.norm(velocity, axis=1)
    heading = np.arctan2(velocity[:, 1], velocity[:, 0])
    twist = (heading - head_yaw + np.pi) % (2 * np.pi) - np.pi
    along_way = np.clip(twist, -_TWIST_LIMIT, _TWIST_LIMIT) * np.clip(speed / 0.4 - 0.3, 0, 1)
    slow = gaussian_filter1d(np.unwrap(head_yaw) + along_way, lag)
    unwrapped = np.unwrap(head_yaw)
    return unwrapped + np.clip(slow - unwrapped, -_TWIST_LIMIT, _TWIST_LIMIT)


def _as_floats(figure: Figure) -> tuple[np.ndarray, ...]:
    parts = (figure.vertices, figure.normals, figure.jaw, figure.blink, figure.weights)
    return tuple(np.ascontiguousarray(part, np.float32) for part in parts)


@numba.njit(cache=True, nogil=True, fastmath=True, error_model='numpy')
def _skin(vertices, normals, jaw, blink, weights, opening, closing, transforms):
    """Move every vertex by the weighted mean of the transforms of the parts."""
    count, parts = weights.shape
    points, directions = np.empty((count, 3)), np.empty((count, 3), np.float32)
    blended, rest = np.empty((3, 4)), np.empty(3)
    for v in range(count):
        blended[:] = 0
        for part in range(parts):
            weight = weights[v, part]
            if weight > 0:
                for row in range(3):
                    for column in range(4):
                        blended[row, column] += weight * transforms[part, row, column]
        for axis in range(3):
            rest[axis] = vertices[v, axis] + opening * jaw[v, axis] + closing * blink[v, axis]
        for row in range(3):
            point, direction = blended[row, 3], 0.0
            for axis in range(3):
                point += blended[row, axis] * rest[axis]
                direction += blended[row, axis] * normals[v, axis]
            points[v, row] = point
            directions[v, row] = direction
    return points, directions
