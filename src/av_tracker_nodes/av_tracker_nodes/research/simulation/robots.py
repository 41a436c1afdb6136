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

"""Robots of all kinds: microphones of the rigs of the package, beside any camera at any height."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.rig_description import NoiseSource, RigDescription, RigMotion
from av_tracker_nodes.geometry.rig_files import load_rig_description, shipped_rigs

_SIZES = (
    ((320, 240), 0.24),
    ((480, 270), 0.12),
    ((424, 240), 0.10),
    ((640, 360), 0.16),
    ((640, 480), 0.26),
    ((960, 540), 0.05),
    ((1280, 720), 0.06),
    ((1920, 1080), 0.01),
)
"""Sizes of pictures, and how often each is drawn."""

_LARGEST_MOVING = 424
"""Pictures of robots that move are no wider (pixels): each is drawn anew."""

_FIELD_OF_VIEW = np.radians([50.0, 110.0])
_NARROW = np.radians(85.0)
"""Lenses of less than this bend straight lines as the polynomial of a calibration can tell."""
_HEIGHTS = 0.3, 1.6
_FACES = 1.35
"""Height (m) that cameras are pointed at, in the middle between people who sit and who stand."""
_AIM_DISTANCE = 2.5
_STILL, _PANNING = 0.8, 0.92
"""Shares of robots that stand still; and of those that do, or turn to and fro."""

# How far away noise is at most (m), and how loud (dB re speech).
_NOISES = {
    'fan': ((0.1, 1.2), (-16.0, -3.0)),
    'motor': ((0.1, 0.5), (-14.0, -2.0)),
    'hum': ((0.1, 1.3), (-20.0, -8.0)),
    'television': ((0.8, 1.3), (-16.0, -4.0)),
    'music': ((0.8, 1.3), (-18.0, -6.0)),
    'knocks': ((0.5, 1.3), (-14.0, -4.0)),
}
_NOISY = 0.5


def draw_robot(seed: int) -> RigDescription:
    """Draw a robot: camera, microphones, motion and noise; the same for the same seed."""
    rng = np.random.default_rng([seed, 0xB07])
    rigs = _rigs_with_microphones()
    rig = rigs[rng.integers(len(rigs))]
    height = rng.uniform(*_HEIGHTS)
    base = RigidTransform(translation=np.array([0.0, 0.0, height]))
    motion = _draw_motion(rng)
    lens = _draw_lens(motion.kind != 'static', rng)
    base_from_parent = rig.base.inverse
    camera = base_from_parent @ rig.camera.pose
    array = base_from_parent @ rig.target_from_array
    pitch = np.arctan2(height - _FACES, _AIM_DISTANCE) + np.radians(rng.uniform(-7.0, 7.0))
    turn = Rotation.from_euler('y', pitch).as_matrix()
    return replace(
        rig,
        name=f'robot{seed}',
        base=base,
        camera=replace(
            lens,
            pose=base @ RigidTransform(turn @ camera.rotation, camera.translation),
        ),
        target_from_array=base
        @ RigidTransform(array.rotation, array.translation + _draw_shift(rng)),
        room=None,
        motion=motion,
        noise=_draw_noise(height, rng),
        has_field_of_view=True,
    )


@cache
def _rigs_with_microphones() -> list[RigDescription]:
    rigs = [load_rig_description(name) for name in shipped_rigs()]
    return [rig for rig in rigs if rig.microphones is not None]


def _draw_lens(moves: bool, rng: np.random.Generator) -> Camera:
    """Draw size, field of view, principal point and distortion of a camera."""
    sizes, chances = zip(*_SIZES, strict=True)
    fitting = np.array([not moves or width <= _LARGEST_MOVING for width, _ in sizes])
    chances = np.array(chances) * fitting
    width, height = sizes[rng.choice(len(sizes), p=chances / chances.sum())]
    angle = rng.uniform(*_FIELD_OF_VIEW)
    focal = width / 2 / np.tan(angle / 2)
    off_centre = 0.015 * width * rng.normal(size=2).clip(-2, 2)
    bend = rng.uniform(-0.15, 0.03) * (angle < _NARROW)
    return Camera(
        focal,
        focal * (1 + 0.005 * rng.normal()),
        (width - 1) / 2 + off_centre[0],
        (height - 1) / 2 + off_centre[1],
        (width, height),
        np.array([bend, 0.0, 0.0, 0.0, 0.0]),
    )


def _draw_shift(rng: np.random.Generator) -> np.ndarray:
    """How far the microphones are from where their rig file has them (m): a head or a torso."""
    if rng.uniform() < 0.5:
        return np.zeros(3)
    return rng.uniform([-0.05, -0.05, -0.25], [0.10, 0.05, 0.10])


def _draw_motion(rng: np.random.Generator) -> RigMotion:
    kind, period = rng.uniform(), rng.uniform(4.0, 10.0)
    if kind < _STILL:
        return RigMotion()
    if kind < _PANNING:
        return RigMotion('pan', np.radians(rng.uniform(8.0, 30.0)), period)
    return RigMotion('drive', rng.uniform(0.1, 0.4), period)


def _draw_noise(height: float, rng: np.random.Generator) -> tuple[NoiseSource, ...]:
    """Draw up to two things that make noise, in the robot or about it."""
    if rng.uniform() >= _NOISY:
        return ()
    kinds = rng.choice(list(_NOISES), size=rng.integers(1, 3), replace=False)
    sources = []
    for kind in kinds:
        distance, level = _NOISES[kind]
        azimuth, away = rng.uniform(-1.7, 1.7), rng.uniform(*distance)
        low = min(height, rng.uniform(0.15, 1.4))
        place = np.array([away * np.cos(azimuth), away * np.sin(azimuth), low])
        switches = bool(rng.uniform() < 0.4)
        sources.append(NoiseSource(str(kind), place, float(rng.uniform(*level)), switches))
    return tuple(sources)
