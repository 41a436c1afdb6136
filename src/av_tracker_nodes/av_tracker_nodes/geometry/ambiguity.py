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

"""Directions that an array cannot tell apart because of its shape."""

from __future__ import annotations

import numpy as np

_FLAT = 0.1
"""Arrays this thin relative to their length (ratio of singular values) count as flat."""
_ALIGNED = 0.95
"""Cosine from which on an axis counts as one of the frame."""

_IN_AN_ARRAY = (
    ('along its x axis', 'along its y axis', 'along its z axis'),
    ('the y-z plane', 'the x-z plane', 'the x-y plane'),
    ('', '', ''),
    ('', '', ''),
)
_AMONG_PEOPLE = (
    ('from back to front', 'from right to left', 'upright'),
    ('across the line of view', 'upright, from back to front', 'level'),
    (
        'above and below, left and right sound alike',
        'front and back, above and below sound alike',
        'everything at the same height around it sounds alike',
    ),
    (
        'front and back sound alike',
        'left and right sound alike',
        'above and below sound alike',
    ),
)


def ambiguity(positions: np.ndarray, among_people: bool = False) -> str:
    """Say which directions sound alike to microphones; empty where none do.

    Microphones in a plane hear a voice and its mirror image behind the plane alike, and
    microphones on a line everything that is at the same angle to the line.

    Parameters
    ----------
    positions : np.ndarray, shape (microphones, 3)
        Metres.
    among_people : bool
        Whether the frame of the positions has x forward and z up, so that front, back, above and
        below can be named.
    """
    lines, planes, on_cone, mirrored = _AMONG_PEOPLE if among_people else _IN_AN_ARRAY
    offsets = positions - positions.mean(axis=0)
    if not offsets.any():
        return 'a single microphone hears no direction'
    _, extents, axes = np.linalg.svd(offsets)
    extents = np.append(extents, np.zeros(3 - len(extents)))
    if extents[1] < _FLAT * extents[0]:
        return _told(
            'the microphones are on a line', axes[0], lines,
            'they hear the angle to that line, a cone of directions', on_cone,
        )  # fmt: skip
    if extents[2] < _FLAT * extents[0]:
        return _told(
            'the microphones are in a plane', axes[2], planes,
            'they hear a direction and its mirror image behind the plane alike', mirrored,
        )  # fmt: skip
    return ''


def _told(
    place: str,
    axis: np.ndarray,
    names: tuple[str, str, str],
    effect: str,
    consequences: tuple[str, str, str],
) -> str:
    """Put a sentence together, with names where the axis is one of the frame."""
    nearest = int(np.abs(axis).argmax())
    if abs(axis[nearest]) < _ALIGNED:
        return f'{place}: {effect}'
    sentence = f'{place} ({names[nearest]}): {effect}'
    return f'{sentence}; {consequences[nearest]}' if consequences[nearest] else sentence
