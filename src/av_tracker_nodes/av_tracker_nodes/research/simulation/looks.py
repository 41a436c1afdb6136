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

"""Paint a face, and put on hair, beard, eyes and glasses.

Regions are described on the mesh before morphing, where they lie at the same place for everybody
(m): the eyes are at x = 0.124, y = +-0.031, z = 0.728.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.simulation import makehuman
from av_tracker_nodes.research.simulation.heads import Traits
from av_tracker_nodes.research.simulation.surface import Surface

# The hair begins above this line from the nape over the ears and temples to the forehead.
_HAIRLINE_X = [-0.060, 0.015, 0.030, 0.045, 0.062, 0.075, 0.090, 0.115, 0.132, 0.145]
_HAIRLINE_Z = [0.645, 0.668, 0.700, 0.738, 0.728, 0.745, 0.768, 0.783, 0.796, 0.800]
# A beard grows below this line from the ears past the corners of the mouth.
_BEARD_X = [0.030, 0.060, 0.080, 0.110, 0.135, 0.160]
_BEARD_Z = [0.715, 0.705, 0.684, 0.672, 0.662, 0.660]

_HAIR_THICKNESS = {'bald': 0.0, 'cropped': 0.004, 'short': 0.014, 'bob': 0.016, 'long': 0.015}
_HAIR_ENDS = {'bob': -0.075, 'long': -0.17}
_RED = np.array([0.62, 0.26, 0.26])
_MOUTH_INSIDE = np.array([0.25, 0.08, 0.08])
_TEETH = np.array([0.68, 0.64, 0.58])
_LASHES = np.array([0.10, 0.07, 0.06])
_SCLERA = np.array([0.86, 0.84, 0.82])
_FRAMES = np.array([[0.06, 0.06, 0.07], [0.25, 0.15, 0.08], [0.45, 0.45, 0.47]])


def paint_head(
    surface: Surface, traits: Traits, head: np.ndarray, rng: np.random.Generator
) -> None:
    """Give a morphed mesh the looks of a person.

    Parameters
    ----------
    surface : Surface
        Its first vertices are those of the mesh; changed in place.
    traits : Traits
    head : np.ndarray, shape (parts,)
        Weights of what moves with the head.
    rng : np.random.Generator
    """
    _paint_face(surface, traits)
    _paint_brows(surface, traits)
    _grow_beard(surface, traits, rng)
    scalp = _scalp(traits.hairline)
    _grow_hair(surface, traits, scalp, rng)
    if traits.hair_style in _HAIR_ENDS:
        _hang_hair(surface, traits, scalp, head, rng)
    for side in ('l', 'r'):
        _put_eye(surface, side, traits.eyes, head)
    if traits.glasses:
        _put_glasses(surface, _FRAMES[rng.integers(len(_FRAMES))], head)


def _paint_face(surface: Surface, traits: Traits) -> None:
    mesh = makehuman.base_mesh()
    blush = traits.skin * [1.0, 0.86, 0.86]
    surface.blend(blush, 0.6 * _near(mesh.vertices, [0.125, 0.045, 0.695], 0.018))
    surface.blend(blush, 0.6 * _near(mesh.vertices, [0.160, 0.000, 0.700], 0.014))
    surface.blend(0.5 * (traits.skin * [1.0, 0.75, 0.72] + _RED * traits.skin / 0.7),
                  makehuman.mask('lips') * (0.4 + 0.6 * traits.lips))  # fmt: skip
    surface.blend(0.75 * traits.skin, 0.8 * _eye_hollows(mesh.vertices))
    surface.blend(_MOUTH_INSIDE, makehuman.mask('inside-mouth'))
    surface.blend(0.3 * traits.skin, 0.9 * _near(mesh.vertices, [0.150, 0.009, 0.6935], 0.005))
    for group in ('upper-teeth', 'lower-teeth'):
        surface.colours[mesh.members(f'helper-{group}')] = _TEETH
    for side in 'lr':
        for lid in '12':
            surface.colours[mesh.members(f'helper-{side}-eyelashes-{lid}')] = _LASHES


def _eye_hollows(points: np.ndarray) -> np.ndarray:
    """Darker skin on the upper lids and beside the nose, 0..1, shape (n,)."""
    return np.maximum(
        0.9 * _near(points, [0.128, 0.031, 0.738], 0.007),
        0.8 * _near(points, [0.128, 0.017, 0.728], 0.006),
    )


def _paint_brows(surface: Surface, traits: Traits) -> None:
    points = makehuman.base_mesh().vertices
    aside = np.abs(points[:, 1])
    arc = np.interp(aside, [0.012, 0.022, 0.040, 0.056], [0.7435, 0.7470, 0.7510, 0.7445])
    off = (points[:, 2] - arc) / 0.0031
    inside = np.clip((aside - 0.007) / 0.005, 0, 1) * np.clip((0.059 - aside) / 0.008, 0, 1)
    brow = np.exp(-0.5 * off**2) * inside * (points[:, 0] > 0.09)
    dark = np.minimum(traits.hair, 0.6 * traits.hair + 0.1)
    surface.blend(dark, np.clip(1.25 * brow * traits.brows, 0, 1))


def _grow_beard(surface: Surface, traits: Traits, rng: np.random.Generator) -> None:
    if traits.beard == 0:
        return
    points = makehuman.base_mesh().vertices
    below = np.interp(points[:, 0], _BEARD_X, _BEARD_Z) - points[:, 2]
    jaw = (
        _step(below, 0.008) * _step(points[:, 0] - 0.035, 0.01) * _step(points[:, 2] - 0.615, 0.01)
    )
    lip = np.abs(points[:, 2] - 0.6835) / 0.0065
    moustache = _step(1 - lip, 0.4) * _step(0.030 - np.abs(points[:, 1]), 0.006)
    moustache *= points[:, 0] > 0.135
    beard = np.maximum(jaw, moustache) * (1 - np.clip(2 * makehuman.mask('lips'), 0, 1))
    beard *= 1 - makehuman.mask('ears')
    beard *= makehuman.bone_weights(('spine', 'shoulder', 'clavicle')) < 0.5
    surface.inflate(0.007 * beard * max(traits.beard - 0.5, 0))
    strands = traits.hair * rng.uniform(0.8, 1.2, (len(points), 1))
    surface.blend(strands, 0.85 * beard * traits.beard)


def _scalp(raised: float) -> np.ndarray:
    """Where hair grows, 0..1, shape (n,)."""
    points = makehuman.base_mesh().vertices
    line = np.interp(points[:, 0], _HAIRLINE_X, _HAIRLINE_Z)
    line = line + raised * (points[:, 0] > 0.08)
    scalp = _step(points[:, 2] - line, 0.010) * (1 - np.clip(2 * makehuman.mask('ears'), 0, 1))
    body = np.zeros(len(points))
    body[makehuman.base_mesh().members('body')] = 1
    return scalp * body * (makehuman.bone_weights(('head', 'neck')) > 0.3)


def _grow_hair(
    surface: Surface, traits: Traits, scalp: np.ndarray, rng: np.random.Generator
) -> None:
    points = makehuman.base_mesh().vertices
    if traits.hair_style == 'bald':
        surface.blend(traits.hair, 0.10 * scalp)
        return
    thickness = _HAIR_THICKNESS[traits.hair_style] * rng.uniform(0.8, 1.4)
    top = 0.55 + 0.45 * np.clip((points[:, 2] - 0.74) / 0.06, 0, 1)
    parting = rng.choice([-1, 0, 1]) * rng.uniform(0.02, 0.035)
    top -= 0.35 * np.exp(-(((points[:, 1] - parting) / 0.008) ** 2)) * (points[:, 0] > 0.02)
    waves = 1 + 0.12 * np.sin(
        points @ rng.normal(0, 120, 3) + 5 * np.sin(points @ rng.normal(0, 60, 3))
    )
    surface.inflate(thickness * scalp * top * waves)
    shades = rng.uniform(0.82, 1.18, (len(points), 1)) * (0.75 + 0.25 * top[:, None])
    surface.blend(traits.hair * shades, np.clip(1.6 * scalp, 0, 1))


def _hang_hair(
    surface: Surface,
    traits: Traits,
    scalp: np.ndarray,
    head: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Hang a curtain of hair around the back and the sides of the head."""
    hair = surface.vertices[np.flatnonzero(scalp > 0.8)]
    top, middle = hair[:, 2].max(), 0.5 * (hair[:, 0].max() + hair[:, 0].min())
    mouth = surface.vertices[474]
    angles = np.linspace(-1, 1, 41) * np.radians(rng.uniform(92, 104))
    rows = np.linspace(0, 1, 14)
    drop = top - 0.035 + rows * (mouth[2] + _HAIR_ENDS[traits.hair_style] - top + 0.035)
    below = np.clip((top - 0.035 - drop) / 0.11, 0, 1)
    half = 0.5 * np.ptp(hair[:, 1])
    back = middle - hair[:, 0].min()
    swell = (0.55 + 0.45 * np.sin(below * np.pi / 2)) * (1 - 0.10 * np.clip(rows - 0.6, 0, 1))
    wave = 1 + 0.03 * np.sin(angles * rng.uniform(14, 22))[:, None] * rows
    x = middle - (back + 0.006) * np.cos(angles)[:, None] * swell * wave
    y = (half + 0.008) * np.sin(angles)[:, None] * swell * wave
    curtain = np.stack([x, y, np.broadcast_to(drop, x.shape)], axis=-1).reshape(-1, 3)
    faces = _grid(len(angles), len(rows))
    shade = (0.75 + 0.3 * rng.uniform(size=len(angles)))[:, None] * (0.95 - 0.2 * rows)
    colours = traits.hair * shade.reshape(-1, 1)
    for triangles in (faces, faces[:, ::-1]):
        # Seen from either side, so each side has vertices of its own, with their own normals.
        surface.add(curtain, triangles, colours, head)


