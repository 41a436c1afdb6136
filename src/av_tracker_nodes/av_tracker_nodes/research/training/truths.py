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

"""Whom the candidates of an image stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, Kind
from av_tracker_nodes.fusion.ranges import as_far_as
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.research.training.clips import PeopleTruth

NOBODY = -1

SEEN = 0.4
"""A head of which a greater share is not hidden counts as seen."""

_REACH = {Kind.FACE: (1.0, 0.5), Kind.MEMORY: (0.8, 0.35), Kind.VOICE: (3.0, 0.7)}
"""A candidate stands for somebody within this distance across (face heights) and along (log
range): a head of that size is there, not an ear."""
_DEVIATIONS = 3.0
"""A voice does too within so many deviations of its range."""


def true_positions(people: PeopleTruth, rig: Rig) -> np.ndarray:
    """Where the mouths are: along the rays on which the picture shows them, if it does.

    Returns
    -------
    np.ndarray, shape (people, 3)
        Metres, target frame.
    """
    places, pictured = people.mouth.copy(), is_pictured(people, rig)
    centre = rig.camera.centre
    ranges = np.linalg.norm(people.mouth[pictured] - centre, axis=1, keepdims=True)
    places[pictured] = centre + ranges * rig.camera.rays(people.pixel[pictured])
    return places


def is_pictured(people: PeopleTruth, rig: Rig) -> np.ndarray:
    """Tell whose mouths lie in the picture, shape (people,), hidden or not."""
    return rig.camera.contains(people.pixel)


def truth_of(candidate: Candidate, places: np.ndarray, rig: Rig) -> tuple[int, np.ndarray]:
    """Tell whom a candidate stands for, and the offset to that person.

    Parameters
    ----------
    candidate : Candidate
    places : np.ndarray, shape (people, 3)
        See `true_positions`.
    rig : Rig

    Returns
    -------
    int
        Row of the person; `NOBODY` for none.
    np.ndarray, shape (3,)
        See `SightFrame`; NaN where the person is so far from the candidate that a picture of it
        does not show them, as with voices whose range is not known.
    """
    best, nearest = NOBODY, 1.0
    for person, place in enumerate(places):
        miss = _miss(candidate, place, rig)
        if miss < nearest:
            best, nearest = person, miss
    if best == NOBODY:
        return NOBODY, np.zeros(3)
    offset = SightFrame.towards(rig.camera, candidate.base.position).offset(places[best])
    across, along = _REACH[Kind.VOICE]
    pictured = np.hypot(*offset[:2]) < across and abs(offset[2]) < along
    return best, offset if pictured else np.full(3, np.nan)


def _miss(candidate: Candidate, place: np.ndarray, rig: Rig) -> float:
    """How far a candidate is from a person; from 1 on it does not stand for them.

    Microphones close together hear a direction and hardly a range: a voice counts across the line
    of sight where it would be at the range of the person.
    """
    base, (across, along) = candidate.base, _REACH[candidate.kind]
    sight = SightFrame.towards(rig.camera, place)
    position = base.position
    if candidate.kind == Kind.VOICE:
        spread = SightFrame.towards(rig.camera, position).deviations(base.covariance)[1]
        along = max(along, _DEVIATIONS * float(spread))
        right, down, _ = sight.offset(as_far_as(base, place, rig.camera))
        ahead = sight.offset(position)[2]
    else:
        right, down, ahead = sight.offset(position)
    miss = float(np.hypot(right, down)) / across
    return miss if abs(ahead) < along else np.inf


def faces_of_people(
    candidates: Sequence[Candidate], places: np.ndarray, rig: Rig
) -> dict[int, Candidate]:
    """Name the face of each person; `NOBODY` has those that are none."""
    return {
        truth_of(candidate, places, rig)[0]: candidate
        for candidate in candidates
        if candidate.kind == Kind.FACE
    }
