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

"""What a face detector or a network may take for somebody, and nobody is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Portrait:
    """A picture of people who are not there.

    Attributes
    ----------
    identities : tuple of int
        Seeds of the looks of those whom it shows, side by side; see `scene.Person`.
    faces : float
        Height of a face as a share of the height of the picture.
    aspect : float
        Width of the picture over its height.
    seed : int
        Of poses, light and background.
    """

    identities: tuple[int, ...]
    faces: float
    aspect: float
    seed: int


@dataclass(frozen=True)
class Picture:
    """A portrait that hangs on a wall.

    Attributes
    ----------
    corner, across, along : np.ndarray, shape (3,)
        Upper left corner as somebody in the room sees it, and the edges from there to the right
        and down (m).
    portrait : Portrait
    glows : bool
        It is a screen.
    """

    corner: np.ndarray
    across: np.ndarray
    along: np.ndarray
    portrait: Portrait
    glows: bool = False

    @property
    def centre(self) -> np.ndarray:
        """Metres, shape (3,)."""
        return self.corner + (self.across + self.along) / 2


@dataclass(frozen=True)
class Ball:
    """A ball, a balloon, or as a flat one a plate or a clock.

    Attributes
    ----------
    centre : np.ndarray, shape (3,)
        Metres.
    radii : np.ndarray, shape (3,)
        Along x, y and z (m).
    colours : np.ndarray, shape (2, 3)
        Of the upper part and the rest; red, green, blue, 0..1.
    foot : float
        World z down to which a stick or string holds it (m).
    """

    centre: np.ndarray
    radii: np.ndarray
    colours: np.ndarray
    foot: float


@dataclass(frozen=True)
class Decor:
    """How a room is decorated.

    Attributes
    ----------
    pictures : tuple of Picture
    balls : tuple of Ball
    """

    pictures: tuple[Picture, ...] = ()
    balls: tuple[Ball, ...] = ()
