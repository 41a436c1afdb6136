# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Whether a head can be seen at its place: in the picture, large enough, and not hidden."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import box_centre, visible_box

_TOO_SMALL, _LARGE_ENOUGH = 4.0, 16.0
"""Heights of faces (pixels) that no detector finds, and that all find."""
_CUT_AWAY, _CUT_LITTLE = 0.3, 0.7
"""Shares of a face inside the picture of which none are found, and all."""
_BEHIND = 0.15
"""Who is this much farther off (m) can be hidden."""
_HEAD, _SHOULDERS = 1.0, 1.8
"""Half widths of head and body, in widths of the face."""
_CROWN, _CHIN = 0.5, 1.3
"""Top of the head above, and shoulders below the top of the face, in heights of the face."""
_GLIMPSED = 0.05
"""Chance left to who is hidden: where people stand is not known to the pixel."""


def visibility(position: np.ndarray, camera: Camera, others: Iterable[np.ndarray]) -> float:
    """Chance that a head is to be seen, 0..1.

    Parameters
    ----------
    position : np.ndarray, shape (3,)
        Mouth (m).
    camera : Camera
        In the frame of the position.
    others : iterable of np.ndarray, shape (3,)
        Mouths of the people who may stand before it (m).
    """
    box = visible_box(camera, position)
    if box is None:
        return 0.0
    size = (box[3] - _TOO_SMALL) / (_LARGE_ENOUGH - _TOO_SMALL)
    inside = (_share_inside(box, camera) - _CUT_AWAY) / (_CUT_LITTLE - _CUT_AWAY)
    chance = float(np.clip(size, 0.0, 1.0) * np.clip(inside, 0.0, 1.0))
    distance = np.linalg.norm(position - camera.centre)
    hidden = any(
        np.linalg.norm(other - camera.centre) < distance - _BEHIND
        and _hides(visible_box(camera, other), box_centre(box))
        for other in others
    )
    return _GLIMPSED * chance if hidden else chance


def _share_inside(box: np.ndarray, camera: Camera) -> float:
    """Share of the area of a box that lies in the picture."""
    shown = np.minimum(box[:2] + box[2:], camera.size) - np.maximum(box[:2], 0)
    return float(np.prod(np.clip(shown, 0, None)) / np.prod(box[2:]))


def _hides(box: np.ndarray | None, pixel: np.ndarray) -> bool:
    """Tell whether head or body of the face in a box cover a pixel."""
    if box is None:
        return False
    aside = abs(pixel[0] - box_centre(box)[0]) / box[2]
    below = (pixel[1] - box[1]) / box[3]
    return (aside < _HEAD and below > -_CROWN) or (aside < _SHOULDERS and below > _CHIN)
