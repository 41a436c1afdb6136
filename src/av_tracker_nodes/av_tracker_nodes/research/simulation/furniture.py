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

from dataclasses import dataclass, replace

import cv2
import numpy as np

from av_tracker_nodes.geometry import RigidTransform, Room
from av_tracker_nodes.research.simulation.balls import rod_of
from av_tracker_nodes.research.simulation.decor import Picture
from av_tracker_nodes.research.simulation.finishes import draw_ceiling, draw_floor, draw_wall
from av_tracker_nodes.research.simulation.portraits import paint
from av_tracker_nodes.research.simulation.posing import sits
from av_tracker_nodes.research.simulation.scene import Occluder, Person, Scene

_BOOKS = np.array([[60, 40, 120], [120, 70, 40], [50, 90, 50], [40, 40, 45], [190, 190, 185],
                   [60, 130, 170], [100, 60, 90], [140, 130, 60], [70, 70, 160]])  # fmt: skip
_WALLS = np.array([[205, 218, 222], [222, 222, 216], [190, 205, 200], [214, 206, 192]])
_FLOORS = np.array([[96, 92, 88], [82, 100, 122], [110, 96, 80], [70, 74, 82]])
_WOODS = np.array([[96, 140, 178], [70, 100, 140], [150, 178, 198], [190, 192, 195]])


@dataclass(frozen=True)
class Panel:
    """A flat parallelogram, or the half of one, that shows a picture.

    Attributes
    ----------
    corner, across, along : np.ndarray, shape (3,)
        A corner of the panel, and the two edges from there (m).
    texture : np.ndarray, shape (rows, columns, 3)
        Blue, green, red, 0..255; columns run across.
    glows : bool
        The picture is light, not paint.
    triangle : bool
        Only the half next to `corner`.
    """

    corner: np.ndarray
    across: np.ndarray
    along: np.ndarray
    texture: np.ndarray
    glows: bool = False
    triangle: bool = False


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
            panels += _board(occluder.corners, 255 * np.array(occluder.colour))
        else:
            panels += _standing_portrait(occluder, room.minimum[2])
    if scene.decor is not None:
        panels += [panel for picture in scene.decor.pictures for panel in _framed(picture)]
        for ball in scene.decor.balls:
            corner, size = rod_of(ball)
            panels += _box(*corner, *size, _plain([60, 60, 60]))
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
        _plain([25, 25, 28] if picture.glows else paint_[0, 0] * 0.4),
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
    pole = _box(
        foot[0] - 0.02, foot[1] - 0.02, floor, 0.04, 0.04, foot[2] - floor, _plain([50] * 3)
    )
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
    paint = _speckled(_WALLS[rng.integers(len(_WALLS))], 2.0, rng)
    floor = _speckled(_FLOORS[rng.integers(len(_FLOORS))], 9.0, rng)
    ceiling = _speckled(np.array([225, 228, 228]), 2.0, rng)
    panels = [
        Panel(low, x, y, floor),
        Panel(low + z, x, y, ceiling),
        *(Panel(start, edge, z, paint) for start, edge in ((low, x), (low, y))),
        *(Panel(start, edge, z, paint) for start, edge in ((low + y, x), (low + x, y))),
    ]
    skirting = _plain([70, 75, 80])
    panels += _box(high[0] - 0.012, low[1], low[2], 0.012, size[1], 0.09, skirting)
    panels += _box(low[0], high[1] - 0.012, low[2], size[0], 0.012, 0.09, skirting)
    return panels


