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

"""Numbers of messages that somebody can have meant.

A number that is not finite, or absurd, would go on from node to node and stay in their memories
for ever. What has one is left out where messages are read and written; what is beside it in the
same message is not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.types import AcousticPeak, Detection, Face, FaceSound, Track

LARGEST = 1e6
"""Metres, pixels, and whatever else tells of people in a room are far below."""
MOST_PARTS = 256
"""Faces, sounds, detections or tracks of a message: many more than people in a room."""
LARGEST_MAP = 1 << 20
"""Pixels: maps have thousands."""
_UNIT = 0.01
_LEAST_VARIANCE = 1e-12
"""Nobody knows the position of a mouth to a micrometre (m^2)."""
_SMALLEST_FACE = 1.0
"""Pixels: the range of anything smaller is as good as infinite."""

Part = TypeVar('Part')
Result = TypeVar('Result')

LeaveOut = Callable[[str], None]
"""Is told why a part of a message is left out."""


def usable(
    parts: Collection[Part], take: Callable[[Part], Result], leave_out: LeaveOut | None = None
) -> tuple[Result, ...]:
    """Take all parts of a message that can be used: a bad one does not cost the others.

    Parameters
    ----------
    parts : collection
    take : callable
        Makes something of a part, or refuses it.
    leave_out : callable, optional
        Is told the reason for each that is refused; without it the message is refused.

    Raises
    ------
    InputError
        A part is refused, and there is no `leave_out`; or there are more than `MOST_PARTS`.
    """
    if len(parts) > MOST_PARTS:
        raise InputError(f'a message with {len(parts)} parts of a kind, {MOST_PARTS} at most')
    taken = []
    for part in parts:
        try:
            taken.append(take(part))
        except InputError as error:
            if leave_out is None:
                raise
            leave_out(str(error))
    return tuple(taken)


def check_numbers(what: str, *values: object) -> None:
    """Refuse numbers that are not finite or absurd.

    Parameters
    ----------
    what : str
        Has the numbers.
    *values : float or array_like

    Raises
    ------
    InputError
        One of them is.
    """
    for value in values:
        # NaN compares false.
        if not (np.abs(value) <= LARGEST).all():
            raise InputError(f'{what} has numbers that are not finite, or above {LARGEST:.0e}')


def check_box(what: str, box: np.ndarray, least: float = 0.0) -> None:
    """Refuse a box (left, top, width, height) with a side of `least` pixels or less.

    Raises
    ------
    InputError
        It has one, or absurd numbers.
    """
    check_numbers(what, box)
    if not (box[2:] > least).all():
        raise InputError(f'{what} has a box of {box[2]:g} x {box[3]:g} pixels')


def check_embedding(what: str, embedding: object) -> None:
    """Refuse an embedding that is not of unit length; it may be empty.

    Raises
    ------
    InputError
        It is not.
    """
    check_numbers(what, embedding)
    length = float(np.linalg.norm(embedding)) if len(embedding) else 1.0
    if not abs(length - 1) < _UNIT:
        raise InputError(f'{what} has an embedding of length {length:g} instead of 1')


def check_covariance(what: str, covariance: np.ndarray) -> None:
    """Refuse what is no covariance matrix.

    Raises
    ------
    InputError
        It has absurd numbers, is not symmetric, or has negative eigenvalues.
    """
    check_numbers(what, covariance)
    smallest, *_, largest = np.linalg.eigvalsh(covariance)
    tolerance = 1e-6 * max(largest, 1e-9)
    if smallest < -tolerance or np.abs(covariance - covariance.T).max() > tolerance:
        raise InputError(f'{what} has a covariance that is none')


def checked_face(face: Face) -> Face:
    """Return a face.

    Raises
    ------
    InputError
        It has a box of no size, or absurd numbers.
    """
    name = f'the face of tracklet {face.tracklet}'
    check_box(name, face.box, _SMALLEST_FACE)
    check_numbers(name, face.score, *([] if face.landmarks is None else [face.landmarks]))
    if not np.isnan(face.lips):
        check_numbers(name, face.lips)
    if face.embedding is not None:
        check_embedding(name, face.embedding)
    return face


def checked_peak(peak: AcousticPeak) -> AcousticPeak:
    """Return a peak of an acoustic map.

    Raises
    ------
    InputError
        It has absurd numbers, no covariance, or no score.
    """
    name = 'a peak of an acoustic map'
    check_numbers(name, peak.position, peak.direction, peak.score, peak.speech)
    check_covariance(name, peak.covariance)
    if peak.score <= 0:
        raise InputError(f'{name} has a score of {peak.score:g}')
    return peak


def checked_face_sound(sound: FaceSound) -> FaceSound:
    """Return the sound of a face.

    Raises
    ------
    InputError
        It has absurd numbers, or no range.
    """
    numbers = (sound.peak, sound.mean, sound.range, sound.range_std, sound.speech)
    check_numbers('the sound of a face', sound.position, sound.values, *numbers)
    if not (sound.range > 0 and sound.range_std > 0):
        told = f'{sound.range:g} m, with a deviation of {sound.range_std:g} m'
        raise InputError(f'the sound of a face has a range of {told}')
    return sound


def checked_detection(detection: Detection) -> Detection:
    """Return a detection.

    Raises
    ------
    InputError
        It has absurd numbers, a box of no size, or a covariance by which nothing can be weighed,
        such as zeros for unknown.
    """
    name = 'a detection'
    numbers = (detection.size_gain, detection.quality, detection.speaking, detection.delay)
    check_numbers(name, detection.position, *numbers)
    if detection.embedding is not None:
        check_embedding(name, detection.embedding)
    check_covariance(name, detection.covariance)
    if np.linalg.eigvalsh(detection.covariance)[0] < _LEAST_VARIANCE:
        raise InputError(
            f'{name} has a covariance that is not positive definite: say how uncertain its '
            'position is in every direction'
        )
    if detection.box is not None:
        check_box(name, detection.box)
    return detection


def checked_track(track: Track) -> Track:
    """Return a track.

    Raises
    ------
    InputError
        It has absurd numbers, a box of no size, or no covariance.
    """
    name = f'track {track.id}'
    check_numbers(name, track.position, track.velocity, track.speaking, track.existence)
    check_covariance(name, track.covariance)
    if track.box is not None:
        check_box(name, track.box)
    return track
