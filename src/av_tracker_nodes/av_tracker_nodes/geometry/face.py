# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
