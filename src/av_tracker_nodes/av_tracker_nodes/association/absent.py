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

"""People who left and may come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.association.cost import appearance_cost
from av_tracker_nodes.types import to_seconds

ALIKE = 0.36
"""Most that the looks of one person differ by after an absence (cosine distance). On validation
people (identities 1000 to 1059) before any camera, 95 % of one and 15 % of two differ by less."""
_REACH_AT_ONCE, _REACH_PER_SECOND, _LONGEST_REACH = 0.4, 0.8, 2.0
"""How far (m) a person can have gone while nobody saw or heard them."""


@dataclass(frozen=True, eq=False)
class AbsentPerson:
    """A confirmed person who is not tracked now.

    Attributes
    ----------
    id : int
    born : int
        Stamp of the first detection (ns).
    place : np.ndarray, shape (3,)
        Where they were last seen or heard (m, target frame).
    last_evidence : int
        When that was (ns).
    embedding : np.ndarray, shape (n,), or None
        Their looks, of unit length.
    """

    id: int
    born: int
    place: np.ndarray
    last_evidence: int
    embedding: np.ndarray | None = None

    def distance(self, position: np.ndarray) -> float:
        """How far a position is from where they were (m)."""
        return float(np.linalg.norm(self.place - position))

    def reach(self, stamp: int) -> float:
        """How far they can have gone until a stamp (m)."""
        away = max(to_seconds(stamp - self.last_evidence), 0.0)
        return min(_REACH_AT_ONCE + _REACH_PER_SECOND * away, _LONGEST_REACH)

    def difference(self, embedding: np.ndarray | None) -> float:
        """How much other looks differ from theirs (cosine distance)."""
        return float(appearance_cost([self.embedding], [embedding])[0, 0])


def recognised(
    absent: list[AbsentPerson], position: np.ndarray, embedding: np.ndarray | None, stamp: int
) -> AbsentPerson | None:
    """Match a newcomer with the absent people: by likeness, then by distance.

    Parameters
    ----------
    absent : list of AbsentPerson
    position : np.ndarray, shape (3,)
        Of the newcomer (m, target frame).
    embedding : np.ndarray, shape (n,), or None
        Looks of the newcomer.
    stamp : int
        Now (ns).
    """
    candidates = [
        person
        for person in absent
        if person.distance(position) <= person.reach(stamp)
        and person.difference(embedding) <= ALIKE
    ]
    return min(
        candidates,
        key=lambda person: (person.difference(embedding), person.distance(position)),
        default=None,
    )
