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

"""Identities of places by the published association alone: no filter, no births to prove."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.association.assignment import greedy
from av_tracker_nodes.association.cost import dual_geometric_cost
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.recordings.tracks_csv import TrackTable

_BETA, _SIGMA = 0.6, 0.5
"""Weight of boxes, and width of distances (m), as published."""


class Linker:
    """Gives each place of an image to a person, by AVCLNet eqs 15-19 and greedy assignment.

    People stay where they were placed last. Places that are left over are new people.

    Parameters
    ----------
    camera : Camera
        In the target frame.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._boxes, self._places = np.empty((0, 4)), np.empty((0, 3))
        self._rows: list[tuple[int, int, int, np.ndarray, np.ndarray]] = []
        self._images = 0

    def link(self, stamp: int, places: np.ndarray) -> list[int]:
        """Take the places (n, 3) (m, target frame) of the next image; returns their ids."""
        boxes = face_box(self._camera, places)
        distance = np.linalg.norm(self._places[:, None] - places[None], axis=-1)
        cost = dual_geometric_cost(self._boxes, boxes, distance, _BETA, _SIGMA)
        people = {place: person for person, place in greedy(cost, np.full(cost.shape, True))}
        for place in range(len(places)):
            if place not in people:
                people[place] = len(self._places)
                self._boxes = np.concatenate([self._boxes, boxes[place][None]])
                self._places = np.concatenate([self._places, places[place][None]])
            self._boxes[people[place]], self._places[people[place]] = boxes[place], places[place]
            row = stamp, self._images, people[place] + 1, boxes[place], places[place]
            self._rows.append(row)
        self._images += 1
        return [people[place] + 1 for place in range(len(places))]

    def table(self) -> TrackTable:
        """Return all places so far."""
        rows = self._rows
        return TrackTable(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], int),
            np.array([row[2] for row in rows], int),
            np.array([row[3] for row in rows]).reshape(-1, 4),
            np.array([row[4] for row in rows]).reshape(-1, 3),
            np.zeros(len(rows)),
            np.ones(len(rows)),
            np.full((len(rows), 3, 3), np.nan),
        )
