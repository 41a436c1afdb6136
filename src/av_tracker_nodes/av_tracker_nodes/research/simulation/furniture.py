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

"""A furnished meeting room, as flat panels with pictures on them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from av_tracker_nodes.geometry import RigidTransform, Room
from av_tracker_nodes.research.simulation.balls import rod_of
from av_tracker_nodes.research.simulation.decor import Picture
from av_tracker_nodes.research.simulation.finishes import draw_ceiling, draw_floor, draw_wall
from av_tracker_nodes.research.simulation.panels import Panel, board, box
from av_tracker_nodes.research.simulation.portraits import paint
from av_tracker_nodes.research.simulation.posing import sits
from av_tracker_nodes.research.simulation.scene import Occluder, Person, Scene
from av_tracker_nodes.research.simulation.textures import (
    grained,
    plain,
    poster,
    printed,
    speckled,
    view,
    whiteboard,
)

_BOOKS = np.array([[60, 40, 120], [120, 70, 40], [50, 90, 50], [40, 40, 45], [190, 190, 185],
                   [60, 130, 170], [100, 60, 90], [140, 130, 60], [70, 70, 160]])  # fmt: skip
_WALLS = np.array([[205, 218, 222], [222, 222, 216], [190, 205, 200], [214, 206, 192]])
_FLOORS = np.array([[96, 92, 88], [82, 100, 122], [110, 96, 80], [70, 74, 82]])
_WOODS = np.array([[96, 140, 178], [70, 100, 140], [150, 178, 198], [190, 192, 195]])


def furnish(scene: Scene) -> list[Panel]:
    """Draw the furniture of a scene; all cameras see the same."""
    rng = np.random.default_rng([scene.seed, 0xF00D])
    room = scene.room
    panels = _walls(room, rng) if scene.decor is None else _finished_walls(room, rng)
    if scene.table:
        panels += _table(room, rng)
    panels += _far_side(room, rng)
    panels += _north_side(room, rng)
    panels += _south_side(room, rng) if scene.table else _hang_south(room, rng)
    for person in scene.people:
        if sits(person, room.minimum[2]):
            panels += _seat(person, room.minimum[2], rng)
    for occluder in scene.occluders:
        if occluder.portrait is None:
            panels += board(occluder.corners, 255 * np.array(occluder.colour))
        else:
            panels += _standing_portrait(occluder, room.minimum[2])
    if scene.decor is not None:
        panels += [panel for picture in scene.decor.pictures for panel in _framed(picture)]
        for ball in scene.decor.balls:
            corner, size = rod_of(ball)
            panels += box(*corner, *size, plain([60, 60, 60]))
    return panels


def _framed(picture: Picture) -> list[Panel]:
    """Frame a portrait: a darker panel a little larger and behind it."""
    paint_ = paint(picture.portrait)
    normal = np.cross(picture.across, picture.along)
    normal /= np.linalg.norm(normal)
    rim = 0.03
    right, down = (edge / np.linalg.norm(edge) for edge in (picture.across, picture.along))
    frame = Panel(
        picture.corner - rim * (right + down) + 0.004 * normal,
        picture.across + 2 * rim * right,
        picture.along + 2 * rim * down,
        plain([25, 25, 28] if picture.glows else paint_[0, 0] * 0.4),
    )
    return [
        frame,
        Panel(picture.corner, picture.across, picture.along, paint_, glows=picture.glows),
    ]


def _standing_portrait(board: Occluder, floor: float) -> list[Panel]:
    """Stand a portrait or a screen on a pole."""
    corner, right, _, below = board.corners
    picture = Picture(corner, right - corner, below - corner, board.portrait, board.glows)
    behind = np.cross(picture.across, picture.along)
    foot = picture.centre + 0.04 * behind / np.linalg.norm(behind)
    pole = box(foot[0] - 0.02, foot[1] - 0.02, floor, 0.04, 0.04, foot[2] - floor, plain([50] * 3))
    return [*_framed(picture), *pole]


def _finished_walls(room: Room, rng: np.random.Generator) -> list[Panel]:
    low = room.minimum
    x, y, z = np.diag(room.maximum - low)
    wide, deep, tall = (float(edge.max()) for edge in (x, y, z))
    sides, ends = draw_wall((wide, tall), rng), draw_wall((deep, tall), rng)
    if rng.uniform() < 0.6:
        ends = np.broadcast_to(sides.mean(axis=(0, 1)), (1, 1, 3))
    return [
        Panel(low, x, y, draw_floor((wide, deep), rng)),
        Panel(low + z, x, y, draw_ceiling((wide, deep), rng)),
        Panel(low, x, z, sides),
        Panel(low + y, x, z, sides),
        Panel(low, y, z, ends),
        Panel(low + x, y, z, ends),
    ]


def _walls(room: Room, rng: np.random.Generator) -> list[Panel]:
    low, high = room.minimum, room.maximum
    size = high - low
    x, y, z = np.diag(size)
    paint = speckled(_one_of(_WALLS, rng), 2.0, rng)
    floor = speckled(_one_of(_FLOORS, rng), 9.0, rng)
    ceiling = speckled(np.array([225, 228, 228]), 2.0, rng)
    panels = [
        Panel(low, x, y, floor),
        Panel(low + z, x, y, ceiling),
        *(
            Panel(start, edge, z, paint)
            for start, edge in ((low, x), (low, y), (low + y, x), (low + x, y))
        ),
    ]
    skirting = plain([70, 75, 80])
    panels += box(high[0] - 0.012, low[1], low[2], 0.012, size[1], 0.09, skirting)
    panels += box(low[0], high[1] - 0.012, low[2], size[0], 0.012, 0.09, skirting)
    return panels


def _table(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Set up the meeting table, whose top is z = 0, with the microphones on it."""
    wood = _wood(rng)
    panels = box(-0.60, -1.15, -0.035, 1.00, 2.30, 0.035, wood)
    floor, metal = room.minimum[2], plain([60, 60, 62])
    for x, y in product((-0.50, 0.25), (-1.05, 1.0)):
        panels += box(x, y, floor, 0.05, 0.05, -0.035 - floor, metal)
    black = plain([35, 35, 38])
    for centre in (-0.4, 0.4):
        for angle in np.arange(8) * np.pi / 4:
            x, y = 0.1 * np.cos(angle), centre + 0.1 * np.sin(angle)
            panels += box(x - 0.007, y - 0.007, 0.0, 0.014, 0.014, 0.035, black)
    for _ in range(rng.integers(2, 5)):
        x, y, turn = rng.uniform(-0.3, 0.1), rng.uniform(-1.0, 1.0), rng.uniform(-0.5, 0.5)
        panels += box(x, y, 0.0, 0.21, 0.297, 0.002 + rng.uniform(0, 0.01), printed(rng), turn)
    mug = plain(_one_of(_BOOKS, rng))
    panels += box(rng.uniform(0.0, 0.25), rng.uniform(-0.15, 0.15), 0.0, 0.075, 0.075, 0.095, mug)
    return panels


