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

"""Calibration boards: chessboards and ChArUco boards, found in images by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from av_tracker_nodes.errors import InputError, how_to_install

FEWEST_CORNERS = 8

_SUBPIXEL_WINDOW = (5, 5)
_SUBPIXEL_STOP = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 40, 1e-3)
_QUIET_ZONE = 0.5


@dataclass(frozen=True)
class BoardView:
    """The corners of a board in one image.

    Attributes
    ----------
    ids : np.ndarray, shape (n,), int
        Number of each corner on the board.
    points : np.ndarray, shape (n, 3)
        On the board: x along its columns, y along its rows, z = 0 (m).
    pixels : np.ndarray, shape (n, 2)
    size : tuple of int
        Width and height of the image.
    """

    ids: np.ndarray
    points: np.ndarray
    pixels: np.ndarray
    size: tuple[int, int]


class Board(Protocol):
    """A board with known corners."""

    def find(self, image: np.ndarray) -> BoardView | None:
        """Find the board in an image; None where fewer than `FEWEST_CORNERS` corners are seen."""

    def draw(self, pixels_a_square: int) -> np.ndarray:
        """Draw the board, shape (height, width), uint8, with a white margin."""


@dataclass(frozen=True)
class Chessboard:
    """A chessboard, which must be seen as a whole.

    Attributes
    ----------
    columns, rows : int
        Squares, not corners.
    square : float
        Side of a square (m).
    """

    columns: int
    rows: int
    square: float

    def __post_init__(self) -> None:
        """Check the numbers."""
        _check(self.columns, self.rows, self.square)

    def find(self, image: np.ndarray) -> BoardView | None:
        """Find the board in an image (grey or colour)."""
        grey = _grey(image)
        inner = self.columns - 1, self.rows - 1
        found, corners = cv2.findChessboardCornersSB(grey, inner, cv2.CALIB_CB_ACCURACY)
        if not found:
            return None
        ids = np.arange(inner[0] * inner[1])
        points = np.zeros((len(ids), 3))
        points[:, 0], points[:, 1] = (ids % inner[0] + 1), (ids // inner[0] + 1)
        size = grey.shape[1], grey.shape[0]
        return BoardView(ids, self.square * points, corners.reshape(-1, 2).astype(float), size)

    def draw(self, pixels_a_square: int) -> np.ndarray:
        """Draw the board."""
        row, column = np.indices((self.rows, self.columns))
        squares = np.uint8(255 * ((row + column) % 2))
        drawn = np.kron(squares, np.ones((pixels_a_square, pixels_a_square), np.uint8))
        return np.pad(drawn, round(_QUIET_ZONE * pixels_a_square), constant_values=255)


@dataclass(frozen=True)
class CharucoBoard:
    """A chessboard with markers in its white squares: a part of it in the image is enough.

    Attributes
    ----------
    columns, rows : int
        Squares.
    square, marker : float
        Sides of a square and of a marker (m).
    dictionary : str
        Name of the dictionary of the markers in OpenCV, such as ``DICT_4X4_50``.

    Raises
    ------
    InputError
        When the numbers make no board, the dictionary is unknown, or OpenCV is older than 4.7.
    """

    columns: int
    rows: int
    square: float
    marker: float
    dictionary: str = 'DICT_4X4_50'

    def __post_init__(self) -> None:
        """Check the numbers."""
        _check(self.columns, self.rows, self.square)
        if not 0 < self.marker < self.square:
            raise InputError(
                f'the markers ({self.marker:g} m) must be smaller than the squares '
                f'({self.square:g} m)'
            )
        if not hasattr(getattr(cv2, 'aruco', None), 'CharucoDetector'):
            raise InputError(
                f'ChArUco boards need OpenCV 4.7 or later, this is {cv2.__version__}: take a '
                f'chessboard, or {how_to_install("opencv-python-headless")}'
            )
        if not self.dictionary.startswith('DICT_') or not hasattr(cv2.aruco, self.dictionary):
            raise InputError(
                f"no dictionary '{self.dictionary}' in OpenCV; usual are DICT_4X4_50, "
                'DICT_5X5_100, DICT_6X6_250'
            )
        markers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        if self.columns * self.rows // 2 > len(markers.bytesList):
            raise InputError(f'{self.dictionary} has too few markers for this board')
        board = cv2.aruco.CharucoBoard(
            (self.columns, self.rows), self.square, self.marker, markers
        )
        object.__setattr__(self, '_board', board)
        object.__setattr__(self, '_detector', cv2.aruco.CharucoDetector(board))

    def find(self, image: np.ndarray) -> BoardView | None:
        """Find the board in an image (grey or colour)."""
        grey = _grey(image)
        corners, ids, _, _ = self._detector.detectBoard(grey)
        if ids is None or len(ids) < FEWEST_CORNERS:
            return None
        ids = ids.ravel()
        if self._board.checkCharucoCornersCollinear(ids):
            return None
        pixels = cv2.cornerSubPix(
            grey, corners.astype(np.float32), _SUBPIXEL_WINDOW, (-1, -1), _SUBPIXEL_STOP
        )
        points = np.array(self._board.getChessboardCorners(), float)[ids]
        size = grey.shape[1], grey.shape[0]
        return BoardView(ids, points, pixels.reshape(-1, 2).astype(float), size)

    def draw(self, pixels_a_square: int) -> np.ndarray:
        """Draw the board."""
        size = self.columns * pixels_a_square, self.rows * pixels_a_square
        drawn = self._board.generateImage(size)
        return np.pad(drawn, round(_QUIET_ZONE * pixels_a_square), constant_values=255)


def _check(columns: int, rows: int, square: float) -> None:
    if min(columns, rows) < 3 or not square > 0:
        raise InputError(
            f'a board of {columns} x {rows} squares of {square:g} m cannot be used: it needs 3 x '
            '3 squares or more, and their size in metres'
        )


def _grey(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
