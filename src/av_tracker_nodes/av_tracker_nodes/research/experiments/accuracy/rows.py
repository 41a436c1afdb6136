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

"""Measurements boiled down to rows of figures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from av_tracker_nodes.research.evaluation.statistics import interval_of
from av_tracker_nodes.research.experiments.accuracy.listeners import METHODS
from av_tracker_nodes.research.experiments.accuracy.map_tracking import MEASURES, SCORES
from av_tracker_nodes.research.experiments.accuracy.plan import RecordingTask, RoomTask
from av_tracker_nodes.research.experiments.accuracy.rooms import Condition

DETECTED = np.radians(10.0)
"""A voice counts as detected when the direction matched to it is at most this far off."""

PUBLISHED = {
    'vwswe': {'mae_px': 34.34, 'mota': 62.73, 'motp_px': 9.77},
    'vggcf': {'mae_px': 41.35, 'mota': 56.54, 'motp_px': 9.85},
    'stgcf': {'mae_px': 61.21, 'mota': 46.78, 'motp_px': 13.53},
}
"""AVCLNet, Table 4, on AV16.3."""

_FEWEST_SCENES = 8
"""Fewer scenes give no interval."""

_RESAMPLES = 5000

Row = dict[str, object]
RoomResult = tuple[RoomTask, dict[str, np.ndarray]]
RecordingResult = tuple[RecordingTask, dict[str, dict[str, float]]]


def direction_rows(results: list[RoomResult]) -> list[Row]:
    """Figures of direction: of each condition, of each room acoustics, of each cast, of all.

    Returns
    -------
    list of dict
        rt60_s, snr_db, motion and voices, None where all are taken together; method; median_deg
        and p90_deg over all voices in all scored images (what was not found counts as 180
        degrees); detection_rate with its 95 % interval over scenes; directions and scenes: how
        many there were. Figures are None for a method that is not installed.
    """
    ordinary = [result for result in results if result[0].condition.weaker_db is None]
    groupings: list[Callable[[Condition], tuple]] = [
        lambda c: (c.rt60, c.snr_db, c.moving, c.voices),
        lambda c: (c.rt60, c.snr_db, None, None),
        lambda c: (None, None, c.moving, c.voices),
        lambda c: (None, None, None, None),
    ]
    rows = []
    for grouping in groupings:
        for key in dict.fromkeys(grouping(task.condition) for task, _ in ordinary):
            chosen = [errors for task, errors in ordinary if grouping(task.condition) == key]
            rt60, snr, moving, voices = key
            motion = {None: None, False: 'static', True: 'moving'}[moving]
            labels = {'rt60_s': rt60, 'snr_db': snr, 'motion': motion, 'voices': voices}
            rows += [
                {'table': 'direction', **labels, 'method': method, **_figures(chosen, method)}
                for method in METHODS
            ]
    return rows


def weaker_rows(results: list[RoomResult]) -> list[Row]:
    """Figures of the weaker of two voices, by its level; see :func:`direction_rows`."""
    weaker = [result for result in results if result[0].condition.weaker_db is not None]
    rows = []
    for level in dict.fromkeys(task.condition.weaker_db for task, _ in weaker):
        chosen = [
            {method: errors[:, 1:] for method, errors in found.items()}
            for task, found in weaker
            if task.condition.weaker_db == level
        ]
        rows += [
            {
                'table': 'weaker voice',
                'level_db': level,
                'method': method,
                **_figures(chosen, method),
            }
            for method in METHODS
        ]
    return rows


def image_rows(results: list[RecordingResult]) -> list[Row]:
    """Scores in the image: of each recording, their plain means, and how measures differ.

    A difference is the mean over recordings with a paired bootstrap interval of 95 %;
    as_published tells whether it has the sign of the published one, significant whether the
    interval leaves zero out.
    """
    rows: list[Row] = []
    for task, scores in results:
        labels = {'scenario': task.scenario, 'seed': task.seed, 'camera': task.camera}
        rows += [
            {'table': 'image of a recording', **labels, 'measure': m, **scores[m]}
            for m in MEASURES
        ]
    for measure in MEASURES:
        means = {name: float(np.mean(_of(results, measure, name))) for name in SCORES}
        published = {f'published_{name}': value for name, value in PUBLISHED[measure].items()}
        counts = {
            name: int(sum(_of(results, measure, name)))
            for name in ('images', 'images_without_face')
        }
        labels = {'table': 'image', 'measure': measure, 'recordings': len(results)}
        rows.append(labels | means | published | counts)
    for first, second in combinations(MEASURES, 2):
        rows += [_difference(results, first, second, name) for name in SCORES]
    return rows


def _figures(scenes: list[dict[str, np.ndarray]], method: str) -> Row:
    found = [errors[method] for errors in scenes if method in errors]
    angles = np.concatenate([errors.ravel() for errors in found]) if found else np.empty(0)
    counts = {'directions': angles.size, 'scenes': len(found)}
    names = 'median_deg', 'p90_deg', 'detection_rate', 'detection_low', 'detection_high'
    if not angles.size:
        return dict.fromkeys(names) | counts
    median, p90 = np.degrees(np.percentile(angles, (50, 90)))
    hits = np.array([np.sum(errors <= DETECTED) for errors in found])
    voices = np.array([errors.size for errors in found])
    rate = float(hits.sum() / voices.sum())
    low, high = _interval(hits, lambda drawn: hits[drawn].sum(-1) / voices[drawn].sum(-1))
    figures = zip(names, (float(median), float(p90), rate, low, high), strict=True)
    return dict(figures) | counts


def _difference(results: list[RecordingResult], first: str, second: str, name: str) -> Row:
    differences = _of(results, first, name) - _of(results, second, name)
    difference = float(np.mean(differences))
    published = PUBLISHED[first][name] - PUBLISHED[second][name]
    low, high = _interval(differences, lambda drawn: differences[drawn].mean(-1))
    return {
        'table': 'image difference',
        'measure': first,
        'than': second,
        'score': name,
        'difference': difference,
        'low': low,
        'high': high,
        'published_difference': round(published, 2),
        'as_published': bool(np.sign(difference) == np.sign(published)),
        'significant': None if low is None else bool(low > 0 or high < 0),
    }


def _of(results: list[RecordingResult], measure: str, name: str) -> np.ndarray:
    return np.array([scores[measure][name] for _, scores in results], float)


def _interval(
    scenes: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]
) -> tuple[float | None, float | None]:
    """Interval over scenes, None of too few; see `interval_of`."""
    low, high = interval_of(len(scenes), statistic, _RESAMPLES, _FEWEST_SCENES, 'linear')
    return (None, None) if np.isnan(low) else (low, high)
