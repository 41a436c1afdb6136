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

r"""How far a mouth is open, picture by picture, whatever the head and the light do.

Each picture of a face is turned, scaled and cut by its landmarks, which are some pixels off, and
then laid on the mean :math:`m` of the pictures before by what does not talk, eyes and nose. To
first order (Lucas and Kanade, An iterative image registration technique, 1981) it differs from the
mean there by

.. math::  I - m = J \theta, \quad J = [m_x, m_y, x m_y - y m_x, x m_x + y m_y, m, 1],

shift, turn, growth, gain and offset; the least squares :math:`\theta` moves the picture, and what
is left of it is taken off the whole face. Lips that part show a dark slit: a filter of that shape
gives the opening in contrasts of the face. The same filter on eyes and nose, where nothing opens,
tells how much of it is noise, or a head that turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

_EYES = 16.0
"""Pixels from eye to eye in the aligned picture of a face."""
_LEFT, _TOP, _SIZE = -0.8, -0.4, (26, 33)
"""Left and top of the aligned picture from the middle between the eyes, in distances of the eyes;
its width and height (pixels)."""
_LANDMARKS = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.55], [-0.41, 1.03], [0.41, 1.03]])
"""Where the landmarks of a face lie that looks into the camera, in the same frame."""
_UPPER = slice(1, 18), slice(1, 25)
"""Rows and columns of eyes and nose in it."""
_SLIT, _SLIT_SIZE, _AROUND = (0.0, 1.12), (0.2, 0.1), 2.5
"""Middle of the slit between the lips, its deviations across and down, and how many times as tall
the surroundings are that it is compared with."""
_CONTROLS = tuple((x, y) for y in (0.05, 0.3, 0.55) for x in (-0.4, 0.0, 0.4))
"""Where the filter is laid to measure noise."""
_SLOPE = np.array([[-0.5, 0.0, 0.5]], np.float32)
_COARSE = 1.5
"""Pixels of a picture to one of the aligned face, from which on they are averaged first."""
_STEPS = 3
"""Of Gauss and Newton."""
_FURTHEST = 4.0
"""Pixels of the aligned face that landmarks can be off."""
_MEMORY = 0.5
"""Time over which pictures are averaged (s)."""
_LEAST_CONTRAST = 3.0
"""Deviation of the grey levels of eyes and nose, below which nothing is to be seen."""


class MouthOpening:
    """Measures the mouth of one face in one picture after the other."""

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None

    def measure(
        self, grey: np.ndarray, landmarks: np.ndarray, seconds: float
    ) -> np.ndarray | None:
        """Measure the mouth in the next picture.

        Parameters
        ----------
        grey : np.ndarray, shape (height, width), uint8
        landmarks : np.ndarray, shape (5, 2)
            Right eye, left eye, nose, right and left mouth corner (pixels).
        seconds : float
            Since the last picture.

        Returns
        -------
        np.ndarray or None, shape (signals,)
            Opening of the mouth in contrasts of the face, then what the same filter says where
            nothing opens. None where the picture does not fit the ones before, or shows nothing:
            the next one is the first of a new row.
        """
        grey, place = _averaged(grey, landmarks)
        picture, start = place.cut_out(grey), place
        if self._mean is None:
            self._mean = picture.copy()
        template = _Template(self._mean)
        for _ in range(_STEPS):
            place = place.corrected(template.offsets(picture))
            picture = place.cut_out(grey)
        if template.contrast < _LEAST_CONTRAST or not place.distance(start) < _FURTHEST / _EYES:
            self._mean = None
            return None
        signals, picture = template.signals(picture)
        self._mean += min(seconds / _MEMORY, 1.0) * (picture - self._mean)
        return signals


@dataclass(frozen=True)
class _Place:
    """Where the frame of a face lies in a picture.

    The point z, in distances of the eyes, is at ``shift + scale z``, all complex numbers.
    """

    scale: complex
    shift: complex

    @classmethod
    def of(cls, landmarks: np.ndarray) -> _Place:
        """Fit landmarks by least squares."""
        model, seen = _LANDMARKS @ [1, 1j], landmarks @ [1, 1j]
        centred = model - model.mean()
        scale = np.vdot(centred, seen) / np.vdot(centred, centred).real
        return cls(complex(scale), complex(seen.mean() - scale * model.mean()))

    def corrected(self, offsets: np.ndarray) -> _Place:
        """Undo shift, turn and growth."""
        across, down, turn, growth = offsets[:4] / _EYES
        shift = self.shift - self.scale * complex(across, down)
        return _Place(self.scale * (1 - complex(growth, turn)), shift)

    def distance(self, other: _Place) -> float:
        """How far apart the bridges of the nose lie, in distances of the eyes."""
        bridge = 0.3j
        moved = self.shift - other.shift + (self.scale - other.scale) * bridge
        return abs(moved) / abs(other.scale)

    def cut_out(self, grey: np.ndarray) -> np.ndarray:
        """Cut the aligned picture out, shape (33, 26), float32."""
        origin, step = self.shift + self.scale * complex(_LEFT, _TOP), self.scale / _EYES
        matrix = np.array([
            [step.real, -step.imag, origin.real],
            [step.imag, step.real, origin.imag],
        ])  # fmt: skip
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(grey, matrix, _SIZE, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return cut.astype(np.float32)


class _Template:
    """What a picture is laid on, and how pictures differ from it when heads and light change."""

    def __init__(self, mean: np.ndarray) -> None:
        frame = _frame()
        blurred = cv2.GaussianBlur(mean, (5, 5), 0.7)
        across, down = (cv2.filter2D(blurred, -1, kernel) for kernel in (_SLOPE, _SLOPE.T))
        jacobian = np.empty((6, *mean.shape), np.float32)
        jacobian[0], jacobian[1] = across, down
        jacobian[2] = frame.x * down - frame.y * across
        jacobian[3] = frame.x * across + frame.y * down
        jacobian[4] = mean - mean.mean()
        jacobian[5] = 1.0
        self._jacobian = jacobian
        upper = jacobian[(slice(None), *_UPPER)].reshape(6, -1)
        square = upper @ upper.T
        # A face without any texture has no best place.
        square += 1e-5 * np.trace(square) / 6 * np.eye(6, dtype=np.float32)
        self._solve = np.linalg.solve(square, upper)
        self._mean = mean
        self.contrast = float(mean[_UPPER].std())

    def offsets(self, picture: np.ndarray) -> np.ndarray:
        """Fit theta to a picture, shape (6,)."""
        return self._solve @ (picture - self._mean)[_UPPER].ravel()

    def signals(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Filter a picture without what head and light explain; return that picture, too."""
        cleaned = picture - np.tensordot(self.offsets(picture), self._jacobian, 1)
        return _frame().filters @ cleaned.ravel() / self.contrast, cleaned


