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

"""How far tracks can be relied on: whose they are, how soon they come, which are nobody's."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.types import to_seconds


def track_quality(matching: Matching) -> dict[str, float]:
    """Score tracks as wholes.

    Returns
    -------
    dict
        purity: share of the matches of a track that are those of the person it stands for most
        (%), mean over all matches; confirm_s: time from somebody's first image in view to the
        first match (s), mean over the people who are ever matched; false_tracks: number of tracks
        that never stand for anybody, in view or by direction.
    """
    people, images, rows = matching.pairs.T
    ids = matching.tracks.id[rows]
    counts = np.zeros((len(np.unique(ids)), people.max(initial=-1) + 1), int)
    np.add.at(counts, (np.unique(ids, return_inverse=True)[1], people), 1)
    return {
        'purity': 100 * counts.max(axis=1, initial=0).sum() / len(ids) if len(ids) else np.nan,
        'confirm_s': _time_to_confirm(matching, people, images),
        'false_tracks': _false_tracks(matching),
    }


def _time_to_confirm(matching: Matching, people: np.ndarray, images: np.ndarray) -> float:
    delays = []
    for person in np.unique(people):
        seen = next(frame.index for frame in matching.frames if person in frame.visible)
        first = int(images[people == person].min())
        stamps = matching.truth.stamps
        delays.append(to_seconds(int(stamps[first] - stamps[seen])))
    return float(np.mean(delays)) if delays else np.nan


def _false_tracks(matching: Matching) -> int:
    reported = {int(matching.tracks.id[row]) for frame in matching.frames for row in frame.rows}
    matched = {int(matching.tracks.id[row]) for rows in matching.anywhere for row in rows.values()}
    return len(reported - matched)
