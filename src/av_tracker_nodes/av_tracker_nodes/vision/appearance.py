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

"""What people look like, as short vectors: near for one person, far for two.

A small network looks at the head, and at head and chest. It was trained on simulated people alone
(`av-tracker train-appearance`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from av_tracker_nodes.geometry.crops import face_crop, square_crop
from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.models.zoo import open_model

CROP_SIZE = 48
"""Side of the two pictures of a person (pixels)."""
_HEAD_CONTEXT = 1.6
"""Side of the picture of the head, in longer sides of the face box."""
_BODY_SIDE, _BODY_DROP = 3.0, 0.85
"""Side of the picture of head and chest, and how far its centre lies below that of the face, in
heights of the face box. No wider than shoulders: who stands beside is somebody else."""
_OUTPUT = 'embedding'


class AppearanceEncoder:
    """Describes how people look.

    Parameters
    ----------
    model : Path or None
        Network in ONNX; None takes the one that is shipped.

    Raises
    ------
    InputError
        The model is missing or is another one.
    """

    def __init__(self, model: Path | None = None) -> None:
        path = shipped_file('appearance/appearance.onnx', 'models') if model is None else model
        self._session = open_model(path, 'appearance network', [_OUTPUT])
        self._input_name = self._session.get_inputs()[0].name

    def embed(self, image: np.ndarray, boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Describe the people of an image.

        Parameters
        ----------
        image : np.ndarray, shape (height, width, 3), uint8
            Blue, green, red.
        boxes : sequence of np.ndarray, shape (4,)
            Left, top, width, height of each face (pixels).

        Returns
        -------
        list of np.ndarray, shape (64,), float32
            Unit length.
        """
        if not len(boxes):
            return []
        return list(self.embed_crops(np.stack([appearance_crops(image, box) for box in boxes])))

    def embed_crops(self, crops: np.ndarray) -> np.ndarray:
        """Describe people by what `appearance_crops` cuts out, shape (n, 48, 48, 6)."""
        return self._session.run([_OUTPUT], {self._input_name: crops})[0]


def appearance_crops(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Cut out head, and head and chest, of the person whose face box is `box`.

    Returns
    -------
    np.ndarray, shape (48, 48, 6), uint8
        Blue, green, red of the head, then of head and chest.
    """
    head = face_crop(image, box, CROP_SIZE, _HEAD_CONTEXT)
    middle = box_centre(box) + np.array([0, _BODY_DROP * box[3]])
    body = square_crop(image, middle, _BODY_SIDE * box[3], CROP_SIZE)
    return np.dstack([head, body])
