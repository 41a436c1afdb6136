# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
_MULTIPLE = 32
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
        scale: float = 1.75,
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
        self._input = np.zeros((1, 3, 0, 0), np.float32)

    @property
    def execution_provider(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self._session.get_providers()[0]

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces of an image.

        Parameters
        ----------
        image : np.ndarray, shape (height, width, 3), uint8
            Blue, green, red.

        Returns
        -------
        list of Face
            Best first, with landmarks, without tracklets; pixels of `image`.
        """
        height, width = image.shape[:2]
        scale = min(self.scale, self.max_side / max(height, width))
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        scaled = image if size == (width, height) else cv2.resize(image, size)
        outputs = self._session.run(_OUTPUTS, {self._input_name: self._padded(scaled)})
        scores, boxes, landmarks = self._decode(outputs)
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self.threshold, self.nms)
        shrink = np.array([width / size[0], height / size[1]])
        return [
            Face(
                box=np.concatenate([boxes[k, :2] * shrink - _CENTRE, boxes[k, 2:] * shrink]),
                score=float(scores[k]),
                landmarks=landmarks[k] * shrink - _CENTRE,
            )
            for k in np.asarray(kept, int).ravel()
        ]

    def _padded(self, image: np.ndarray) -> np.ndarray:
        """Image as network input, zeros to the right and below up to whole cells."""
        height, width = image.shape[:2]
        padded = (-(-height // _MULTIPLE) * _MULTIPLE, -(-width // _MULTIPLE) * _MULTIPLE)
        if self._input.shape[2:] != padded:
            self._input = np.zeros((1, 3, *padded), np.float32)
        self._input[:, :, height:] = 0
        self._input[:, :, :, width:] = 0
        self._input[0, :, :height, :width] = image.transpose(2, 0, 1)
        return self._input

    def _decode(self, outputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores (n,), boxes (n, 4) and landmarks (n, 5, 2) of the cells above the threshold."""
        columns = self._input.shape[3]
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
