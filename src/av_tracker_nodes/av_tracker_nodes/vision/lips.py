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

"""Who speaks, as far as the motion of mouths tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.types import Face, to_seconds
from av_tracker_nodes.vision.mouth_opening import MouthOpening

_WINDOW = 0.6
"""Time over which a mouth is watched (s). Validation clips: 0.4 tells less, 1.0 no more."""
_LEAST_SPAN, _LEAST_IMAGES = 0.3, 5
"""Time (s) and pictures from which on it tells anything."""
_SHORTEST_STEP, _LONGEST_STEP = 0.03, 0.2
"""Pictures that come sooner after the last one (s) are skipped, as they tell nothing new; after
longer, it is not known what happened in between."""
_SMALLEST_FACE = 24.0
"""Height of a face box (pixels)."""
_MOST_TURNED = 0.35
"""How far the nose is off the middle between the eyes, in distances of the eyes: a head that is
turned by some 30 degrees."""
_FASTEST = 3.0
"""Face heights a second: what moves faster is blurred."""
BIAS, WEIGHTS = -2.19, np.array([2.45, -1.19, 1.32])
"""Log-likelihood ratio of opening, noise and pace: logistic regression by `av-tracker train-lips`
on 39 training clips (78 people, as they are and as worse cameras see them), less the log-odds of
speech in them."""
_MOST = 2.5
"""Largest log-likelihood ratio either way: nobody saw enough mouths to be surer."""
_FAINTEST = 1e-3
"""Deviation of an opening, in contrasts of the face, that is nothing."""
_REACH = 0.8
"""Half of the side of the piece of picture that is looked at, in sides of the face box."""


@dataclass(frozen=True)
class MouthMotion:
    """How a mouth moved over a while, in natural logarithms.

    Attributes
    ----------
    opening : float
        Of the deviation of the opening from its mean (contrasts of the face).
    noise : float
        Of what the same measure gives where nothing opens.
    pace : float
        Of the deviation of the rate at which the mouth opens and shuts, relative to `opening`
        (1/s): syllables follow each other at 2 to 8 Hz, a smile comes once.
    """

    opening: float
    noise: float
    pace: float

    @classmethod
    def of(cls, signals: np.ndarray, times: np.ndarray) -> MouthMotion:
        """Sum up what `MouthOpening` told, shape (n, signals), at times (n,) (s)."""
        opening, controls = signals[:, 0], signals[:, 1:]
        rate = np.diff(opening) / np.diff(times)
        spread = _log(opening.std())
        noise = _log(np.sqrt(controls.var(axis=0).mean()))
        return cls(spread, noise, _log(np.sqrt(np.mean(rate**2))) - spread)

    @property
    def features(self) -> np.ndarray:
        """The three, shape (3,)."""
        return np.array([self.opening, self.noise, self.pace])

    @property
    def log_likelihood_ratio(self) -> float:
        """Of somebody who speaks to somebody who does not."""
        return float(np.clip(BIAS + WEIGHTS @ self.features, -_MOST, _MOST))


class Mouth:
    """The mouth of one face, over the last pictures."""

    def __init__(self) -> None:
        self._opening = MouthOpening()
        self._seen: deque[tuple[float, np.ndarray]] = deque()
        self._place: tuple[float, np.ndarray] | None = None
        self._motion: MouthMotion | None = None

    @staticmethod
    def cut_out(image: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
        """Cut the grey picture around a face out.

        Parameters
        ----------
        image : np.ndarray, shape (height, width, 3) or (height, width), uint8
            Blue, green, red, or grey.
        face : Face

        Returns
        -------
        np.ndarray, shape (rows, columns), uint8
            At least one pixel, also where the face is outside the image.
        np.ndarray, shape (5, 2)
            Landmarks in pixels of it.
        """
        bounds = np.array(image.shape[1::-1])
        centre, half = box_centre(face.box), _REACH * max(face.box[2:])
        low = np.clip(np.floor(centre - half), 0, bounds - 1).astype(int)
        high = np.clip(np.ceil(centre + half), low + 1, bounds).astype(int)
        patch = image[low[1] : high[1], low[0] : high[0]]
        if patch.ndim == 3:
            patch = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
        return patch, face.landmarks - low

    def watch(self, image: np.ndarray, face: Face, time: float) -> MouthMotion | None:
        """Look at the next picture.

        Parameters
        ----------
        image : np.ndarray, shape (height, width, 3) or (height, width), uint8
            Blue, green, red, or grey.
        face : Face
            Of that image.
        time : float
            Seconds.

        Returns
        -------
        MouthMotion or None
            None where it cannot be told.
        """
        since = np.inf if self._place is None else time - self._place[0]
        if 0 <= since < _SHORTEST_STEP:
            return self._motion
        if not self._is_even(face, since):
            self._forget()
            since = 0.0
        self._place = time, face.box
        self._motion = self._next(image, face, time, since)
        return self._motion

    def _next(
        self, image: np.ndarray, face: Face, time: float, since: float
    ) -> MouthMotion | None:
        signals = None
        if _shows_mouth(face):
            signals = self._opening.measure(*self.cut_out(image, face), since)
        if signals is None:
            self._forget()
            return None
        self._seen.append((time, signals))
        while self._seen[0][0] < time - _WINDOW:
            self._seen.popleft()
        if len(self._seen) < _LEAST_IMAGES or time - self._seen[0][0] < _LEAST_SPAN:
            return None
        times, rows = zip(*self._seen, strict=True)
        return MouthMotion.of(np.array(rows), np.array(times))

    def _is_even(self, face: Face, since: float) -> bool:
        """Tell whether the face is where it can have moved to without being blurred."""
        if self._place is None or not 0 < since <= _LONGEST_STEP:
            return False
        moved = np.abs(box_centre(face.box) - box_centre(self._place[1])).max()
        return moved <= _FASTEST * since * face.box[3]

    def _forget(self) -> None:
        self._opening = MouthOpening()
        self._seen.clear()


class LipReader:
    """Reads the mouths of all faces, each known by its tracklet."""

    def __init__(self) -> None:
        self._mouths: dict[int, tuple[float, Mouth]] = {}

    def read(self, image: np.ndarray, faces: Sequence[Face], stamp: int) -> list[Face]:
        """Tell of each face how likely it speaks.

        Parameters
        ----------
        image : np.ndarray, shape (height, width, 3), uint8
            Blue, green, red.
        faces : sequence of Face
            Of that image, with tracklets.
        stamp : int
            Of the image (ns).

        Returns
        -------
        list of Face
            With `lips`: NaN where a face is small, turned away, new, too fast, or without
            landmarks or texture.
        """
        time = to_seconds(stamp)
        self._mouths = {
            tracklet: (last, mouth)
            for tracklet, (last, mouth) in self._mouths.items()
            if 0 <= time - last <= _LONGEST_STEP
        }
        return [self._read(image, face, time) for face in faces]

    def reset(self) -> None:
        """Forget earlier images."""
        self._mouths = {}

    def _read(self, image: np.ndarray, face: Face, time: float) -> Face:
        _, mouth = self._mouths.get(face.tracklet, (time, Mouth()))
        self._mouths[face.tracklet] = time, mouth
        motion = mouth.watch(image, face, time)
        return face if motion is None else replace(face, lips=motion.log_likelihood_ratio)


def _shows_mouth(face: Face) -> bool:
    """Tell whether a face is large enough, and looks about into the camera."""
    if face.landmarks is None or face.box[3] < _SMALLEST_FACE:
        return False
    right, left, nose = face.landmarks[:3]
    across = left - right
    eyes = float(np.hypot(*across))
    if eyes < 1.0:
        return False
    off = (nose - (left + right) / 2) @ across / eyes**2
    return bool(abs(off) <= _MOST_TURNED)


def _log(deviation: float) -> float:
    return float(np.log(max(deviation, _FAINTEST)))
