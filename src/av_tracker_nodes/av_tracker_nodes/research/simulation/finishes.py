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

"""Floors, walls and ceilings of several kinds, as pictures on the panels of a room."""

from __future__ import annotations

import cv2
import numpy as np

_PIXELS_PER_METRE, _MOST = 64, 1024


def draw_floor(size: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Lay a floor of a size (m): carpet, planks, tiles or screed; (rows, columns, 3), 0..255."""
    kind = rng.choice(['carpet', 'planks', 'tiles', 'screed'])
    colour = rng.uniform(50, 170) + rng.uniform(-30, 30, 3)
    canvas = _speckle(size, colour, 12.0 if kind == 'carpet' else 4.0, rng)
    if kind == 'planks':
        canvas = _speckle(size, rng.uniform(60, 190) * np.array([0.55, 0.75, 1.0]), 5.0, rng)
        _rule(canvas, size, rng.uniform(0.08, 0.2), None, 0.8)
    if kind == 'tiles':
        pitch = rng.uniform(0.25, 0.6)
        _rule(canvas, size, pitch, pitch, rng.uniform(0.6, 1.25))
    return canvas


def draw_wall(size: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Paint a wall of a size (m), paper it with stripes, or leave its bricks."""
    kind = rng.choice(['paint', 'paint', 'paper', 'bricks'])
    light = rng.uniform(110, 235)
    canvas = _speckle(size, light * (1 + 0.06 * rng.normal(size=3)), 2.5, rng)
    if kind == 'paper':
        _rule(canvas, size, None, rng.uniform(0.1, 0.4), rng.uniform(0.85, 1.1))
    if kind == 'bricks':
        _rule(canvas, size, 0.075, None, 0.85)
        _rule(canvas, size, None, 0.24, 0.9)
    return canvas


def draw_ceiling(size: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Plaster a ceiling of a size (m), or hang panels."""
    canvas = _speckle(size, rng.uniform(170, 240) * np.ones(3), 2.0, rng)
    if rng.uniform() < 0.5:
        _rule(canvas, size, 0.6, rng.choice([0.6, 1.2]), 0.85)
    return canvas


def _speckle(
    size: tuple[float, float], colour: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Vary a colour at several scales; `size` is that across and along (m)."""
    columns, rows = (int(min(max(metres * _PIXELS_PER_METRE, 8), _MOST)) for metres in size)
    canvas = np.zeros((rows, columns), np.float32)
    for cells in (4, 16, 64):
        patch = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        canvas += cv2.resize(patch, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.clip(colour + strength * canvas[..., None], 0, 255)


def _rule(
    canvas: np.ndarray,
    size: tuple[float, float],
    down: float | None,
    right: float | None,
    shade: float,
) -> None:
    """Draw joints every so many metres, as lines that are darker or lighter by a factor."""
    rows, columns = canvas.shape[:2]
    for axis, pitch, count, length in ((0, down, rows, size[1]), (1, right, columns, size[0])):
        if pitch is None:
            continue
        joints = np.arange(pitch, length, pitch) / length * count
        index = [slice(None)] * 2
        index[axis] = np.unique(joints.astype(int).clip(0, count - 1))
        canvas[tuple(index)] = np.clip(shade * canvas[tuple(index)], 0, 255)
