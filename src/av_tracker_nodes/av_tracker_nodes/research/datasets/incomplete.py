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

"""GLDTracker's incomplete input: a part of the picture is covered, half of the microphones gone.

"The middle third of the frames is artificially occluded, and in the audio stream, only data from
microphones 2, 4, 6, 8 of each array is used" (GLDTracker, section IV-A): the others are no part of
the array then. Training, comparison and reproduction all take away here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.types import AudioBlock, ImageFrame

_FEWEST = 4
_GREY = 128


def half_of_the_microphones(rig: Rig) -> Rig:
    """Leave every second microphone of each array: 2, 4, 6 and 8 of AV16.3's.

    Sound keeps its channels: those of the others are no longer listened to. An array of fewer than
    four stays whole, as half of it would tell no direction.
    """
    array = rig.microphones
    kept: list[int] = []
    for group in np.unique(array.groups):
        members = np.flatnonzero(array.groups == group)
        kept += (members if len(members) < _FEWEST else members[1::2]).tolist()
    half = replace(
        array,
        positions=array.positions[kept],
        groups=array.groups[kept],
        channels=array.channels[kept],
    )
    return replace(rig, microphones=half)


def middle_third(width: int) -> tuple[int, int]:
    """First column of the middle third of a picture, and the one after its last."""
    return width // 3, 2 * width // 3


def cover_middle(image: np.ndarray) -> np.ndarray:
    """Cover the middle third of a picture, shape (height, width, 3)."""
    left, right = middle_third(image.shape[1])
    covered = image.copy()
    covered[:, left:right] = _GREY
    return covered


def without_the_middle(record: AudioBlock | ImageFrame) -> AudioBlock | ImageFrame:
    """Cover the middle third of a picture; sound stays as it is."""
    if isinstance(record, AudioBlock):
        return record
    return replace(record, image=cover_middle(record.image))
