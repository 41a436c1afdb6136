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

"""The vision stage: an image in, its faces out, and whose mouth talks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.face import completed
from av_tracker_nodes.models.zoo import YUNET
from av_tracker_nodes.types import Face, FaceFrame, ImageFrame
from av_tracker_nodes.vision.appearance import AppearanceEncoder
from av_tracker_nodes.vision.lips import LipReader
from av_tracker_nodes.vision.search import FaceSearch
from av_tracker_nodes.vision.tracklets import Tracklets
from av_tracker_nodes.vision.yunet import SCALE, YuNet


class FaceStage:
    """Detects the faces of each image, describes how they look, and gives them tracklets.

    Parameters
    ----------
    model : Path or None
        YuNet in ONNX with free image size; None takes that of `models.zoo.YUNET`.
    scale, threshold, max_side, providers
        See `YuNet`.
    memory : float
        See `Tracklets` (s).
    reads_lips : bool
        Tell who speaks, as far as mouths do.
    sees_looks : bool
        Describe how people look, so that who comes back is known again.

    Raises
    ------
    InputError
        A model is missing, or is not a YuNet.
    """

    def __init__(
        self,
        model: Path | None = None,
        scale: float = SCALE,
        threshold: float = 0.6,
        memory: float = 0.5,
        max_side: int = 800,
        providers: Sequence[str] = ('CPUExecutionProvider',),
        reads_lips: bool = True,
        sees_looks: bool = True,
    ) -> None:
        self.detector = YuNet(
            YUNET.verified() if model is None else Path(model),
            scale=scale,
            threshold=threshold,
            max_side=max_side,
            providers=providers,
        )
        self._search = FaceSearch(self.detector)
        self._tracklets = Tracklets(memory)
        self._lips = LipReader()
        self._appearance = AppearanceEncoder()
        self.reads_lips = reads_lips
        self.sees_looks = sees_looks

    def process(self, frame: ImageFrame) -> FaceFrame:
        """Find the faces of an image, none included.

        Raises
        ------
        InputError
            The image is not (height, width, 3) uint8, or is empty.
        """
        _check(frame.image)
        expected = self._tracklets.expected(frame.stamp)
        faces = [_completed(face, frame) for face in self._search.detect(frame.image, expected)]
        if self.sees_looks:
            looks = self._appearance.embed(frame.image, [face.box for face in faces])
            faces = [replace(f, embedding=e) for f, e in zip(faces, looks, strict=True)]
        faces = self._tracklets.update(faces, frame.stamp)
        if self.reads_lips:
            faces = self._lips.read(frame.image, faces, frame.stamp)
        height, width = frame.image.shape[:2]
        return FaceFrame(frame.stamp, (width, height), tuple(faces))

    def reset(self) -> None:
        """Forget the faces of earlier images."""
        self._search.reset()
        self._tracklets.reset()
        self._lips.reset()


def _completed(face: Face, frame: ImageFrame) -> Face:
    """Complete a face that the border of the picture cuts."""
    height, width = frame.image.shape[:2]
    box, landmarks = completed(face.box, face.landmarks, (width, height))
    return replace(face, box=box, landmarks=landmarks)


def _check(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f'image must be an array of uint8, got {kind}')
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InputError(f'image must have shape (height, width, 3), got {image.shape}')
