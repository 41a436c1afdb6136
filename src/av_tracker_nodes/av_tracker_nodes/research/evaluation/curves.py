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

"""Errors over time, and the receiver operating characteristic of speaking."""

from __future__ import annotations

import numpy as np
from scipy.integrate import trapezoid

from av_tracker_nodes.research.evaluation.image_errors import person_errors
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.types import NANOSECONDS


def error_curve(matching: Matching) -> tuple[np.ndarray, np.ndarray]:
    """Error in the image over time.

    Returns
    -------
    times : np.ndarray, shape (n,)
        Of the scored images with somebody in view, after the first image of the video (s).
    errors : np.ndarray, shape (n,)
        Mean over the people in view (pixels); NaN while nobody has an estimate.
    """
    _, indices, errors = person_errors(matching)
    frames, where = np.unique(indices, return_inverse=True)
    known = ~np.isnan(errors)
    count = np.bincount(where[known], minlength=len(frames))
    total = np.bincount(where[known], errors[known], minlength=len(frames))
    stamps = matching.truth.stamps
    times = (stamps[frames] - stamps[0]) / NANOSECONDS
    return times, np.divide(total, count, out=np.full(len(frames), np.nan), where=count > 0)


def speaking_pairs(matching: Matching) -> tuple[np.ndarray, np.ndarray]:
    """Pair what is said of speaking with the truth, for all annotated people in scored images.

    Returns
    -------
    speaks : np.ndarray, shape (n,), bool
        Empty without labels.
    said : np.ndarray, shape (n,)
        Probability of the track that stands for the person; 0 without one.
    """
    truth, tracks = matching.truth, matching.tracks
    if truth.speaking is None or np.isnan(tracks.speaking).all():
        return np.zeros(0, bool), np.zeros(0)
    known = ~np.isnan(truth.mouth).any(axis=-1)
    pairs = [
        (
            truth.speaking[person, frame.index],
            tracks.speaking[matched[person]] if person in matched else 0.0,
        )
        for frame, matched in zip(matching.frames, matching.anywhere, strict=True)
        for person in np.flatnonzero(known[:, frame.index])
    ]
    speaks, said = np.array(pairs, float).reshape(-1, 2).T
    return speaks > 0, said


def roc(speaks: np.ndarray, said: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Receiver operating characteristic.

    Parameters
    ----------
    speaks : np.ndarray, shape (n,), bool
    said : np.ndarray, shape (n,)

    Returns
    -------
    false, true : np.ndarray, shape (m,)
        Shares of the silent and of the speaking that are said to speak, by falling threshold.
    area : float
        Under the curve; NaN unless both kinds occur.
    """
    if speaks.all() or not speaks.any():
        return np.zeros(0), np.zeros(0), float('nan')
    order = np.argsort(-said, kind='stable')
    last_of_equals = np.append(np.diff(said[order]) != 0, True)
    true = np.cumsum(speaks[order])[last_of_equals]
    false = np.cumsum(~speaks[order])[last_of_equals]
    false, true = np.append(0, false / false[-1]), np.append(0, true / true[-1])
    return false, true, float(trapezoid(true, false))
