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

"""Face boxes as a detector would draw them, where there are no images.

The box of a true head is as high as YuNet draws it, times how heads differ (a factor a person) and
how its boxes flicker (a factor an image), and is displaced as its mouths are. Those deviations
were measured on rendered heads of the training split, see
:mod:`av_tracker_nodes.geometry.face`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import (
    DETECTOR_FACE_HEIGHT,
    DETECTOR_FRAME_STD,
    DETECTOR_PERSON_STD,
)
from av_tracker_nodes.geometry.head import FACE_HEIGHT, face_box, mouth_pixel
from av_tracker_nodes.research.simulation.scene import Person
from av_tracker_nodes.types import Face

_DISPLACEMENT_STD = 0.06
"""Of the mouth that a face tells, in heights of the box, each axis."""

_SCORE = 0.9


class BoxDetector:
    """Draws the boxes of people whose heads are known.

    Parameters
    ----------
    camera : Camera
    head_scales : sequence of float
        Size of each head relative to the average.
    rng : np.random.Generator
    """

    def __init__(self, camera: Camera, head_scales, rng: np.random.Generator) -> None:
        self._camera = camera
        self._rng = rng
        drawn = 1 + DETECTOR_PERSON_STD * rng.standard_normal(len(head_scales))
        self._sizes = np.asarray(head_scales) * drawn * (DETECTOR_FACE_HEIGHT / FACE_HEIGHT)

    @classmethod
    def of(cls, camera: Camera, people: Sequence[Person], seed: int) -> BoxDetector:
        """Draw the boxes of the people of a scene, which is drawn from a seed."""
        scales = [person.head_scale for person in people]
        return cls(camera, scales, np.random.default_rng([seed, 0xFACE]))

    def detect(self, mouths: np.ndarray) -> tuple[Face, ...]:
        """Detect the faces of one image.

        Parameters
        ----------
        mouths : np.ndarray, shape (people, 3)
            Metres, in the frame of the camera's pose.

        Returns
        -------
        tuple of Face
            One a person; its tracklet counts the people from 1.
        """
        true = face_box(self._camera, mouths)
        flicker = 1 + DETECTOR_FRAME_STD * self._rng.standard_normal(len(mouths))
        sizes = true[:, 2:] * (self._sizes * flicker)[:, None]
        displacement = _DISPLACEMENT_STD * self._rng.standard_normal((len(mouths), 2))
        mouth = mouth_pixel(true) + displacement * sizes[:, 1:]
        corner = mouth - (mouth_pixel(np.concatenate([0 * mouth, sizes], axis=1)))
        boxes = np.concatenate([corner, sizes], axis=1)
        return tuple(Face(box, _SCORE, tracklet=n) for n, box in enumerate(boxes, 1))