def _put_eye(surface: Surface, side: str, colour: np.ndarray, head: np.ndarray) -> None:
    """Cover an eyeball with a cap on which pupil, iris and white have sharp borders."""
    ball = surface.vertices[makehuman.base_mesh().members(f'helper-{side}-eye')]
    centre = 0.5 * (ball.max(axis=0) + ball.min(axis=0))
    radius = 1.01 * 0.5 * np.ptp(ball[:, 0])
    rings = np.radians([0.1, 10, 11, 26, 28, 45, 65, 85])
    shades = [0 * colour] * 2 + [colour] * 2 + [_SCLERA] * 4
    around = np.linspace(0, 2 * np.pi, 17)
    directions = np.stack(
        [
            np.outer(np.cos(rings), np.ones(around.size)),
            np.outer(np.sin(rings), np.cos(around)),
            np.outer(np.sin(rings), np.sin(around)),
        ],
        axis=-1,
    )
    colours = np.repeat(np.array(shades), around.size, axis=0)
    points = centre + radius * directions.reshape(-1, 3)
    surface.add(points, _grid(len(rings), around.size), colours, head)


def _put_glasses(surface: Surface, colour: np.ndarray, head: np.ndarray) -> None:
    """Put on a wire frame: two rims, the bridge, and the temples to the ears."""
    mesh = makehuman.base_mesh()
    around = np.linspace(0, 2 * np.pi, 25)
    rim = np.stack([0 * around, 0.024 * np.cos(around), 0.019 * np.sin(around)], axis=-1)
    rims = []
    for side in ('l', 'r'):
        eye = surface.vertices[mesh.members(f'helper-{side}-eye')]
        centre = 0.5 * (eye.max(axis=0) + eye.min(axis=0))
        front = eye[:, 0].max() + 0.011
        rims.append(np.array([front, 1.08 * centre[1], centre[2] - 0.004]) + rim)
    lines = list(rims)
    lines.append(np.array([rims[0][12] + [0.002, 0, 0.004], rims[1][0] + [0.002, 0, 0.004]]))
    ears = surface.vertices[np.flatnonzero(makehuman.mask('ears') > 0.5)]
    for rim, hinge, sign in ((rims[0], 0, 1), (rims[1], 12, -1)):
        aside = np.abs(ears[:, 1]).min() + 0.006
        ear = np.array([ears[:, 0].max(), sign * aside, rim[hinge, 2] + 0.006])
        lines.append(np.array([rim[hinge], ear]))
    for line in lines:
        surface.add(*_tube(line, 0.0017), colour, head)


