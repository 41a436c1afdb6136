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

"""Flat panels with pictures on them, of which a room is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.simulation.textures import plain


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


def board(corners: np.ndarray, colour: np.ndarray) -> list[Panel]:
    """Make a board with four corners in order, of two triangles."""
    first, second, third, fourth = corners
    return [
        Panel(second, first - second, third - second, plain(colour), triangle=True),
        Panel(fourth, third - fourth, first - fourth, plain(colour), triangle=True),
    ]


def box(
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