def _far_side(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Fill the long wall that all cameras see: whiteboard or pictures, cupboard, door."""
    wall, floor = room.maximum[0], room.minimum[2]
    panels = []
    y = rng.uniform(-1.2, -0.2)
    if rng.uniform() < 0.6:
        panels += _hang(wall, y, 0.15, rng.uniform(1.4, 2.0), 1.0, whiteboard(rng))
    else:
        for k in range(3):
            across, tall = rng.uniform(0.35, 0.7), rng.uniform(0.4, 0.8)
            panels += _hang(wall, y + 0.8 * k, rng.uniform(0.2, 0.5), across, tall, poster(rng))
    door = plain(rng.uniform(90, 190) * np.array([0.75, 0.9, 1.0]))
    panels += box(wall - 0.03, rng.uniform(-3.2, -2.6), floor, 0.03, 0.92, 2.05, door)
    y, tall = rng.uniform(0.9, 1.3), rng.uniform(0.6, 1.0)
    panels += box(wall - 0.18, y, floor, 0.18, 0.8, tall, _wood(rng))
    if rng.uniform() < 0.6:
        y, z = rng.uniform(-2.3, -1.9), rng.uniform(0.2, 0.6)
        panels += _shelf(wall - 0.19, y, z, 0.18, 0.7, 2, rng)
    return panels


def _north_side(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Fill the wall that cameras 2 and 3 look at: windows, bookcase, cabinet, plant."""
    wall, floor = room.maximum[1], room.minimum[2]
    panels = []
    glass = view(rng)
    for x in (0.05, 0.85):
        corner, across, along = [x, wall - 0.02, 1.55], [0.72, 0, 0], [0, 0, -1.25]
        pane = Panel(np.array(corner), np.array(across), np.array(along), glass, glows=True)
        panels.append(pane)
        for left, wide, tall in ((-0.04, 0.80, 0.04), (-0.04, 0.04, 1.3), (0.72, 0.04, 1.3)):
            panels += box(x + left, wall - 0.05, 0.26, wide, 0.03, tall, plain([205] * 3))
    tall = rng.uniform(0.6, 0.85)
    panels += box(0.0, wall - 0.42, floor, 1.2, 0.4, tall, _wood(rng))
    panels += _shelf(-1.6, wall - 0.3, floor, 1.2, 0.28, 5, rng)
    panels += _plant(np.array([1.5, wall - 0.28, floor]), rng)
    return panels


def _south_side(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Fill the far end that camera 1 looks at: desks, screens, boxes, chairs, pictures."""
    floor = room.minimum[2]
    panels = []
    for y in (-4.6, -5.6):
        panels += box(0.4, y, floor + 0.70, 1.3, 0.7, 0.03, grained(_WOODS[0], rng))
        panels += box(0.45, y + 0.05, floor, 0.05, 0.6, 0.7, plain([80, 80, 84]))
        panels += box(0.9, y + 0.3, floor + 0.85, 0.5, 0.04, 0.32, plain([40, 38, 36]))
    for _ in range(6):
        size = rng.uniform(0.25, 0.5, 3)
        paper = plain(_one_of(_BOOKS, rng))
        panels += box(
            rng.uniform(-1.0, 1.2), rng.uniform(-5.9, -4.0), floor, *size, paper, rng.uniform(0, 1)
        )
    for x, y in ((rng.uniform(-1.3, -1.0), 0.2), (rng.uniform(-0.2, 0.2), -1.6)):
        panels += _chair(x, y, floor, rng)
    panels += _hang_south(room, rng)
    return panels


def _hang_south(room: Room, rng: np.random.Generator) -> list[Panel]:
    wall = room.minimum[1] + 0.02
    return [
        Panel(
            np.array([x, wall, 1.2]), np.array([0.6, 0, 0]), np.array([0, 0, -0.85]), poster(rng)
        )
        for x in (-1.2, 0.2, 1.0)
    ]


def _hang(
    wall: float, y: float, z: float, wide: float, tall: float, picture: np.ndarray
) -> list[Panel]:
    """Hang a framed picture on the wall at x = `wall`; y and z are of its lower corner."""
    face = wall - 0.025
    frame = box(face, y - 0.02, z - 0.02, 0.024, wide + 0.04, tall + 0.04, plain([120, 122, 125]))
    corner = np.array([face - 0.002, y + wide, z + tall])
    return [*frame, Panel(corner, np.array([0, -wide, 0]), np.array([0, 0, -tall]), picture)]


def _shelf(
    x: float, y: float, z: float, wide: float, deep: float, rows: int, rng: np.random.Generator
) -> list[Panel]:
    """Put up shelves full of books along x or y, whichever is longer."""
    wood = _wood(rng)
    along_x = wide > deep
    length = max(wide, deep)
    panels = []
    for row in range(rows):
        base = z + 0.36 * row
        panels += box(x, y, base, wide, deep, 0.02, wood)
        place = 0.03
        while place < length - 0.08:
            thick, tall = rng.uniform(0.02, 0.055), rng.uniform(0.18, 0.30)
            cover = plain(_one_of(_BOOKS, rng) * rng.uniform(0.6, 1.3))
            if along_x:
                panels += box(x + place, y + 0.04, base + 0.02, thick, deep - 0.06, tall, cover)
            else:
                panels += box(x + 0.04, y + place, base + 0.02, wide - 0.06, thick, tall, cover)
            place += thick + (rng.uniform(0.05, 0.2) if rng.uniform() < 0.12 else 0.002)
    return panels


def _seat(person: Person, floor: float, rng: np.random.Generator) -> list[Panel]:
    """Put a chair under somebody who sits, turned as the person mostly is."""
    place = np.append(np.median(person.mouth[:, :2], axis=0), 0.0)
    turn = RigidTransform(_about_z(np.median(np.unwrap(person.orientation[:, 0]))), place)
    return [
        replace(
            panel,
            corner=turn @ panel.corner,
            across=turn.rotate(panel.across),
            along=turn.rotate(panel.along),
        )
        for panel in _chair(-0.33, -0.22, floor, rng)
    ]


def _about_z(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def _chair(x: float, y: float, floor: float, rng: np.random.Generator) -> list[Panel]:
    """Make a chair whose back is at its lower x."""
    cloth = speckled(_one_of(_BOOKS, rng), 6.0, rng)
    metal = plain([50, 50, 52])
    panels = box(x, y, floor + 0.43, 0.45, 0.45, 0.06, cloth)
    panels += box(x, y, floor + 0.55, 0.05, 0.45, 0.38, cloth)
    for dx, dy in product((0.02, 0.40), repeat=2):
        panels += box(x + dx, y + dy, floor, 0.03, 0.03, 0.43, metal)
    return panels


def _one_of(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return colours[rng.integers(len(colours))]


def _wood(rng: np.random.Generator) -> np.ndarray:
    return grained(_one_of(_WOODS, rng), rng)


def _plant(foot: np.ndarray, rng: np.random.Generator) -> list[Panel]:
    panels = box(foot[0] - 0.15, foot[1] - 0.15, foot[2], 0.3, 0.3, 0.35, plain([70, 90, 150]))
    for _ in range(60):
        stem = foot + np.array([0, 0, 0.35]) + rng.normal(0, [0.05, 0.05, 0.1])
        leaf = rng.normal([0, 0, 0.3], 0.16)
        side = np.cross(leaf, rng.normal(size=3))
        side *= rng.uniform(0.03, 0.07) / np.linalg.norm(side)
        green = plain(np.array([40, 110, 50]) * rng.uniform(0.5, 1.3))
        panels.append(Panel(stem + 0.5 * leaf, leaf, side, green, triangle=True))
        panels.append(Panel(stem + 0.5 * leaf, leaf, -side, green, triangle=True))
    return panels
