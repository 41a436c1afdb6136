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

"""Scores of a run against the truth.

In 2-D the centre of a track's face box is compared with that of the truth, unless a protocol
compares mouths; tracks without a box in the image are no hypotheses there. Matches are those of
CLEAR, at most 1/15 of the diagonal of the image long.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.recordings.tracks_csv import read_run, read_tracks
from av_tracker_nodes.research.evaluation.image_errors import image_errors
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.mot_scores import clear_scores, hota_score
from av_tracker_nodes.research.evaluation.position_errors import position_errors
from av_tracker_nodes.research.evaluation.scoring import Scoring
from av_tracker_nodes.research.evaluation.speech_scores import (
    face_away_recall,
    speaking_scores,
    voice_scores,
)
from av_tracker_nodes.research.evaluation.track_quality import track_quality
from av_tracker_nodes.research.evaluation.truth import read_truth

_logger = logging.getLogger(__name__)

METRICS = 'metrics.json'

_RUN_KEYS = (
    'model',
    'mode',
    'complete',
    'frames_in',
    'frames_answered',
    'lost_frames',
    'seconds',
    'realtime_factor',
    'latency_ms',
)


def evaluate(
    run_dir: str | Path,
    seq_dir: str | Path,
    camera: int,
    protocol: str | None = 'stnet',
    scoring: Scoring | None = None,
) -> dict:
    """Score a run and write ``metrics.json`` into its folder.

    A run that is not complete is scored with a warning.

    Parameters
    ----------
    run_dir : str or Path
        Folder with ``tracks.csv``.
    seq_dir : str or Path
        Folder of the sequence.
    camera : int
        1, 2 or 3 of AV16.3, 5 of CAV3D.
    protocol : str or None
        See :func:`~av_tracker_nodes.research.evaluation.truth.read_truth`.
    scoring : Scoring, optional

    Returns
    -------
    dict
        What ``metrics.json`` says; None where something cannot be told.

    Raises
    ------
    InputError
        When a file is missing or malformed, or the run is of another recording.
    """
    truth = read_truth(seq_dir, camera, protocol)
    run = read_run(run_dir)
    if run.get('complete') is False:
        _logger.warning('%s is not complete: %s', run_dir, _what_is_missing(run))
    metrics = score(Matching(truth, read_tracks(run_dir), scoring), run)
    write_json(Path(run_dir) / METRICS, metrics)
    return metrics


def score(matching: Matching, run: Mapping) -> dict:
    """Score a run.

    Parameters
    ----------
    matching : Matching
    run : mapping
        What ``run.json`` says.

    Returns
    -------
    dict
        What ``metrics.json`` says; None where something cannot be told.

    Raises
    ------
    InputError
        When a score is infinite: there was nobody to be found.
    """
    truth = matching.truth
    metrics = {
        'sequence': truth.sequence,
        'camera': truth.camera,
        'simulated': truth.simulated,
        'frames_scored': len(matching.frames),
        'gate_px': matching.gate,
        **clear_scores(matching),
        'hota': hota_score(matching),
        **track_quality(matching),
        **image_errors(matching),
        **position_errors(matching),
        **speaking_scores(matching),
        **voice_scores(matching),
        'face_away_recall': face_away_recall(matching),
        **{key: run.get(key) for key in _RUN_KEYS},
    }
    for key, value in metrics.items():
        if isinstance(value, float) and math.isinf(value):
            raise InputError(
                f'{truth.sequence}, camera {truth.camera}: {key} is infinite: nobody whom the '
                'truth tells of is in view of this camera, or its calibration is of another one'
            )
    return {key: _rounded(value) for key, value in metrics.items()}


def _what_is_missing(run: Mapping) -> str:
    problems = run.get('problems')
    told = problems if isinstance(problems, list) else []
    return '; '.join(map(str, told)) or 'it was cut short'


def _rounded(value: object) -> object:
    """Round to what is worth reading; JSON has no NaN, so that becomes None."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(value, 4)
