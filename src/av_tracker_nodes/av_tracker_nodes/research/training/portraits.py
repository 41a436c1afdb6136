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

"""Portraits of simulated people, to learn from who is who.

Each person is seen several times, from near and far, turned, lit otherwise, before a wall of
clutter and in part before somebody else. What a network could learn by heart of the simulator's
few fabrics it is not given: in other clothes than the first, people wear any colour and pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import FaceStage
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.simulation.studio import VIEWS, Studio
from av_tracker_nodes.research.training.parallel_files import make_missing

_SIDE = 5.0
"""Side of what is kept around the upper body, in heights of the face box."""
_DROP = 1.0
_KEPT = 160
"""Side of what is kept (pixels)."""
_QUALITY = 95


@dataclass(frozen=True)
class Portraits:
    """Pictures of one person in the same clothes.

    Attributes
    ----------
    codes : tuple of np.ndarray, uint8
        Pictures around the upper body, 160 x 160 pixels, as JPEG.
    boxes : np.ndarray, shape (views, 4)
        Of the face, as the detector found it (pixels of the picture).
    """

    codes: tuple[np.ndarray, ...]
    boxes: np.ndarray

    def picture(self, view: int) -> np.ndarray:
        """Picture (160, 160, 3), uint8, of a view."""
        return cv2.imdecode(self.codes[view], cv2.IMREAD_COLOR)


def make_portraits(
    out: Path,
    identities: Sequence[int],
    outfits: int,
    jobs: int,
    progress: Progress | None = None,
) -> list[Path]:
    """Draw the people whose portraits are not there yet.

    Parameters
    ----------
    out : Path
        Folder, made where it is missing.
    identities : sequence of int
        Below 1000 to learn from, below 2000 to choose by, above to report on.
    outfits : int
        Sets of clothes of each.
    jobs, progress
        See `parallel_files.make_missing`.

    Returns
    -------
    list of Path
        A file for each identity, in their order.

    Raises
    ------
    InputError
        The head data are not installed, or the folder cannot be written.
    """
    tasks = {out / f'portraits-{k:04d}.npz': (k, outfits) for k in identities}
    return make_missing(_make, tasks, jobs, progress)


def load_portraits(path: Path) -> list[Portraits]:
    """Read the portraits of an identity, one for each outfit in which it was detected twice."""
    with np.load(path, allow_pickle=False) as data:
        codes = np.split(data['codes'], np.cumsum(data['lengths'])[:-1])
        boxes, outfits = data['boxes'], data['outfit']
    people = []
    for outfit in np.unique(outfits):
        rows = np.flatnonzero(outfits == outfit)
        if len(rows) > 1:
            people.append(Portraits(tuple(codes[row] for row in rows), boxes[rows]))
    return people


def _make(identity: int, outfits: int, path: Path) -> None:
    codes, boxes, numbers = [], [], []
    rng = np.random.default_rng([identity, 0x707])
    studio = Studio(identity, rng)
    detector = FaceStage(scale=1.0).detector
    for outfit in range(outfits):
        if outfit > 0:
            studio.dress(rng)
        for view in range(VIEWS):
            portrait = studio.portray(outfit * VIEWS + view, rng)
            face = portrait.face_among(detector.detect(portrait.picture))
            if face is not None:
                picture, box = _cut_out(portrait.picture, face.box)
                codes.append(
                    cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
                )
                boxes.append(box)
                numbers.append(outfit)
    np.savez(
        path,
        codes=np.concatenate(codes) if codes else np.zeros(0, np.uint8),
        lengths=np.array([len(code) for code in codes], int),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        outfit=np.array(numbers, int),
    )


def _cut_out(picture: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep what is around the upper body, and move the box there."""
    side = _SIDE * box[3]
    centre = box[:2] + box[2:] / 2 + [0, _DROP * box[3]]
    corner = centre - side / 2
    scale = _KEPT / side
    moved = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    kept = cv2.warpAffine(
        picture, moved, (_KEPT, _KEPT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return kept, np.concatenate([scale * (box[:2] - corner), scale * box[2:]])
