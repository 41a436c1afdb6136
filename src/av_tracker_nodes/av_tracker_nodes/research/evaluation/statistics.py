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

"""Averages that know when there is nothing to average."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

_RESAMPLES = 2000
_CONFIDENCE = 0.95


def mean(values: np.ndarray) -> float:
    """Arithmetic mean; NaN of nothing."""
    return float(np.mean(values)) if np.size(values) else float('nan')


def median(values: np.ndarray) -> float:
    """Middle value; NaN of nothing."""
    return float(np.median(values)) if np.size(values) else float('nan')


def ratio(part: float, whole: float) -> float:
    """Quotient; NaN of nothing."""
    return part / whole if whole else float('nan')


def summed_ratio(scenes: Sequence, part: str, whole: str) -> float:
    """Quotient of two attributes, each summed over scenes; NaN of nothing."""
    return ratio(*(sum(getattr(scene, name) for scene in scenes) for name in (part, whole)))


def written(value: float) -> float | None:
    """Round a figure for JSON, which has no infinity: None where it is not finite."""
    return round(float(value), 4) if np.isfinite(value) else None


def interval_over(scenes: Sequence, statistic: Callable[[list], float]) -> tuple[float, float]:
    """Bootstrap a percentile interval of 95 % over scenes.

    Parameters
    ----------
    scenes : sequence
    statistic : callable
        Of a list of scenes, in which some may be there more than once.

    Returns
    -------
    low, high : float
        NaN of fewer than two scenes.
    """

    def over_each(drawn: np.ndarray) -> np.ndarray:
        return np.array([statistic([scenes[index] for index in chosen]) for chosen in drawn])

    return interval_of(len(scenes), over_each)


def interval_of(
    count: int,
    statistic: Callable[[np.ndarray], np.ndarray],
    resamples: int = _RESAMPLES,
    least: int = 2,
    quantile: str = 'closest_observation',
) -> tuple[float, float]:
    """Bootstrap a percentile interval of 95 %, all resamples at once.

    Parameters
    ----------
    count : int
        Of what is resampled, with replacement.
    statistic : callable
        Takes indices (resamples, count), gives values (resamples,); NaN does not count.
    resamples : int
    least : int
        How many there must be.
    quantile : str
        A method of `numpy.percentile`. The default takes values themselves, since some may be
        infinite; where none is, ``linear`` is smoother.

    Returns
    -------
    low, high : float
        NaN of fewer than `least`.
    """
    if count < least:
        return float('nan'), float('nan')
    drawn = np.random.default_rng(0).integers(count, size=(resamples, count))
    values = statistic(drawn)
    known = values[~np.isnan(values)]
    if not len(known):
        return float('nan'), float('nan')
    tails = 50 * (1 - _CONFIDENCE), 50 * (1 + _CONFIDENCE)
    low, high = np.percentile(known, tails, method=quantile)
    return float(low), float(high)
