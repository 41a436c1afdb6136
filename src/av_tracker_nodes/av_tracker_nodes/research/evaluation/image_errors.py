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

"""Errors of tracks in the image."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.evaluation.matching import Frame, Matching
from av_tracker_nodes.research.evaluation.statistics import mean


def image_errors(matching: Matching) -> dict[str, float]:
    """Errors of the centre of the face, or of the mouth; see `person_errors`.

    Before a person is found at all there is no estimate: those frames are left out of the mean,
    and `mae_share` tells how many remain.

    Returns
    -------
    dict
        mae_px; mae_share; mae_star_px: the mean over successes, which are errors of at most half
        the diagonal of the true box, or another share of it that the scoring says; acc: share of
        successes among all (%).
    """
    people, indices, errors = person_errors(matching)
    box = matching.truth.box[people, indices]
    success = errors <= np.hypot(box[:, 2], box[:, 3]) * matching.scoring.success_share
    return {
        'mae_px': mean(errors[~np.isnan(errors)]),
        'mae_share': mean(~np.isnan(errors)),
        'mae_star_px': mean(errors[success]),
        'acc': 100 * mean(success),
    }


def person_errors(matching: Matching) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Error of every person in view in every scored frame (AVCLNet eq 20).

    It is the distance

    * to the track matched to the person; else
    * to the nearest track that is nobody else's, however far; else
    * to where the track last matched to the person was.

    Returns
    -------
    people, indices : np.ndarray, shape (n,), int
        Person and image.
    errors : np.ndarray, shape (n,)
        Pixels; NaN without an estimate.
    """
    last: dict[int, np.ndarray] = {}
    errors = [
        _frame_errors(matching, frame, matched, last)
        for frame, matched in zip(matching.frames, matching.in_view, strict=True)
    ]
    people = [frame.visible for frame in matching.frames]
    indices = [np.full(len(frame.visible), frame.index) for frame in matching.frames]
    return (
        np.concatenate([np.zeros(0, int), *people]),
        np.concatenate([np.zeros(0, int), *indices]),
        np.concatenate([np.zeros(0), *errors]),
    )


def _frame_errors(
    matching: Matching, frame: Frame, matched: dict[int, int], last: dict[int, np.ndarray]
) -> list[float]:
    """Error (px) of each person in view, NaN without an estimate; keeps `last` up to date."""
    free = [row for row in frame.boxed if row not in matched.values()]
    points = matching.track_points
    errors = []
    for person in frame.visible:
        true = matching.true_points[person, frame.index]
        if person in matched:
            last[person] = points[matched[person]]
            errors.append(np.linalg.norm(last[person] - true))
        elif free:
            errors.append(np.linalg.norm(points[free] - true, axis=1).min())
        else:
            errors.append(np.linalg.norm(last.get(person, np.full(2, np.nan)) - true))
    return errors
