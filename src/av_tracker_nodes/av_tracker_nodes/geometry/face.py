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

"""From a face as YuNet sees it to the mouth and the range.

The constants were fitted on 66 simulated heads of the training split (2640 pictures, faces 8 to 40
pixels high, turned by up to 100 degrees, nodding and tilting, jaw open and shut), all of average
size: 0.117 m from chin to nasal root. The place of the lips was fitted on 36 of them; on the other
30 it is 0.8 to 1.3 pixels off (root mean square, each axis, more the further the head is turned).
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.head import mouth_pixel

DETECTOR_FACE_HEIGHT = 0.190
"""Metres of a face of average size that the height of a YuNet box stands for."""

DETECTOR_PERSON_STD = 0.047
"""Relative deviation of that height from person to person at equal size of the head."""

DETECTOR_FRAME_STD = 0.048
"""Relative deviation of that height from picture to picture of one person, poses mixed."""

_TOUCHES = 0.05
"""A box that is nearer to a border of the picture than this share of its size may be cut there."""
_WHOLE_HEIGHT, _FRONTAL_HEIGHT, _WHOLE_WIDTH = 2.8, 2.7, 0.75
"""Height of a whole box in distances from eyes to mouth, the least height in distances between the
eyes, and width in heights: medians of 28 simulated heads of the training split, turned by up to 60
degrees, and for the least the 15 % quantile: who turns the head shows eyes closer together. The
distance from eyes to mouth tells the height to 4 %."""

_EYES, _NOSE, _MOUTH_CORNERS = slice(0, 2), 2, slice(3, 5)
_LIPS_FORWARD = 0.65
_LIPS_BELOW_CORNERS = 0.025


def mouth_from_face(box: np.ndarray, landmarks: np.ndarray | None = None) -> np.ndarray:
    """Find the middle of the lips.

    The corners of the mouth lie behind the lips, so their middle falls short when the head turns;
    how far the nose stands out sideways from eyes and mouth tells by how much. Without landmarks,
    the mouth comes from the box.

    Parameters
    ----------
    box : np.ndarray, shape (4,)
        Left, top, width, height (pixels).
    landmarks : np.ndarray or None, shape (5, 2)
        Right eye, left eye, nose, right and left mouth corner (pixels).

    Returns
    -------
    np.ndarray, shape (2,)
        Pixel.
    """
    if landmarks is None:
        return mouth_pixel(box)
    corners = landmarks[_MOUTH_CORNERS].mean(axis=0)
    middle = (corners + landmarks[_EYES].mean(axis=0)) / 2
    turn = landmarks[_NOSE, 0] - middle[0]
    return corners + np.array([_LIPS_FORWARD * turn, _LIPS_BELOW_CORNERS * box[3]])


def completed(
    box: np.ndarray, landmarks: np.ndarray | None, image_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Complete a face that the border of the picture cuts.

    YuNet ends the box at the border, and guesses landmarks beyond it well, but for the mouth,
    which it moves up when the chin is not seen. The height comes from the landmarks, where it is
    cut: it is not less than what eyes and mouth tell, nor than that of a face from the front with
    eyes that far apart. The width comes from the height. Up to 40 % cut off at the top and 30 % at
    the bottom, the height is right within 3 % in the median.

    Parameters
    ----------
    box : np.ndarray, shape (4,)
        Left, top, width, height (pixels).
    landmarks : np.ndarray or None, shape (5, 2)
        As in `mouth_from_face`; without them the box stays.
    image_size : tuple of int
        Width and height (pixels).

    Returns
    -------
    box : np.ndarray, shape (4,)
        Reaches beyond the picture as the face does.
    landmarks : np.ndarray or None, shape (5, 2)
        Corners of the mouth moved down the face, if the chin is cut.
    """
    left, top, right, bottom = _touching(box, image_size)
    if landmarks is None or not (left or top or right or bottom):
        return box, landmarks
    start, size = np.array(box[:2], float), np.array(box[2:], float)
    if top or bottom:
        down = landmarks[_MOUTH_CORNERS].mean(axis=0) - landmarks[_EYES].mean(axis=0)
        length = np.linalg.norm(down)
        apart = np.linalg.norm(np.subtract(*landmarks[_EYES]))
        height = max(size[1], _WHOLE_HEIGHT * length, _FRONTAL_HEIGHT * apart)
        start[1] -= (height - size[1]) * (top / (top + bottom))
        size[1] = height
        if bottom and length > 0:
            landmarks = landmarks.copy()
            landmarks[_MOUTH_CORNERS] += down * (height / _WHOLE_HEIGHT / length - 1)
    if left or right:
        width = max(size[0], _WHOLE_WIDTH * size[1])
        start[0] -= (width - size[0]) * (left / (left + right))
        size[0] = width
    return np.concatenate([start, size]), landmarks


def shares_outside(boxes: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """How much of boxes lies beyond each border of the picture.

    Parameters
    ----------
    boxes : np.ndarray, shape (..., 4)
        Left, top, width, height (pixels).
    image_size : tuple of int
        Width and height (pixels).

    Returns
    -------
    np.ndarray, shape (..., 4)
        Shares of the width beyond the left, of the height beyond the upper, and likewise beyond
        the right and the lower border.
    """
    start, size = boxes[..., :2], boxes[..., 2:]
    before, after = -0.5 - start, start + size - (np.array(image_size) - 0.5)
    beyond = np.concatenate([before, after], axis=-1)
    return np.clip(beyond / np.maximum(np.concatenate([size, size], axis=-1), 1e-9), 0, 1)


def _touching(box: np.ndarray, image_size: tuple[int, int]) -> tuple[bool, bool, bool, bool]:
    """Whether a box ends at the left, upper, right and lower border of the picture, or beyond."""
    near = _TOUCHES * np.asarray(box[2:])
    left, top = box[:2] < near
    right, bottom = box[:2] + box[2:] > np.array(image_size) - 1 - near
    return bool(left), bool(top), bool(right), bool(bottom)