def _table(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Set up the meeting table, whose top is z = 0, with the microphones on it."""
    wood = _grained(_WOODS[rng.integers(len(_WOODS))], rng)
    panels = _box(-0.60, -1.15, -0.035, 1.00, 2.30, 0.035, wood)
    for x in (-0.50, 0.25):
        for y in (-1.05, 1.0):
            panels += _box(
                x, y, room.minimum[2], 0.05, 0.05, -0.035 - room.minimum[2], _plain([60, 60, 62])
            )
    black = _plain([35, 35, 38])
    for centre in (-0.4, 0.4):
        for angle in np.arange(8) * np.pi / 4:
            x, y = 0.1 * np.cos(angle), centre + 0.1 * np.sin(angle)
            panels += _box(x - 0.007, y - 0.007, 0.0, 0.014, 0.014, 0.035, black)
    for _ in range(rng.integers(2, 5)):
        x, y, turn = rng.uniform(-0.3, 0.1), rng.uniform(-1.0, 1.0), rng.uniform(-0.5, 0.5)
        panels += _box(x, y, 0.0, 0.21, 0.297, 0.002 + rng.uniform(0, 0.01), _printed(rng), turn)
    mug = _plain(_BOOKS[rng.integers(len(_BOOKS))])
    panels += _box(rng.uniform(0.0, 0.25), rng.uniform(-0.15, 0.15), 0.0, 0.075, 0.075, 0.095, mug)
    return panels


def _far_side(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Fill the long wall that all cameras see: whiteboard or pictures, cupboard, door."""
    wall, floor = room.maximum[0], room.minimum[2]
    panels = []
    y = rng.uniform(-1.2, -0.2)
    if rng.uniform() < 0.6:
        panels += _hang(wall, y, 0.15, rng.uniform(1.4, 2.0), 1.0, _whiteboard(rng))
    else:
        for k in range(3):
            across, tall = rng.uniform(0.35, 0.7), rng.uniform(0.4, 0.8)
            panels += _hang(wall, y + 0.8 * k, rng.uniform(0.2, 0.5), across, tall, _poster(rng))
    door = _plain(rng.uniform(90, 190) * np.array([0.75, 0.9, 1.0]))
    panels += _box(wall - 0.03, rng.uniform(-3.2, -2.6), floor, 0.03, 0.92, 2.05, door)
    panels += _box(
        wall - 0.18,
        rng.uniform(0.9, 1.3),
        floor,
        0.18,
        0.8,
        rng.uniform(0.6, 1.0),
        _grained(_WOODS[rng.integers(len(_WOODS))], rng),
    )
    if rng.uniform() < 0.6:
        panels += _shelf(
            wall - 0.19, rng.uniform(-2.3, -1.9), rng.uniform(0.2, 0.6), 0.18, 0.7, 2, rng
        )
    return panels


def _north_side(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Fill the wall that cameras 2 and 3 look at: windows, bookcase, cabinet, plant."""
    wall, floor = room.maximum[1], room.minimum[2]
    panels = []
    glass = _view(rng)
    for x in (0.05, 0.85):
        pane = Panel(
            np.array([x, wall - 0.02, 1.55]),
            np.array([0.72, 0, 0]),
            np.array([0, 0, -1.25]),
            glass,
            glows=True,
        )
        panels.append(pane)
        panels += _box(x - 0.04, wall - 0.05, 0.26, 0.80, 0.03, 0.04, _plain([205, 205, 205]))
        panels += _box(x - 0.04, wall - 0.05, 0.26, 0.04, 0.03, 1.3, _plain([205, 205, 205]))
        panels += _box(x + 0.72, wall - 0.05, 0.26, 0.04, 0.03, 1.3, _plain([205, 205, 205]))
    panels += _box(
        0.0,
        wall - 0.42,
        floor,
        1.2,
        0.4,
        rng.uniform(0.6, 0.85),
        _grained(_WOODS[rng.integers(len(_WOODS))], rng),
    )
    panels += _shelf(-1.6, wall - 0.3, floor, 1.2, 0.28, 5, rng)
    panels += _plant(np.array([1.5, wall - 0.28, floor]), rng)
    return panels


def _south_side(room: Room, rng: np.random.Generator) -> list[Panel]:
    """Fill the far end that camera 1 looks at: desks, screens, boxes, chairs, pictures."""
    floor = room.minimum[2]
    panels = []
    for y in (-4.6, -5.6):
        panels += _box(0.4, y, floor + 0.70, 1.3, 0.7, 0.03, _grained(_WOODS[0], rng))
        panels += _box(0.45, y + 0.05, floor, 0.05, 0.6, 0.7, _plain([80, 80, 84]))
        panels += _box(0.9, y + 0.3, floor + 0.85, 0.5, 0.04, 0.32, _plain([40, 38, 36]))
    for _ in range(6):
        size = rng.uniform(0.25, 0.5, 3)
        box = _plain(_BOOKS[rng.integers(len(_BOOKS))])
        panels += _box(
            rng.uniform(-1.0, 1.2), rng.uniform(-5.9, -4.0), floor, *size, box, rng.uniform(0, 1)
        )
    for x, y in ((rng.uniform(-1.3, -1.0), 0.2), (rng.uniform(-0.2, 0.2), -1.6)):
        panels += _chair(x, y, floor, rng)
    panels += _hang_south(room, rng)
    return panels


def _hang_south(room: Room, rng: np.random.Generator) -> list[Panel]:
    wall = room.minimum[1] + 0.02
    return [
        Panel(
            np.array([x, wall, 1.2]), np.array([0.6, 0, 0]), np.array([0, 0, -0.85]), _poster(rng)
        )
        for x in (-1.2, 0.2, 1.0)
    ]


def _hang(
    wall: float, y: float, z: float, wide: float, tall: float, picture: np.ndarray
) -> list[Panel]:
    """Hang a framed picture on the wall at x = `wall`; y and z are of its lower corner."""
    face = wall - 0.025
    frame = _box(
        face, y - 0.02, z - 0.02, 0.024, wide + 0.04, tall + 0.04, _plain([120, 122, 125])
    )
    corner = np.array([face - 0.002, y + wide, z + tall])
    return [*frame, Panel(corner, np.array([0, -wide, 0]), np.array([0, 0, -tall]), picture)]


def _shelf(
    x: float, y: float, z: float, wide: float, deep: float, rows: int, rng: np.random.Generator
) -> list[Panel]:
    """Put up shelves full of books along x or y, whichever is longer."""
    wood = _grained(_WOODS[rng.integers(len(_WOODS))], rng)
    along_x = wide > deep
    length = max(wide, deep)
    panels = []
    for row in range(rows):
        base = z + 0.36 * row
        panels += _box(x, y, base, wide, deep, 0.02, wood)
        place = 0.03
        while place < length - 0.08:
            thick, tall = rng.uniform(0.02, 0.055), rng.uniform(0.18, 0.30)
            cover = _plain(_BOOKS[rng.integers(len(_BOOKS))] * rng.uniform(0.6, 1.3))
            if along_x:
                panels += _box(x + place, y + 0.04, base + 0.02, thick, deep - 0.06, tall, cover)
            else:
                panels += _box(x + 0.04, y + place, base + 0.02, wide - 0.06, thick, tall, cover)
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
    cloth = _speckled(_BOOKS[rng.integers(len(_BOOKS))], 6.0, rng)
    metal = _plain([50, 50, 52])
    panels = _box(x, y, floor + 0.43, 0.45, 0.45, 0.06, cloth)
    panels += _box(x, y, floor + 0.55, 0.05, 0.45, 0.38, cloth)
    for dx in (0.02, 0.40):
        for dy in (0.02, 0.40):
            panels += _box(x + dx, y + dy, floor, 0.03, 0.03, 0.43, metal)
    return panels


def _plant(foot: np.ndarray, rng: np.random.Generator) -> list[Panel]:
    panels = _box(foot[0] - 0.15, foot[1] - 0.15, foot[2], 0.3, 0.3, 0.35, _plain([70, 90, 150]))
    for _ in range(60):
        stem = foot + np.array([0, 0, 0.35]) + rng.normal(0, [0.05, 0.05, 0.1])
        leaf = rng.normal([0, 0, 0.3], 0.16)
        side = np.cross(leaf, rng.normal(size=3))
        side *= rng.uniform(0.03, 0.07) / np.linalg.norm(side)
        green = _plain(np.array([40, 110, 50]) * rng.uniform(0.5, 1.3))
        panels.append(Panel(stem + 0.5 * leaf, leaf, side, green, triangle=True))
        panels.append(Panel(stem + 0.5 * leaf, leaf, -side, green, triangle=True))
    return panels


def _board(corners: np.ndarray, colour: np.ndarray) -> list[Panel]:
    """Make a board with four corners in order, of two triangles."""
    first, second, third, fourth = corners
    return [
        Panel(second, first - second, third - second, _plain(colour), triangle=True),
        Panel(fourth, third - fourth, first - fourth, _plain(colour), triangle=True),
    ]


def _box(
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    texture: np.ndarray,
    turn: float = 0.0,
) -> list[Panel]:
    """Make the six panels of a box from its lowest corner and size (m), turned about z (rad)."""
    corner = np.array([x, y, z])
    edge_x = dx * np.array([np.cos(turn), np.sin(turn), 0])
    edge_y = dy * np.array([-np.sin(turn), np.cos(turn), 0])
    edge_z = np.array([0, 0, dz])
    panels = []
    for side, across, along in (
        (edge_z, edge_x, edge_y),
        (edge_x, edge_y, edge_z),
        (edge_y, edge_x, edge_z),
    ):
        panels.append(Panel(corner, across, along, texture))
        panels.append(Panel(corner + side, across, along, texture))
    return panels


def _plain(colour: np.ndarray) -> np.ndarray:
    return np.clip(np.asarray(colour, float), 0, 255).reshape(1, 1, 3)


def _speckled(colour: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Paint a wall or carpet: a colour that varies at several scales."""
    texture = np.zeros((128, 128))
    for cells in (4, 16, 64):
        patch = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        texture += cv2.resize(patch, (128, 128), interpolation=cv2.INTER_CUBIC)
    return np.clip(colour + strength * texture[..., None], 0, 255)


def _grained(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paint wood: stripes along the second edge of the panel."""
    grain = rng.normal(0, 1, (6, 96)).astype(np.float32)
    grain = cv2.GaussianBlur(cv2.resize(grain, (96, 96)), (0, 0), 1.0)
    return np.clip(colour * (1 + 0.10 * grain[..., None]), 0, 255)


def _printed(rng: np.random.Generator) -> np.ndarray:
    """Print a sheet of text."""
    page = np.full((64, 48, 3), 235, np.uint8)
    for row in range(6, 58, 4):
        cv2.line(page, (5, row), (int(rng.integers(20, 43)), row), (150, 150, 150), 1)
    return page


def _whiteboard(rng: np.random.Generator) -> np.ndarray:
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


def _poster(rng: np.random.Generator) -> np.ndarray:
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


def _view(rng: np.random.Generator) -> np.ndarray:
    """Paint what the window shows: sky over roofs."""
    sky = np.linspace(0, 1, 80)[:, None, None] * [-10, -8, 0] + [252, 246, 236]
    view = np.repeat(sky, 48, axis=1).clip(0, 255).astype(np.uint8)
    line = int(rng.integers(48, 60))
    for x in range(0, 48, 8):
        top = line + int(rng.integers(-8, 8))
        cv2.rectangle(view, (x, top), (x + 8, 80), _muted(rng.integers(130, 200, 3)), -1)
    return cv2.GaussianBlur(view, (0, 0), 1.5)
