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

"""The acoustic map over the image and in space."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.grid import image_grid
from av_tracker_nodes.types import AcousticMap

_HEAT_LOW, _HEAT_HIGH = 0.06, 0.18
"""Coherence above the mean of the map where the shade begins; it is full at the maximum, but not
below this."""
_OPACITY = 0.5
_FACE = 255, 255, 255
"""Colour of the boxes of faces."""
_STEPS = 31
"""Of colour: a layer that is not smooth to the last bit takes a fifth of the room as PNG."""


def heat(sound: AcousticMap) -> np.ndarray:
    """Return how much each point stands out, 0..1, shape (rows, columns); noise is zero."""
    excess = sound.values - sound.mean
    high = max(_HEAT_HIGH, float(excess.max(initial=0.0)))
    return np.clip((excess - _HEAT_LOW) / (high - _HEAT_LOW), 0, 1)


def colour(shares: np.ndarray) -> np.ndarray:
    """Return blue, green, red, 0..255, shape (n, m, 3), for 0..1, shape (n, m)."""
    return cv2.applyColorMap((255 * shares).astype(np.uint8), cv2.COLORMAP_INFERNO)


def place_map(sound: AcousticMap, rig: Rig) -> np.ndarray:
    """Return where the points of a map are, shape (rows, columns, 3), in metres, array frame.

    They lie at the depth of its peak.
    """
    rows, columns = sound.values.shape
    if sound.values.size == 0:
        return np.zeros((rows, columns, 3))
    pixels = image_grid((columns * sound.pitch, rows * sound.pitch), sound.pitch)
    return rig.camera_in_array.back_project(pixels, sound.depth)


def map_layer(sound: AcousticMap, size: tuple[int, int]) -> np.ndarray:
    """Draw the map as a layer to lay over an image.

    Parameters
    ----------
    sound : AcousticMap
    size : (int, int)
        Width and height of the image (pixels).

    Returns
    -------
    np.ndarray, shape (height, width, 4), uint8
        Blue, green, red, opacity: the hotter, the more opaque.
    """
    # Where `image_grid` lays the points of the map.
    offset = (sound.pitch - 1) / 2
    scale = np.array([[sound.pitch, 0, offset], [0, sound.pitch, offset]], np.float32)
    share = cv2.warpAffine(heat(sound), scale, size, borderMode=cv2.BORDER_REPLICATE)
    step = np.round(_STEPS * share) / _STEPS
    weight = (255 * _OPACITY * step).astype(np.uint8)
    return np.concatenate([colour(step), weight[..., None]], axis=-1)


def draw_overlay(
    image: np.ndarray, sound: AcousticMap, boxes: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Lay the map over an image; one of noise leaves it as it is.

    Parameters
    ----------
    image : np.ndarray, shape (height, width, 3), uint8
        It is not changed.
    sound : AcousticMap
    boxes : sequence of np.ndarray, shape (4,)
        Left, top, width, height of faces (pixels), which are drawn over it.

    Returns
    -------
    np.ndarray, shape (height, width, 3), uint8
    """
    if sound.values.size:
        layer = map_layer(sound, (image.shape[1], image.shape[0]))
        weight = layer[..., 3:] / 255
        drawn = (image * (1 - weight) + layer[..., :3] * weight).astype(np.uint8)
    else:
        drawn = image.copy()
    for left, top, width, height in np.round(boxes).astype(int).reshape(-1, 4).tolist():
        cv2.rectangle(drawn, (left, top), (left + width, top + height), _FACE)
    return drawn
