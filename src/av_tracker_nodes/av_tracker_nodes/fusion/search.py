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

"""What Siamese networks are given of a person: a template, and where to look for it.

The same code serves training and running. All pictures of a person are brought to one scale, that
of the face: `FACE_PIXELS` for its height. The coherence field over the search crop is told by the
k maps of the last ones that are highest inside the face box: visual-guided GCF of STNet, whose
maps are those of the images here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.fusion.candidates import (
    SOUND_FEATURES,
    Candidate,
    coherence_over,
    sound_features,
    strongest_coherence,
)
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.crops import square_crop
from av_tracker_nodes.geometry.head import mouth_pixel
from av_tracker_nodes.types import AcousticMap

FACE_PIXELS = 24
"""Height of the face in all crops (pixels)."""
TEMPLATE_SIZE, SEARCH_SIZE = 48, 96
"""Sides of template and search crop (pixels)."""
SOUND_MAPS, SOUND_MAP_SIZE = 3, 24
"""Number and side (points) of the maps of coherence over a search crop."""
HISTORY = 15
"""Maps that the best are chosen from."""
QUALITY_DECAY = 0.05
"""How fast quality falls with the error: ``2 / (exp(0.05 d) + 1)``, d in pixels of the crop."""
FOUND = 4
"""Numbers that a network says of a person."""


@dataclass(frozen=True)
class SearchArrays:
    """What is given of n people.

    Attributes
    ----------
    templates : np.ndarray, shape (n, TEMPLATE_SIZE, TEMPLATE_SIZE, 3), uint8
    searches : np.ndarray, shape (n, SEARCH_SIZE, SEARCH_SIZE, 3), uint8
        Centred on where the mouth is thought to be.
    maps : np.ndarray, shape (n, SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE), float32
        Coherence over the search crops, highest first, relative to the strongest sound of the
        last images.
    sound : np.ndarray, shape (n, SOUND_FEATURES), float32
        See `candidates.sound_features`.
    """

    templates: np.ndarray
    searches: np.ndarray
    maps: np.ndarray
    sound: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[SearchArrays]) -> SearchArrays:
        """Lay people end to end; without any, arrays of length 0."""
        empty = cls(
            np.zeros((0, TEMPLATE_SIZE, TEMPLATE_SIZE, 3), np.uint8),
            np.zeros((0, SEARCH_SIZE, SEARCH_SIZE, 3), np.uint8),
            np.zeros((0, SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE), np.float32),
            np.zeros((0, SOUND_FEATURES), np.float32),
        )
        everything = [empty, *parts]
        return cls(
            np.concatenate([part.templates for part in everything]),
            np.concatenate([part.searches for part in everything]),
            np.concatenate([part.maps for part in everything]),
            np.concatenate([part.sound for part in everything]),
        )


def template_crop(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Cut the head about a face box out of an image, shape (TEMPLATE_SIZE, TEMPLATE_SIZE, 3)."""
    return _crop(image, box, TEMPLATE_SIZE)


def search_arrays(
    candidate: Candidate,
    template: np.ndarray,
    image: np.ndarray,
    history: Sequence[AcousticMap],
    rig: Rig,
) -> SearchArrays:
    """Measure one person.

    Parameters
    ----------
    candidate : Candidate
        Where the person is thought to be; has a box in the picture.
    template : np.ndarray, shape (TEMPLATE_SIZE, TEMPLATE_SIZE, 3), uint8
    image : np.ndarray, shape (height, width, 3), uint8
    history : sequence of AcousticMap
        The last ones, the newest at the end; at least one.
    rig : Rig
    """
    box = candidate.base.box
    frame = SightFrame.towards(rig.camera, candidate.base.position)
    heard = sound_features(candidate, frame, history[-1], rig)
    return SearchArrays(
        template[None],
        _crop(image, box, SEARCH_SIZE)[None],
        guided_maps(history, box)[None],
        heard[None],
    )


def guided_maps(history: Sequence[AcousticMap], box: np.ndarray) -> np.ndarray:
    """Choose the maps that are highest inside a face box, and cut them to the search crop.

    Parameters
    ----------
    history : sequence of AcousticMap
        At most `HISTORY` of them, the newest at the end.
    box : np.ndarray, shape (4,)
        Of the face (pixels).

    Returns
    -------
    np.ndarray, shape (SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE), float32
        Highest first; zeros where there are fewer.
    """
    maps = np.zeros((SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE), np.float32)
    known = [sound for sound in history if sound.values.size]
    peaks = [coherence_over(sound, box, SOUND_MAP_SIZE // 4).max() for sound in known]
    around = _square(box, SEARCH_SIZE)
    for row, chosen in enumerate(np.argsort(peaks)[::-1][:SOUND_MAPS]):
        maps[row] = coherence_over(known[chosen], around, SOUND_MAP_SIZE)
    return maps / max(map(strongest_coherence, known), default=1.0)


def found_pixel(box: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Pixel that lies an offset (face heights right, down) from the mouth of a box (pixels)."""
    return mouth_pixel(box) + box[3] * offset


def _crop(image: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    return square_crop(image, mouth_pixel(box), size / FACE_PIXELS * box[3], size)


def _square(box: np.ndarray, size: int) -> np.ndarray:
    """Box (left, top, width, height; pixels) of a crop of `size`."""
    side = size / FACE_PIXELS * box[3]
    return np.append(mouth_pixel(box) - side / 2, [side, side])
