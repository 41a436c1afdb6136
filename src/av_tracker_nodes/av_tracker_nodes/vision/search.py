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

"""The search for faces in pictures too large to be looked at in full each time.

A picture that is reduced to what one image may cost loses its small faces. So the work is shared
out: windows follow the faces that are known, at the resolution at which each is best detected,
and what they leave of the budget goes to the search for others. That looks at the whole picture,
reduced, in every third image, and in between at one tile of the picture after the other, in fine
resolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import cv2
import numpy as np

from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.types import Face
from av_tracker_nodes.vision.yunet import MULTIPLE, YuNet, best, padded_size, scaled_size

_WINDOW, _FACE = 112, 48
"""Side of a window, and of the face in its middle, as the detector is given them (pixels): a face
may be off its expected place by 0.65 of its size."""
_PITCH = 128
"""From one window to the next (pixels): all are looked at side by side, in one run of the
detector, black between them as beyond the border of a picture."""
_TILE_SHARE = 0.6
"""Of the budget, what is given to one tile; windows share the rest."""
_TILES_ALONG = 3
"""Most tiles along either side of the picture: after a second at the latest, all was seen."""
_TILE_OVERLAP = 64
"""Of neighbouring tiles (pixels of the detector): faces up to this size are whole in one."""
_TILES_A_LOOK = 1
"""Tiles between two looks at the whole picture."""
_ALIKE = 1.5
"""A window serves all faces in it whose size differs by less than this factor."""

_CLEAR = 0.15
"""Share of its size by which a box must be off a border that might cut the face."""


@dataclass(frozen=True)
class _Region:
    """A part of the picture (pixels), and how much the detector enlarges it."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @property
    def corner(self) -> np.ndarray:
        """Left and top."""
        return np.array([self.left, self.top])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    @property
    def scaled_size(self) -> tuple[int, int]:
        """Width and height as the detector is given them."""
        return scaled_size(self.size, self.scale)

    def of(self, image: np.ndarray) -> np.ndarray:
        """Cut the region out of an image."""
        return image[self.top : self.bottom, self.left : self.right]

    def shows(self, x: float, y: float, size: float) -> bool:
        """Tell whether a face at (x, y) of this size is detected as well as in its own window."""
        reach = 0.75 * size
        is_inside = (
            self.left <= x - reach
            and x + reach <= self.right
            and self.top <= y - reach
            and y + reach <= self.bottom
        )
        return is_inside and 1 / _ALIKE < self.scale * size / _FACE < _ALIKE

    def holds(self, box: np.ndarray, picture: tuple[int, int]) -> bool:
        """Tell whether a box is off the borders of the region, but those that are the picture's.

        The detector ends the box of a face that is cut at about the cut.
        """
        left, top, width, height = box
        return (
            (self.left == 0 or left > self.left + _CLEAR * width)
            and (self.top == 0 or top > self.top + _CLEAR * height)
            and (self.right == picture[0] or left + width < self.right - _CLEAR * width)
            and (self.bottom == picture[1] or top + height < self.bottom - _CLEAR * height)
        )