def _tube(line: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a square tube around a line (k, 3)."""
    along = np.gradient(line, axis=0)
    side = np.cross(along, [0.37, 0.11, 0.92])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(along, side)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    corners = [side, other, -side, -other, side]
    ring = np.stack([line + radius * corner for corner in corners], axis=1)
    return ring.reshape(-1, 3), _grid(len(line), len(corners))


def _grid(rows: int, columns: int) -> np.ndarray:
    """Triangles between the points of a grid stored row by row."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    lower, upper = first + columns, first + 1
    return np.concatenate(
        [
            np.stack([first, lower, lower + 1], axis=-1),
            np.stack([first, lower + 1, upper], axis=-1),
        ]
    )


def _near(points: np.ndarray, centre: list[float], radius: float) -> np.ndarray:
    """Bell, 0..1, shape (n,), around a point and its mirror image on the other side."""
    offset = np.stack([points[:, 0], np.abs(points[:, 1]), points[:, 2]], axis=-1) - centre
    return np.exp(-0.5 * (offset**2).sum(axis=1) / radius**2)


def _step(distance: np.ndarray, width: float) -> np.ndarray:
    """Rise smoothly from 0 to 1 while a distance goes from -width / 2 to width / 2."""
    share = np.clip(distance / width + 0.5, 0, 1)
    return share * share * (3 - 2 * share)
