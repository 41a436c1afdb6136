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

"""A studio in which simulated people are portrayed one by one.

Each is seen from near and far, turned, lit otherwise, before a wall of clutter and in part before
somebody else; the face has about the same height in all pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.head import FACE_HEIGHT, face_box, mouth_pixel
from av_tracker_nodes.research.simulation.figures import PARTS
from av_tracker_nodes.research.simulation.lighting import Lighting, encode
from av_tracker_nodes.research.simulation.posing import Actor
from av_tracker_nodes.research.simulation.rasteriser import draw_triangles
from av_tracker_nodes.research.simulation.scene import Person
from av_tracker_nodes.types import Face

VIEWS = 8
"""Of a person in one set of clothes."""

FACE = 34
"""About the height of the face in a picture (pixels)."""

_SIZE = 224
"""Side of a picture (pixels)."""
_ABOVE = 0.30
"""Where the mouth is, from the top of the picture (sides)."""
_FINER = 2
"""Pictures are drawn this much larger, then averaged."""
_DISTANCES, _HEIGHTS = (0.5, 6.0), (-0.5, 0.6)
"""Of the camera from a person, and above the mouth (m)."""
_YAW, _PITCH, _ROLL = 0.55, 0.16, 0.08
"""Deviations of how heads are turned from the camera (rad)."""
_STANDING, _SITTING = (1.45, 1.75), (1.12, 1.25)
"""Heights of mouths (m)."""
_COLOURED_WALL, _ANOTHER_BEHIND = 0.4, 0.4
_POSES = 64
"""Of each person; dressed otherwise, they take the next ones."""


@dataclass(frozen=True)
class View:
    """Somebody in front of a camera.

    Attributes
    ----------
    picture : np.ndarray, shape (side, side, 3), uint8
        Blue, green, red.
    camera : Camera
    mouth : np.ndarray, shape (3,)
        Metres, frame of the camera's pose.
    head_scale : float
        Size of the head relative to the average.
    """

    picture: np.ndarray
    camera: Camera
    mouth: np.ndarray
    head_scale: float

    @property
    def face_height(self) -> float:
        """Height (pixels) of the face: 0.20 m where the head has average size."""
        return float(self.head_scale * face_box(self.camera, self.mouth)[3])

    def face_among(self, faces: Sequence[Face]) -> Face | None:
        """Return the first face whose mouth is within half its height of the true one."""
        mouth = self.camera.project(self.mouth)
        return next(
            (
                face
                for face in faces
                if np.abs(mouth - mouth_pixel(face.box)).max() < face.box[3] / 2
            ),
            None,
        )


class Studio:
    """Somebody, somebody else for the background, and a camera.

    Parameters
    ----------
    identity : int
        Somebody else is of the same thousand: people of one split never appear in another.
    rng : np.random.Generator

    Raises
    ------
    InputError
        The package that carries the mesh of humans is not installed.
    """

    def __init__(self, identity: int, rng: np.random.Generator) -> None:
        self._actor = _actor(identity, rng)
        split = identity // 1000 * 1000
        self._other = _actor(split + int(rng.integers(1000)), rng)
        self._albedo = self._actor.albedo

    def dress(self, rng: np.random.Generator) -> None:
        """Put on cloth of any colour and pattern."""
        self._albedo = _dyed(self._actor, rng)

    def portray(self, view: int, rng: np.random.Generator) -> View:
        """Draw somebody in one of 64 poses, before another camera and in other light each time."""
        person, size = self._actor.person, _FINER * _SIZE
        camera = _camera(self._actor, view, rng)
        picture = _clutter(size, rng)
        nearness = np.zeros((size, size), np.float32)
        lighting = Lighting.draw(rng)
        if rng.uniform() < _ANOTHER_BEHIND:
            aside = np.array(
                [rng.uniform(0.2, 1.5), rng.choice([-1, 1]) * rng.uniform(0.35, 1), 0]
            )
            now = int(rng.integers(VIEWS))
            shift = person.mouth[view] - self._other.person.mouth[now] + aside
            _draw(self._other, self._other.albedo, now, shift, camera, lighting, picture, nearness)
        _draw(self._actor, self._albedo, view, np.zeros(3), camera, lighting, picture, nearness)
        picture = cv2.resize(picture, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
        return View(picture, camera.resized((_SIZE, _SIZE)), person.mouth[view], person.head_scale)


def _actor(identity: int, rng: np.random.Generator) -> Actor:
    """Pose a person otherwise at every second of scene time, about facing -x."""
    times = np.arange(float(_POSES))
    sits = rng.uniform() < 0.3
    mouth = np.zeros((times.size, 3))
    mouth[:, :2] = rng.normal(0, 0.02 if sits else 0.3, (times.size, 2))
    mouth[:, 2] = rng.uniform(*(_SITTING if sits else _STANDING))
    turn = np.array([_YAW, _PITCH, _ROLL])
    return Actor(
        Person(
            identity,
            rng.uniform(0.92, 1.08),
            times,
            mouth,
            [np.pi, 0.05, 0] + turn * rng.normal(size=(times.size, 3)),
            np.clip(rng.normal(0, 0.3, times.size), 0, 1),
            np.zeros(0, np.float32),
            (),
            'silent',
        ),
        0.0,
    )


def _dyed(actor: Actor, rng: np.random.Generator) -> np.ndarray:
    """Albedo (n, 3) of an actor whose body has other colours: plain, striped, or of two halves."""
    figure = actor.figure
    cloth = (figure.weights[:, PARTS.index('head')] < 0.05).astype(float)
    place = figure.vertices
    first, second = _dye(rng), _dye(rng)
    style = rng.choice(['plain', 'bands', 'checks', 'open', 'print'])
    pitch = rng.uniform(0.03, 0.2)
    waves = {axis: np.sin(2 * np.pi * place[:, axis] / pitch) for axis in (1, 2)}
    share = {
        'plain': np.zeros(len(place)),
        'bands': waves[rng.choice([1, 2])] > rng.uniform(-0.5, 0.8),
        'checks': waves[1] * waves[2] > 0,
        'open': np.abs(place[:, 1]) < rng.uniform(0.03, 0.12),
        'print': np.hypot(place[:, 1], place[:, 2] + 0.3) < rng.uniform(0.05, 0.15),
    }[style]
    if style in ('open', 'print'):
        share = share & (place[:, 0] > 0)
    share = share.astype(float)[:, None]
    dyed = (1 - share) * first + share * second
    cloth = cloth[:, None]
    return ((1 - cloth) * actor.albedo + cloth * dyed).astype(np.float32)


def _dye(rng: np.random.Generator) -> np.ndarray:
    """Albedo of a cloth: dark, grey and light ones are as common as coloured ones."""
    value, saturation = rng.uniform(0.03, 0.95), rng.uniform() ** 2 * 0.9
    hsv = np.array([[[360 * rng.uniform(), saturation, value]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0] ** 2.2


def _camera(actor: Actor, view: int, rng: np.random.Generator) -> Camera:
    """Look at somebody from -x, such that the face has about the same height in the picture."""
    mouth = actor.person.mouth[view]
    distance = np.exp(rng.uniform(*np.log(_DISTANCES)))
    side, height = rng.normal(0, 0.25), rng.uniform(*_HEIGHTS) * min(distance, 1.5)
    centre = mouth + np.array([-distance, distance * side, height])
    forward = (mouth - centre) / np.linalg.norm(mouth - centre)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    pose = RigidTransform(np.stack([right, np.cross(forward, right), forward], axis=1), centre)
    size = _FINER * _SIZE
    focal = _FINER * FACE / FACE_HEIGHT * np.linalg.norm(mouth - centre)
    return Camera(focal, focal, size / 2, _ABOVE * size, (size, size), pose=pose)


def _draw(
    actor: Actor,
    albedo: np.ndarray,
    view: int,
    shift: np.ndarray,
    camera: Camera,
    lighting: Lighting,
    picture: np.ndarray,
    nearness: np.ndarray,
) -> None:
    vertices, normals = actor.pose(actor.person.times[view])
    local = camera.pose.inverse @ (vertices + shift)
    pixels = np.full((len(local), 2), np.nan, np.float32)
    shown = local[:, 2] > 0.1
    pixels[shown] = camera.project_local(local[shown])
    near = (1 / np.maximum(local[:, 2], 1e-6)).astype(np.float32)
    colours = encode(lighting.shade(albedo, normals)).astype(np.float32)
    draw_triangles(picture, nearness, pixels, near, colours, actor.triangles)


def _clutter(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a background: patches of any colours, and things with sharp edges."""
    cells = int(rng.integers(1, 9))
    strong = 1.0 if rng.uniform() < _COLOURED_WALL else 0.15
    base = rng.uniform(0, 255) + strong * rng.uniform(-128, 128, 3)
    grey = rng.normal(0, rng.uniform(0, 90), (cells, cells, 1))
    tint = rng.normal(0, strong * rng.uniform(0, 90), (cells, cells, 3))
    coarse = np.clip(base + grey + tint, 0, 255).astype(np.uint8)
    picture = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 12)):
        corner = rng.integers(-size // 4, size, 2)
        opposite = corner + rng.integers(4, size // 2, 2)
        shade = rng.normal(0, 70) + strong * rng.normal(0, 70, 3)
        colour = np.clip(base + shade, 0, 255).astype(int).tolist()
        cv2.rectangle(picture, corner.tolist(), opposite.tolist(), colour, -1)
    return picture
