# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""From a detected face to the mouth and its range."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.head import mouth_pixel
from av_tracker_nodes.types import Face

DETECTOR_FACE_HEIGHT = 0.19
"""Metres of the real face that the height of a YuNet box stands for."""

_MOUTH_CORNERS = slice(3, 5)


def mouth_from_face(face: Face) -> np.ndarray:
    """Pixel of the mouth, shape (2,): between its corners, or from the box without landmarks."""
    if face.landmarks is None:
        return mouth_pixel(face.box)
    return face.landmarks[_MOUTH_CORNERS].mean(axis=0)