class FaceSearch:
    """Finds the faces of successive pictures, all at about the same cost.

    Pictures whose longer side is at most `max_side` of the detector are looked at whole. For
    larger ones the detector is never given more pixels than the whole picture has when it is
    reduced to `max_side`.

    Parameters
    ----------
    detector : YuNet
    """

    def __init__(self, detector: YuNet) -> None:
        self._detector = detector
        self.reset()

    def reset(self) -> None:
        """Begin the search anew."""
        self._seen: tuple[object, ...] = ()
        self._count = 0

    def detect(self, image: np.ndarray, expected: np.ndarray) -> list[Face]:
        """Find the faces of the next picture.

        Parameters
        ----------
        image : np.ndarray, shape (height, width, 3), uint8
            Blue, green, red.
        expected : np.ndarray, shape (n, 3)
            Centre and size (pixels) of faces where they are expected.

        Returns
        -------
        list of Face
            Best first, with landmarks, without tracklets.
        """
        height, width = image.shape[:2]
        if max(width, height) <= self._detector.max_side:
            return self._detector.detect(image)
        windows, search = self._regions((width, height), expected)
        found = [*self._follow(image, windows), *self._look(image, search)]
        boxes = np.array([face.box for face in found]).reshape(-1, 4)
        scores = np.array([face.score for face in found])
        return [found[k] for k in best(boxes, scores, self._detector.nms)]

    def _look(self, image: np.ndarray, region: _Region) -> list[Face]:
        """Faces of a region; those that its border cuts are left to other regions."""
        found = self._detector.detect(region.of(image), region.scale)
        moved = [_moved(face, region.corner, np.ones(2)) for face in found]
        return [face for face in moved if region.holds(face.box, image.shape[1::-1])]

    def _follow(self, image: np.ndarray, windows: list[_Region]) -> list[Face]:
        """Faces of all windows, looked at side by side."""
        if not windows:
            return []
        strip = np.zeros((_WINDOW, _PITCH * len(windows), 3), np.uint8)
        for k, window in enumerate(windows):
            part = cv2.resize(window.of(image), window.scaled_size)
            strip[: part.shape[0], k * _PITCH : k * _PITCH + part.shape[1]] = part
        faces = []
        for face in self._detector.detect(strip, 1.0):
            k = int(np.clip(box_centre(face.box)[0] // _PITCH, 0, len(windows) - 1))
            window = windows[k]
            shrink = np.divide(window.size, window.scaled_size)
            in_window = _moved(face, np.array([-k * _PITCH, 0]), np.ones(2))
            moved = _moved(in_window, window.corner, shrink)
            if window.holds(moved.box, image.shape[1::-1]):
                faces.append(moved)
        return faces

    def _regions(
        self, picture: tuple[int, int], expected: np.ndarray
    ) -> tuple[list[_Region], _Region]:
        """Where to look in the next picture of a size: windows, and a tile or the whole."""
        look = picture, self._detector.scale, self._detector.max_side
        if look != self._seen:
            self._seen, self._count = look, 0
            self._plan = _Plan.of(*look)
        plan = self._plan
        windows = plan.windows(expected, self._count)
        tile = plan.round[self._count % len(plan.round)]
        self._count += 1
        spared = math.prod(plan.whole) - _strip_pixels(len(windows))
        return windows, tile or _whole(picture, _room(plan.whole, spared), plan.finest)


@dataclass(frozen=True)
class _Plan:
    """How pictures of one size are searched.

    Attributes
    ----------
    picture : tuple of int
        Width and height (pixels).
    finest : float
        Most that anything is enlarged.
    whole : tuple of int
        Width and height of what the detector is given of the whole picture: the budget.
    round : tuple of _Region or None
        Where the search looks, image by image; None is the whole picture.
    most : int
        Windows in one image.
    """

    picture: tuple[int, int]
    finest: float
    whole: tuple[int, int]
    round: tuple[_Region | None, ...]
    most: int

    @classmethod
    def of(cls, picture: tuple[int, int], finest: float, max_side: int) -> _Plan:
        whole = padded_size(scaled_size(picture, min(finest, max_side / max(picture))))
        pixels = math.prod(whole)
        tiles = _tiles(picture, _room(whole, int(_TILE_SHARE * pixels)), finest)
        looks: list[_Region | None] = []
        for k in range(0, len(tiles), _TILES_A_LOOK):
            looks += [None, *tiles[k : k + _TILES_A_LOOK]]
        spared = pixels - max(math.prod(padded_size(tile.scaled_size)) for tile in tiles)
        most = next(n for n in count() if _strip_pixels(n + 1) > spared)
        return cls(picture, finest, whole, tuple(looks), most)

    def windows(self, expected: np.ndarray, turn: int) -> list[_Region]:
        """Windows onto the expected faces, if too many in turn, by the number of the image."""
        windows: list[_Region] = []
        for x, y, size in expected:
            if not any(window.shows(x, y, size) for window in windows):
                windows.append(_window(self.picture, (x, y), min(_FACE / size, self.finest)))
        if len(windows) <= self.most:
            return windows
        return [windows[(turn * self.most + k) % len(windows)] for k in range(self.most)]


def _moved(face: Face, corner: np.ndarray, zoom: np.ndarray) -> Face:
    """Face of a part of the picture, enlarged by `zoom`, in the pixels of the picture.

    Pixels are counted from the centre of the first one, but enlarged from its corner.
    """
    offset = corner + (zoom - 1) / 2
    return Face(
        box=np.concatenate([face.box[:2] * zoom + offset, face.box[2:] * zoom]),
        score=face.score,
        landmarks=face.landmarks * zoom + offset,
    )


def _strip_pixels(windows: int) -> int:
    """Count what the detector is given of so many windows."""
    return math.prod(padded_size((_PITCH * windows, _WINDOW)))


def _room(whole: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Width and height, in whole cells, of about the shape of `whole` with at most `pixels`."""
    short, long = sorted(whole)
    share = math.sqrt(pixels / math.prod(whole))
    short = max(int(short * share) // MULTIPLE, 1) * MULTIPLE
    long = min(pixels // short // MULTIPLE * MULTIPLE, long)
    return (long, short) if whole[0] >= whole[1] else (short, long)


def _whole(picture: tuple[int, int], room: tuple[int, int], finest: float) -> _Region:
    """Show the whole picture, reduced to fit."""
    return _Region(0, 0, *picture, min(finest, room[0] / picture[0], room[1] / picture[1]))


def _window(picture: tuple[int, int], centre: Sequence[float], scale: float) -> _Region:
    """Open a window about a place, moved into the picture where it would stick out."""
    side = int(_WINDOW / scale)
    extent = []
    for middle, length in zip(centre, picture, strict=True):
        start = min(max(round(middle - side / 2), 0), max(length - side, 0))
        extent.append((start, min(start + side, length)))
    (left, right), (top, bottom) = extent
    return _Region(left, top, right, bottom, scale)


def _tiles(picture: tuple[int, int], tile: tuple[int, int], finest: float) -> list[_Region]:
    """Cover the picture by tiles, as finely as so many of a size (pixels) allow."""
    across, down = zip(picture, tile, strict=True)
    scale = min(finest, _finest(*across), _finest(*down))
    return [
        _Region(left, top, right, bottom, scale)
        for top, bottom in _intervals(*down, scale)
        for left, right in _intervals(*across, scale)
    ]


def _finest(length: int, side: int) -> float:
    """Enlargement at which the most tiles along a length just cover it."""
    return (_TILES_ALONG * side - (_TILES_ALONG - 1) * _shared(side)) / length


def _intervals(length: int, side: int, scale: float) -> list[tuple[int, int]]:
    """Cover a length, enlarged by `scale`, by intervals of at most `side` that overlap."""
    shared = _shared(side)
    # Rounding must not ask for one more where they just cover it.
    count = max(math.ceil((length * scale - shared) / (side - shared) - 1e-6), 1)
    extent = int(side / scale)
    starts = np.linspace(0, max(length - extent, 0), count).round().astype(int)
    return [(int(start), min(int(start) + extent, length)) for start in starts]


def _shared(side: int) -> int:
    """Pixels that neighbouring tiles have in common."""
    return min(_TILE_OVERLAP, side // 2)
