# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Whom the candidates of an image stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from av_tracker_nodes.fusion.candidates import Candidate, Kind
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.research.training.clips import PeopleTruth

NOBODY = -1

SEEN = 0.4
"""A head of which a greater share is not hidden counts as seen."""

_REACH = {Kind.FACE: 1.0, Kind.MEMORY: 1.0, Kind.VOICE: 3.0}
"""A candidate stands for somebody within this distance across (face heights)."""
_LONGEST_RANGE_ERROR = 0.7


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
    return rig.camera.contains(np.nan_to_num(people.pixel, nan=-1.0))


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
        See `SightFrame`.
    """
    sight = SightFrame.towards(rig.camera, candidate.base.position)
    best, nearest, offset = NOBODY, _REACH[candidate.kind], np.zeros(3)
    for person, place in enumerate(places):
        towards = sight.offset(place)
        across = float(np.hypot(*towards[:2]))
        if across < nearest and abs(towards[2]) < _LONGEST_RANGE_ERROR:
            best, nearest, offset = person, across, towards
    return best, offset


def faces_of_people(
    candidates: Sequence[Candidate], places: np.ndarray, rig: Rig
) -> dict[int, Candidate]:
    """Name the face of each person; `NOBODY` has those that are none."""
    return {
        truth_of(candidate, places, rig)[0]: candidate
        for candidate in candidates
        if candidate.kind == Kind.FACE
    }
