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

"""Scores of multi-object tracking, computed by the libraries of that field."""

from __future__ import annotations

import contextlib
import io

import motmetrics
import numpy as np

from av_tracker_nodes.research.evaluation.matching import Matching

with contextlib.redirect_stdout(io.StringIO()):  # it prints which of its optional parts it lacks
    from trackeval.metrics import HOTA

_CLEAR = 'mota', 'motp', 'num_switches', 'num_false_positives', 'num_misses', 'idf1', 'num_objects'


def clear_scores(matching: Matching) -> dict[str, float]:
    """CLEAR and identity scores by motmetrics.

    Returns
    -------
    dict
        mota, idf1 (%), motp_px (mean distance of the matches), ids, fp, fn, objects (number of
        persons in view, summed over the frames).
    """
    scores = motmetrics.metrics.create().compute(matching.accumulator, metrics=list(_CLEAR))
    scores = scores.iloc[0]
    return {
        'mota': 100 * float(scores.mota),
        'idf1': 100 * float(scores.idf1),
        'motp_px': float(scores.motp),
        'ids': int(scores.num_switches),
        'fp': int(scores.num_false_positives),
        'fn': int(scores.num_misses),
        'objects': int(scores.num_objects),
    }


def hota_score(matching: Matching) -> float:
    """HOTA (%) by trackeval, averaged over its thresholds.

    The similarity falls from 1 at no distance to 0.5 at the gate and 0 at twice the gate.
    """
    return 100 * float(np.mean(HOTA().eval_sequence(trackeval_data(matching))['HOTA']))


def trackeval_data(matching: Matching) -> dict:
    """Put truth and tracks into the form that the metrics of trackeval take."""
    people = np.unique(np.concatenate([[], *(frame.visible for frame in matching.frames)]))
    ids = matching.tracks.id
    known = np.unique(np.concatenate([[], *(ids[frame.boxed] for frame in matching.frames)]))
    truth_ids = [np.searchsorted(people, frame.visible) for frame in matching.frames]
    track_ids = [np.searchsorted(known, ids[frame.boxed]) for frame in matching.frames]
    return {
        'num_timesteps': len(matching.frames),
        'num_gt_ids': len(people),
        'num_tracker_ids': len(known),
        'num_gt_dets': sum(map(len, truth_ids)),
        'num_tracker_dets': sum(map(len, track_ids)),
        'gt_ids': truth_ids,
        'tracker_ids': track_ids,
        'similarity_scores': [
            np.clip(1 - frame.distance / (2 * matching.gate), 0, 1) for frame in matching.frames
        ],
    }
