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

"""How training samples differ from what was recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.research.datasets.incomplete import cover_middle, middle_third
from av_tracker_nodes.research.training.clips import ClipFrame


@dataclass(frozen=True)
class Disturbance:
    """How samples differ from what was recorded; probabilities unless said otherwise.

    Attributes
    ----------
    missed : float
        A face is overlooked.
    remembered, unseen_remembered : float
        There is a memory of somebody whose face is detected, and of somebody else.
    false_memory : float
        There is a memory of a false alarm; and the number of memories elsewhere of nobody.
    across, along : float
        Deviations of memories (face heights, log range).
    image_dropout, sound_dropout : float
        There is no picture, no sound.
    covered : float
        A part of a picture of a candidate is covered.
    blurred : float
        A picture of a candidate is blurred.
    light : float
        Deviation of brightness and contrast (log).
    poor : float
        A cheap camera took a picture of a candidate in dim light: few pixels, dark and noisy.
    occluded : float
        The middle third of the picture is covered.
    local : float
        Half of the microphones are missing.
    false_face : float
        Number of false alarms of the face detector that are added.
    """

    missed: float = 0.1
    remembered: float = 0.1
    unseen_remembered: float = 0.8
    false_memory: float = 0.5
    across: float = 0.25
    along: float = 0.12
    image_dropout: float = 0.05
    sound_dropout: float = 0.08
    covered: float = 0.1
    blurred: float = 0.1
    light: float = 0.15
    poor: float = 0.25
    occluded: float = 0.0
    local: float = 0.0
    false_face: float = 0.25


UNDISTURBED = Disturbance(
    missed=0.0,
    remembered=0.0,
    unseen_remembered=1.0,
    false_memory=0.5,
    across=0.15,
    along=0.08,
    image_dropout=0.0,
    sound_dropout=0.0,
    covered=0.0,
    blurred=0.0,
    light=0.0,
    poor=0.0,
    false_face=0.0,
)
"""Recordings as they are, with the memories that a tracker would have: for validation."""

SEARCHED = Disturbance(occluded=0.15)
"""A search that has never met a cover finds people on it, and is sure of them."""

INCOMPLETE = Disturbance(occluded=0.5, local=0.5)
"""As GLDTracker's incomplete set, half of the time each."""


def without_some_faces(frame: ClipFrame, missed: float, rng: np.random.Generator) -> ClipFrame:
    """Overlook each face, and what is heard in its box, with a probability."""
    kept = [face for face in frame.faces.faces if rng.uniform() >= missed]
    if len(kept) == len(frame.faces.faces):
        return frame
    tracklets = {face.tracklet for face in kept}
    sounds = tuple(heard for heard in frame.sound.faces if heard.tracklet in tracklets)
    return replace(
        frame,
        faces=replace(frame.faces, faces=tuple(kept)),
        sound=replace(frame.sound, faces=sounds),
    )


def occluded(image: np.ndarray, frame: ClipFrame) -> tuple[np.ndarray, ClipFrame]:
    """Cover the middle third of a picture (height, width, 3), and take the faces in it away."""
    left, right = middle_third(image.shape[1])
    kept = tuple(face for face in frame.faces.faces if not left <= box_centre(face.box)[0] < right)
    return cover_middle(image), replace(frame, faces=replace(frame.faces, faces=kept))


def disturbed_pictures(
    crops: np.ndarray, how: Disturbance, rng: np.random.Generator
) -> np.ndarray:
    """Change light, sharpness, noise and cover of pictures (n, size, size, 3)."""
    changed = crops.copy()
    for crop in changed:
        if how.light:
            gain, shift = np.exp(rng.normal(0, how.light)), rng.normal(0, 60 * how.light)
            tint = np.exp(rng.normal(0, how.light / 3, 3))
            levels = np.clip((np.arange(256.0)[:, None] - 128) * gain * tint + 128 + shift, 0, 255)
            cv2.LUT(crop, levels.astype(np.uint8).reshape(256, 1, 3), dst=crop)
        if rng.uniform() < how.blurred:
            crop[:] = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.6, 2.0))
        if rng.uniform() < how.poor:
            crop[:] = _poor(crop, rng)
        if rng.uniform() < how.covered:
            _cover(crop, rng)
    return changed


def _poor(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take a picture anew with up to four times fewer pixels a side, dark, with noise in each."""
    side = len(crop) // int(rng.integers(1, 5))
    few = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    noise = rng.normal(0, rng.uniform(1, 8), few.shape)
    taken = np.clip(few * rng.uniform(0.3, 1.0) + noise, 0, 255).astype(np.uint8)
    return cv2.resize(taken, (crop.shape[1], crop.shape[0]), interpolation=cv2.INTER_LINEAR)


def _cover(crop: np.ndarray, rng: np.random.Generator) -> None:
    size = len(crop)
    width, height = rng.integers(size // 6, size // 2, 2)
    left, top = rng.integers(0, size - width), rng.integers(0, size - height)
    crop[top : top + height, left : left + width] = rng.integers(0, 256, 3)
