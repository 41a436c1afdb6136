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

"""The face detector YuNet, run by ONNX Runtime.

Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector, Machine Intelligence Research 2023.
Each cell of three grids (8, 16 and 32 pixels) says how sure it is of a face, where its box lies,
and where five landmarks are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes.models.zoo import open_model
from av_tracker_nodes.types import Face

_STRIDES = (8, 16, 32)
MULTIPLE = 32
SCALE = 1.75
"""By which images are enlarged."""
"""Width and height of what the network is given are multiples of this (pixels)."""
# The network counts from the corner of the first pixel, cameras from its centre.
_CENTRE = 0.5
_OUTPUTS = [f'{kind}_{stride}' for kind in ('cls', 'obj', 'bbox', 'kps') for stride in _STRIDES]


class YuNet:
    """Finds faces in single images.

    Parameters
    ----------
    model : Path
        YuNet in ONNX with free image size, from `models.zoo.YUNET`.
    scale : float
        Images are enlarged by this factor first: YuNet misses faces below 30 pixels.
    max_side : int
        Larger images are enlarged less, or reduced, to a longer side of this many pixels, so that
        the work stays bounded.
    threshold : float
        Least score of a face.
    nms : float
        Of two faces that overlap (intersection over union) by more than this, the better stays.
    providers : sequence of str
        Execution providers of ONNX Runtime, best first. `execution_provider` tells what was got.

    Raises
    ------
    InputError
        The model is missing or is not a YuNet.
    """

    def __init__(
        self,
        model: Path,
        scale: float = SCALE,
        threshold: float = 0.6,
        nms: float = 0.3,
        max_side: int = 800,
        providers: Sequence[str] = ('CPUExecutionProvider',),
    ) -> None:
        self.scale = scale
        self.threshold = threshold
        self.nms = nms
        self.max_side = max_side
        self._session = open_model(Path(model), 'face detector', _OUTPUTS, providers)
        self._input_name = self._session.get_inputs()[0].name
        self._buffer = np.zeros(0, np.float32)

    @property
    def execution_provider(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self._session.get_providers()[0]

    def detect(self, image: np.ndarray, scale: float | None = None) -> list[Face]:
        """Find the faces of an image.

        Parameters
        ----------
        image : np.ndarray, shape (height, width, 3), uint8
            Blue, green, red.
        scale : float, optional
            Enlarge the image by this, whatever its size.

        Returns
        -------
        list of Face
            Best first, with landmarks, without tracklets; pixels of `image`.
        """
        height, width = image.shape[:2]
        if scale is None:
            scale = min(self.scale, self.max_side / max(height, width))
        size = scaled_size((width, height), scale)
        scaled = image if size == (width, height) else cv2.resize(image, size)
        padded = self._padded(scaled)
        outputs = self._session.run(_OUTPUTS, {self._input_name: padded})
        scores, boxes, landmarks = self._decode(outputs, padded.shape[3])
        shrink = np.array([width / size[0], height / size[1]])
        return [
            Face(
                box=np.concatenate([boxes[k, :2] * shrink - _CENTRE, boxes[k, 2:] * shrink]),
                score=float(scores[k]),
                landmarks=landmarks[k] * shrink - _CENTRE,
            )
            for k in best(boxes, scores, self.nms)
        ]

    def _padded(self, image: np.ndarray) -> np.ndarray:
        """Image as network input, zeros to the right and below up to whole cells."""
        height, width = image.shape[:2]
        columns, rows = padded_size((width, height))
        if self._buffer.size < 3 * rows * columns:
            self._buffer = np.zeros(3 * rows * columns, np.float32)
        padded = self._buffer[: 3 * rows * columns].reshape(1, 3, rows, columns)
        padded[:, :, height:] = 0
        padded[:, :, :, width:] = 0
        padded[0, :, :height, :width] = image.transpose(2, 0, 1)
        return padded

    def _decode(
        self, outputs: list[np.ndarray], columns: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores (n,), boxes (n, 4) and landmarks (n, 5, 2) of the cells above the threshold."""
        found = []
        for stride, confidence, objectness, box, points in zip(
            _STRIDES, outputs[:3], outputs[3:6], outputs[6:9], outputs[9:], strict=True
        ):
            product = np.clip(confidence[0, :, 0], 0, 1) * np.clip(objectness[0, :, 0], 0, 1)
            score = np.sqrt(product)
            cells = np.flatnonzero(score >= self.threshold)
            corner = np.stack(np.divmod(cells, columns // stride)[::-1], axis=-1)
            centre = (corner + box[0, cells, :2]) * stride
            size = np.exp(box[0, cells, 2:]) * stride
            landmark = (corner[:, None] + points[0, cells].reshape(-1, 5, 2)) * stride
            found.append((score[cells], np.hstack([centre - size / 2, size]), landmark))
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Width and height (pixels) of an image of a size that is enlarged by a factor."""
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def padded_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height (pixels) of what the network is given of an image of a size."""
    return -(-size[0] // MULTIPLE) * MULTIPLE, -(-size[1] // MULTIPLE) * MULTIPLE


def best(boxes: np.ndarray, scores: np.ndarray, nms: float) -> list[int]:
    """Suppress all but the best of boxes (n, 4) that overlap; the kept ones, best first.

    Those that overlap (intersection over union) by more than `nms` are of one face.
    """
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, nms)
    return np.asarray(kept, int).ravel().tolist()
