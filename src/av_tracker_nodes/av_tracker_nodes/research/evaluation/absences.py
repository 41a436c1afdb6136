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

"""Whether people who were away keep their ids when they return."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.types import to_nanoseconds

_SHORTEST, _LONGEST = to_nanoseconds(1.0), to_nanoseconds(10.0)
"""What counts as an absence (ns)."""
_PATIENCE = to_nanoseconds(2.0)
"""Who returns must be matched within this (ns)."""
_STEADY = 0.8
"""Who returns is seen for this share of it."""


def absences(matching: Matching, seen: np.ndarray) -> dict[str, float]:
    """Follow ids over the times in which people are not seen.

    Parameters
    ----------
    matching : Matching
    seen : np.ndarray, shape (people, n), bool
        Whether somebody is seen at each image of the recording.

    Returns
    -------
    dict
        absences: how often somebody who had been matched was not seen for 1 s to 10 s and then
        seen for most of 2 s; returns_kept: share of them after which the first match, within these
        2 s, had the id of the last one before (%), NaN without any.
    """
    stamps = matching.truth.stamps
    people, images, rows = matching.pairs.T
    kept = []
    for person, view in enumerate(seen):
        mine = people == person
        when, ids = images[mine], matching.tracks.id[rows[mine]]
        for left, back in _gaps(view):
            away = stamps[back] - stamps[left]
            limit = stamps[back] + _PATIENCE
            before = ids[when < left]
            if not _SHORTEST <= away <= _LONGEST or stamps[-1] < limit or not len(before):
                continue
            if view[(stamps >= stamps[back]) & (stamps <= limit)].mean() < _STEADY:
                continue
            after = ids[(when >= back) & (stamps[when] <= limit)]
            kept.append(len(after) > 0 and after[0] == before[-1])
    return {
        'absences': len(kept),
        'returns_kept': 100 * float(np.mean(kept)) if kept else np.nan,
    }


def _gaps(view: np.ndarray) -> list[tuple[int, int]]:
    """First image of each absence that ends, and first image after it."""
    edges = np.diff(view.astype(int))
    left, back = np.flatnonzero(edges == -1) + 1, np.flatnonzero(edges == 1) + 1
    back = back[back > left[0]] if len(left) else back[:0]
    return list(zip(left.tolist(), back.tolist(), strict=False))