def _averaged(grey: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, _Place]:
    """Average the pixels around a large face, so that none is skipped; find its place."""
    place = _Place.of(landmarks)
    size = abs(place.scale)
    factor = size / _EYES
    if factor < _COARSE:
        return grey, place
    centre, bounds = landmarks.mean(axis=0), np.array(grey.shape[::-1])
    low = np.clip(np.floor(centre - 2.2 * size), 0, bounds - 1).astype(int)
    high = np.clip(np.ceil(centre + 2.2 * size), low + 1, bounds).astype(int)
    piece = grey[low[1] : high[1], low[0] : high[0]]
    smaller = np.maximum(np.round((high - low) / factor), 1).astype(int)
    averaged = cv2.resize(piece, smaller.tolist(), interpolation=cv2.INTER_AREA)
    return averaged, _Place.of((landmarks - low + 0.5) * smaller / (high - low) - 0.5)


@dataclass(frozen=True)
class _Frame:
    """Places of the pixels of an aligned picture, (33, 26), and the filters, (signals, 858)."""

    x: np.ndarray
    y: np.ndarray
    filters: np.ndarray


@lru_cache(maxsize=1)
def _frame() -> _Frame:
    width, height = _SIZE
    x, y = np.meshgrid(_LEFT + np.arange(width) / _EYES, _TOP + np.arange(height) / _EYES)
    x, y = x.astype(np.float32), y.astype(np.float32)

    def bell(place: tuple[float, float], stretch: float) -> np.ndarray:
        across, down = (x - place[0]) / _SLIT_SIZE[0], (y - place[1]) / (stretch * _SLIT_SIZE[1])
        weights = np.exp(-0.5 * (across**2 + down**2)).ravel()
        return weights / weights.sum()

    filters = [bell(place, _AROUND) - bell(place, 1.0) for place in (_SLIT, *_CONTROLS)]
    return _Frame(x, y, np.array(filters, np.float32))
