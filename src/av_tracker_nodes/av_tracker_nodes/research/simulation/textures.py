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

"""Pictures on the furniture of a room: (rows, columns, 3), blue, green, red, 0..255."""

from __future__ import annotations

import cv2
import numpy as np


def plain(colour: np.ndarray) -> np.ndarray:
    """Paint everything in one colour."""
    return np.clip(np.asarray(colour, float), 0, 255).reshape(1, 1, 3)


def speckled(colour: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Paint a wall or carpet: a colour that varies at several scales."""
    texture = np.zeros((128, 128))
    for cells in (4, 16, 64):
        patch = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        texture += cv2.resize(patch, (128, 128), interpolation=cv2.INTER_CUBIC)
    return np.clip(colour + strength * texture[..., None], 0, 255)


def grained(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paint wood: stripes along the second edge of the panel."""
    grain = rng.normal(0, 1, (6, 96)).astype(np.float32)
    grain = cv2.GaussianBlur(cv2.resize(grain, (96, 96)), (0, 0), 1.0)
    return np.clip(colour * (1 + 0.10 * grain[..., None]), 0, 255)


def printed(rng: np.random.Generator) -> np.ndarray:
    """Print a sheet of text."""
    page = np.full((64, 48, 3), 235, np.uint8)
    for row in range(6, 58, 4):
        cv2.line(page, (5, row), (int(rng.integers(20, 43)), row), (150, 150, 150), 1)
    return page


def whiteboard(rng: np.random.Generator) -> np.ndarray:
    """Write lines, boxes and arrows in felt-tip colours."""
    board = np.full((160, 280, 3), 238, np.uint8)
    pens = [(60, 40, 30), (40, 40, 190), (170, 70, 30), (60, 130, 40)]
    for _ in range(int(rng.integers(8, 16))):
        pen = pens[rng.integers(len(pens))]
        x, y = int(rng.integers(10, 200)), int(rng.integers(12, 145))
        along = np.arange(0, rng.integers(20, 75), 2)
        steps = np.column_stack([along, rng.normal(0, 2.2, along.size)])
        cv2.polylines(
            board, [(steps + np.array([x, y])).astype(np.int32)], False, pen, 1, cv2.LINE_AA
        )
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(20, 200)), int(rng.integers(20, 110))
        cv2.rectangle(board, (x, y), (x + 45, y + 28), pens[rng.integers(4)], 1, cv2.LINE_AA)
        cv2.arrowedLine(board, (x + 45, y + 14), (x + 70, y + 14), pens[0], 1, cv2.LINE_AA)
    return board


def poster(rng: np.random.Generator) -> np.ndarray:
    """Paint coloured bands and slanted blocks."""
    poster = np.full((96, 64, 3), _muted(rng.integers(120, 235, 3)), np.uint8)
    for _ in range(int(rng.integers(3, 7))):
        points = rng.integers(0, [64, 96], (4, 2)).astype(np.int32)
        cv2.fillConvexPoly(poster, cv2.convexHull(points), _muted(rng.integers(30, 220, 3)))
    cv2.rectangle(poster, (6, 78), (58, 82), (50, 50, 50), -1)
    return cv2.GaussianBlur(poster, (0, 0), 0.7)


def _muted(colour: np.ndarray) -> list[float]:
    """Take a colour halfway to grey."""
    return (0.5 * colour + 0.5 * colour.mean()).tolist()


def view(rng: np.random.Generator) -> np.ndarray:
    """Paint what the window shows: sky over roofs."""
    sky = np.linspace(0, 1, 80)[:, None, None] * [-10, -8, 0] + [252, 246, 236]
    view = np.repeat(sky, 48, axis=1).clip(0, 255).astype(np.uint8)
    line = int(rng.integers(48, 60))
    for x in range(0, 48, 8):
        top = line + int(rng.integers(-8, 8))
        cv2.rectangle(view, (x, top), (x + 8, 80), _muted(rng.integers(130, 200, 3)), -1)
    return cv2.GaussianBlur(view, (0, 0), 1.5)
