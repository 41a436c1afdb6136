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

"""Portraits as real cameras and detectors see them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

_FACES = 12.0, 34.0
"""Heights of faces (pixels)."""
_LIGHT = 0.22
"""Deviation of the logarithm of the light from view to view."""
_COVERED, _CUT, _MOTION = 0.4, 0.25, 0.25
"""Shares of views in which something is in front of somebody, the picture ends at the chest or
beside the head, and somebody moves."""


@dataclass(frozen=True)
class PortraitCamera:
    """What all pictures of a camera share.

    Attributes
    ----------
    balance : np.ndarray, shape (3,)
        White balance: gains of blue, green and red.
    gain, gamma, saturation : float
        Of brightness, contrast and colours.
    blur : float
        Of the lens (standard deviation, pixels).
    noise : float
        Standard deviation (grey levels).
    quality : int
        Of JPEG.
    """

    balance: np.ndarray
    gain: float
    gamma: float
    saturation: float
    blur: float
    noise: float
    quality: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> PortraitCamera:
        """Draw any camera."""
        return cls(
            balance=np.exp(rng.normal(0, 0.12, 3)),
            gain=np.exp(rng.normal(0, 0.2)),
            gamma=np.exp(rng.normal(0, 0.2)),
            saturation=rng.uniform(0.5, 1.4),
            blur=rng.uniform(0.0, 1.0),
            noise=rng.uniform(0, 6),
            quality=int(rng.integers(35, 96)),
        )

    def see(
        self,
        picture: np.ndarray,
        box: np.ndarray,
        rng: np.random.Generator,
        other: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take a picture of a person, nearer or farther, in other light.

        Parameters
        ----------
        picture : np.ndarray, shape (side, side, 3), uint8
            Of a `Portraits`.
        box : np.ndarray, shape (4,)
            Of the face.
        rng : np.random.Generator
        other : np.ndarray or None, shape (side, side, 3), uint8
            Picture of somebody else, a part of whom may be in front; None for nobody.

        Returns
        -------
        np.ndarray, shape (n, n, 3), uint8
        np.ndarray, shape (4,)
            Box of the face there, as a detector errs.
        """
        if rng.uniform() < 0.5:
            picture, box = picture[:, ::-1], _mirrored(box, picture.shape[1])
        if rng.uniform() < _COVERED:
            picture = _covered(picture, box, rng, other)
        height = np.exp(rng.uniform(*np.log(_FACES)))
        scale = min(height / box[3], 1.0)
        size = max(round(scale * len(picture)), 8)
        small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        box = box * (size / len(picture))
        if rng.uniform() < _CUT:
            small = _cut(small, box, rng)
        small = self.expose(small, rng)
        jitter = rng.normal(0, [0.05, 0.05, 0.06, 0.06]) * box[3]
        return small, np.maximum(box + jitter, [-np.inf, -np.inf, 4, 4])

    def expose(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Light, lens, sensor and file; how bright and warm the light is varies by view.

        Parameters
        ----------
        picture : np.ndarray, shape (side, side, 3), uint8
            Blue, green, red; at most 384 pixels wide.
        rng : np.random.Generator

        Returns
        -------
        np.ndarray, shape (side, side, 3), uint8
        """
        gain = self.gain * np.exp(rng.normal(0, _LIGHT))
        balance = self.balance * np.exp(rng.normal(0, 0.04, 3))
        grey = (1 - self.saturation) / 3
        colours = cv2.transform(picture, self.saturation * np.eye(3) + grey)
        levels = np.arange(256)[:, None] / 255 * gain * balance
        levels = 255 * np.clip(levels**self.gamma, 0, 1)
        picture = cv2.LUT(colours, levels.astype(np.float32)[None].reshape(256, 1, 3))
        picture *= _ramp(len(picture), rng)
        if rng.uniform() < _MOTION:
            picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 2.5), sigmaY=0.3)
        blur = np.hypot(self.blur, rng.uniform(0, 0.5))
        picture = cv2.GaussianBlur(picture, (0, 0), blur + 0.01)
        top, left = rng.integers(0, len(_noise()) - len(picture), 2)
        tile = _noise()[top : top + len(picture), left : left + len(picture)]
        picture = cv2.add(picture, self.noise * tile, dtype=cv2.CV_8U)
        code = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
        return cv2.imdecode(code, cv2.IMREAD_COLOR)


@cache
def _noise() -> np.ndarray:
    """Return unit white noise, of which every picture takes a window."""
    return np.random.default_rng(0).standard_normal((384, 384, 3), np.float32)


def _ramp(size: int, rng: np.random.Generator) -> np.ndarray:
    """Light that falls off to one side, shape (size, size, 1)."""
    angle, slope = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.2)
    places = np.linspace(-slope, slope, size, dtype=np.float32)
    fall = np.outer(np.exp(np.sin(angle) * places), np.exp(np.cos(angle) * places))
    return fall[..., None].astype(np.float32)


def _mirrored(box: np.ndarray, width: int) -> np.ndarray:
    return np.array([width - 1 - box[0] - box[2], *box[1:]])


def _covered(
    picture: np.ndarray, box: np.ndarray, rng: np.random.Generator, other: np.ndarray | None
) -> np.ndarray:
    """Put a part of somebody else, or a thing of one colour, in front of a part of somebody."""
    picture = picture.copy()
    face = box[3]
    centre = box[:2] + box[2:] / 2 + face * rng.uniform([-1.6, -0.6], [1.6, 2.6])
    half = face * rng.uniform(0.2, 0.9, 2)
    left, top = np.maximum(centre - half, 0).astype(int)
    right, bottom = np.maximum(centre + half, 0).astype(int)
    target = picture[top:bottom, left:right]
    if other is not None and rng.uniform() < 0.6:
        # Seen beside each other, of about the same size.
        aside = int(centre[0] - len(picture) / 2)
        picture[top:, left:right] = np.roll(other, aside, axis=1)[top:, left:right]
    elif target.size:
        colour = rng.uniform(0, 255, 3) + rng.normal(0, rng.choice([0, 25]), target.shape)
        target[:] = np.clip(colour, 0, 255)
    return picture


def _cut(picture: np.ndarray, box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """End the picture below the head or beside it; crops repeat its border."""
    picture = picture.copy()
    face = box[3]
    if rng.uniform() < 0.6:
        last = int(box[1] + face * rng.uniform(1.1, 2.5))
        picture[last:] = picture[[min(last, len(picture) - 1)]]
    else:
        first = max(int(box[0] - face * rng.uniform(-0.1, 0.7)), 0)
        picture[:, :first] = picture[:, [first]]
    return picture
