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

"""Who is which track, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import motmetrics
import numpy as np
from scipy.optimize import linear_sum_assignment

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.recordings.tracks_csv import AUDIO_CYCLE, TrackTable
from av_tracker_nodes.research.evaluation.scoring import Scoring
from av_tracker_nodes.research.evaluation.truth import Truth

VOICE_GATE = np.deg2rad(10)


@dataclass(frozen=True)
class Frame:
    """One scored image: truth and tracks.

    Attributes
    ----------
    index : int
        Of the image.
    visible : np.ndarray, shape (m,), int
        Indices of the people in view.
    rows : np.ndarray, shape (k,), int
        Rows of the table that stand for this image.
    boxed : np.ndarray, shape (b,), int
        Those of them with a box whose centre is in the image: the hypotheses in 2-D.
    distance : np.ndarray, shape (m, b)
        Pixels between the points that are compared.
    """

    index: int
    visible: np.ndarray
    rows: np.ndarray
    boxed: np.ndarray
    distance: np.ndarray


class Matching:
    """Correspondence between truth and tracks of a run.

    Attributes
    ----------
    truth : Truth
    tracks : TrackTable
    scoring : Scoring
    true_points : np.ndarray, shape (people, n, 2)
        What is compared, at every image (pixels).
    track_points : np.ndarray, shape (rows, 2)
        The same of every row of the table.
    gate : float
        Pixels.
    frames : list of Frame
        Scored images in order.
    accumulator : motmetrics.MOTAccumulator
        CLEAR matching of the frames: a match lasts as long as it stays within the gate.
    """

    def __init__(self, truth: Truth, tracks: TrackTable, scoring: Scoring | None = None) -> None:
        self.truth = truth
        self.tracks = tracks
        self.scoring = scoring or Scoring()
        self.true_points = self.scoring.points_of_truth(truth)
        self.track_points = self.scoring.points_of_boxes(tracks.box)
        self.gate = self.scoring.gate_share * float(np.hypot(*truth.rig.camera.size))
        self.frames = self._frames()
        self.accumulator = motmetrics.MOTAccumulator()
        for frame in self.frames:
            distance = np.where(frame.distance <= self.gate, frame.distance, np.nan)
            ids = tracks.id[frame.boxed]
            self.accumulator.update(frame.visible, ids, distance, frameid=frame.index)

    @cached_property
    def in_view(self) -> list[dict[int, int]]:
        """Row of the table of each matched person in view, for each of the frames."""
        events = self.accumulator.mot_events
        matches = events[events.Type.isin(['MATCH', 'SWITCH'])]
        pairs: dict[int, dict[int, int]] = {frame.index: {} for frame in self.frames}
        row_of = {
            (frame.index, int(self.tracks.id[row])): int(row)
            for frame in self.frames
            for row in frame.boxed
        }
        numbers = matches.index.get_level_values(0)
        for index, person, track in zip(numbers, matches.OId, matches.HId, strict=True):
            pairs[int(index)][int(person)] = row_of[int(index), int(track)]
        return [pairs[frame.index] for frame in self.frames]

    @cached_property
    def pairs(self) -> np.ndarray:
        """Person, index of the image, and row of every match in view, shape (n, 3)."""
        pairs = [
            (person, frame.index, row)
            for frame, matched in zip(self.frames, self.in_view, strict=True)
            for person, row in matched.items()
        ]
        return np.array(pairs, int).reshape(-1, 3)

    @cached_property
    def out_of_view(self) -> list[dict[int, tuple[int, float]]]:
        """Tracks for people out of view, for each of the frames.

        Row and angle (rad), seen from the arrays, between track and person: the best assignment
        of the tracks that are nobody's in view.
        """
        return [
            self._by_direction(frame, matched)
            for frame, matched in zip(self.frames, self.in_view, strict=True)
        ]

    @cached_property
    def anywhere(self) -> list[dict[int, int]]:
        """Row of each matched person: in view, or out of view within `VOICE_GATE`."""
        return [
            seen | {person: row for person, (row, angle) in heard.items() if angle <= VOICE_GATE}
            for seen, heard in zip(self.in_view, self.out_of_view, strict=True)
        ]

    def annotated_out_of_view(self, frame: Frame) -> np.ndarray:
        """Find the people whose place is known and who are not in the image."""
        known = ~np.isnan(self.truth.mouth[:, frame.index]).any(axis=1)
        return np.flatnonzero(known & ~self.truth.visible[:, frame.index])

    def _frames(self) -> list[Frame]:
        """Join truth and tracks by stamp."""
        truth, tracks = self.truth, self.tracks
        rows = np.flatnonzero(tracks.frame != AUDIO_CYCLE)
        rows = rows[np.isin(tracks.stamp[rows], truth.stamps)]
        if len(rows) == 0 and (tracks.frame != AUDIO_CYCLE).any():
            raise InputError(
                f'no track has the time of an image of {truth.sequence}, camera {truth.camera}: '
                'the run is of another recording'
            )
        rows = rows[np.argsort(tracks.stamp[rows], kind='stable')]
        first = np.searchsorted(tracks.stamp[rows], truth.stamps, 'left')
        last = np.searchsorted(tracks.stamp[rows], truth.stamps, 'right')
        return [
            self._frame(int(index), rows[first[index] : last[index]])
            for index in np.flatnonzero(truth.scored)
        ]

    def _frame(self, index: int, rows: np.ndarray) -> Frame:
        boxed = rows[self.truth.rig.camera.contains(box_centre(self.tracks.box[rows]))]
        visible = np.flatnonzero(self.truth.visible[:, index])
        offset = self.true_points[visible, index][:, None] - self.track_points[boxed][None]
        return Frame(index, visible, rows, boxed, np.linalg.norm(offset, axis=-1))

    def _by_direction(self, frame: Frame, matched: dict[int, int]) -> dict[int, tuple[int, float]]:
        people = self.annotated_out_of_view(frame)
        rows = np.setdiff1d(frame.rows, list(matched.values()))
        rows = rows[~np.isnan(self.tracks.position[rows]).any(axis=1)]
        if not len(people) or not len(rows):
            return {}
        rig = self.truth.rig
        ear = rig.target_from_array @ rig.microphones.centre
        angle = angle_between(
            self.truth.mouth[people, frame.index][:, None] - ear,
            self.tracks.position[rows][None] - ear,
        )
        pairs = zip(*linear_sum_assignment(angle), strict=True)
        return {int(people[p]): (int(rows[r]), float(angle[p, r])) for p, r in pairs}


def angle_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angle (rad) between vectors of shapes that broadcast to (..., 3)."""
    cosine = (first * second).sum(axis=-1) / (
        np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    )
    return np.arccos(np.clip(cosine, -1, 1))
