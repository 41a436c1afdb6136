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

"""Square pieces of an image around a face."""

from __future__ import annotations

import cv2
import numpy as np

from av_tracker_nodes.geometry.head import box_centre


def square_crop(image: np.ndarray, centre: np.ndarray, side: float, size: int) -> np.ndarray:
    """Cut a square out of an image and bring it to a fixed size.

    What lies outside the image repeats its border.

    Parameters
    ----------
    image : np.ndarray, shape (height, width, 3), uint8
    centre : np.ndarray, shape (2,)
        Pixel.
    side : float
        Side of the square (pixels of `image`), rounded to whole pixels.
    size : int
        Side of the result (pixels).

    Returns
    -------
    np.ndarray, shape (size, size, 3), uint8
    """
    whole = max(round(side), 1)
    patch = cv2.getRectSubPix(image, (whole, whole), (float(centre[0]), float(centre[1])))
    method = cv2.INTER_AREA if whole > size else cv2.INTER_LINEAR
    return cv2.resize(patch, (size, size), interpolation=method)


def face_crop(image: np.ndarray, box: np.ndarray, size: int, context: float = 1.5) -> np.ndarray:
    """Cut out a face with its surroundings.

    Parameters
    ----------
    image : np.ndarray, shape (height, width, 3), uint8
    box : np.ndarray, shape (4,)
        Left, top, width, height (pixels).
    size : int
        Side of the result (pixels).
    context : float
        Side of the crop relative to the longer side of the box.

    Returns
    -------
    np.ndarray, shape (size, size, 3), uint8
    """
    return square_crop(image, box_centre(box), context * max(box[2], box[3]), size)
