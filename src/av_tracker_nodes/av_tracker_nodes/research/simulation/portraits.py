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

"""Paint portraits: pictures of the simulator's people, to hang on its walls."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.head import FACE_HEIGHT
from av_tracker_nodes.research.simulation.decor import Portrait
from av_tracker_nodes.research.simulation.drawing import Canvas
from av_tracker_nodes.research.simulation.lighting import Lighting
from av_tracker_nodes.research.simulation.posing import Actor
from av_tracker_nodes.research.simulation.scene import Person

_ROWS = 240
"""Of a portrait; its columns follow from its shape."""

_DISTANCE = 2.0
"""From which people are painted (m)."""
_FLOOR = -1.6
_SPACING = 0.55
"""Between the heads of people side by side (m)."""


@lru_cache(maxsize=8)
def paint(portrait: Portrait) -> np.ndarray:
    """Paint a portrait, shape (rows, columns, 3), blue, green, red, 0..255.

    Raises
    ------
    InputError
        The package that carries the mesh of humans is not installed.
    """
    rng = np.random.default_rng([portrait.seed, 0xFACE])
    size = (max(round(_ROWS * portrait.aspect), 16), _ROWS)
    image = _backdrop(size, rng)
    nearness = np.zeros(image.shape[:2], np.float32)
    canvas = Canvas(image, nearness, _camera(portrait, size, rng), Lighting.draw(rng))
    count = len(portrait.identities)
    for k, identity in enumerate(portrait.identities):
        place = np.array([_DISTANCE, _SPACING * ((count - 1) / 2 - k), rng.uniform(-0.06, 0.06)])
        actor = Actor(_sitter(identity, place, rng), _FLOOR)
        canvas.draw(*actor.pose(0.0), actor.albedo, actor.triangles)
    toned = image.astype(float)
    if rng.uniform() < 0.2:
        toned[:] = toned.mean(axis=-1, keepdims=True)
    return np.clip(rng.uniform(0.75, 1.1) * toned + rng.uniform(0, 15), 0, 255)


def _camera(portrait: Portrait, size: tuple[int, int], rng: np.random.Generator) -> Camera:
    """Camera at the origin that looks along x, upright."""
    width, height = size
    focal = portrait.faces * height * _DISTANCE / FACE_HEIGHT
    optical = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    # The mouth is a little below the middle, as painters have it.
    row = height * rng.uniform(0.45, 0.6)
    return Camera(focal, focal, (width - 1) / 2, row, size, pose=RigidTransform(optical))


def _sitter(identity: int, place: np.ndarray, rng: np.random.Generator) -> Person:
    """Somebody who looks about towards the painter."""
    turn = np.pi + rng.normal(0, 0.3), rng.normal(0, 0.1), rng.normal(0, 0.08)
    return Person(
        identity=identity,
        head_scale=1.0,
        times=np.array([0.0, 1.0]),
        mouth=np.tile(place, (2, 1)),
        orientation=np.tile(turn, (2, 1)),
        jaw=np.full(2, rng.uniform(0.0, 0.25)),
        speech=np.zeros(0, np.float32),
        segments=(),
        voice='painted',
    )


def _backdrop(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Paint soft patches of one colour."""
    width, height = size
    patches = rng.normal(0, 1, (4, 4, 3)).astype(np.float32)
    soft = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    colour = rng.uniform(40, 210, 3)
    return np.clip(colour + rng.uniform(5, 35) * soft, 0, 255).astype(np.uint8)
