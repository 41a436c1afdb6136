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

"""The scores of several people, and those of a group compared with all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np

from av_tracker_nodes.research.evaluation.statistics import interval_of, written
from av_tracker_nodes.research.experiments.looks.views import Seen

People = Callable[[str], np.ndarray]
"""Tells a field of `Seen` of some people, (..., people); NaN where somebody does not count."""


def _percent(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid='ignore'):
        return 100 * np.nansum(part, axis=-1) / np.nansum(whole, axis=-1)


def _median(values: np.ndarray) -> np.ndarray:
    """Median of what is known along the last axis, NaN of nothing; `np.nanmedian` is slow."""
    known = np.count_nonzero(~np.isnan(values), axis=-1)[..., None]
    middle = np.concatenate([np.maximum(known - 1, 0) // 2, known // 2], axis=-1)
    # NaN is sorted last.
    return np.take_along_axis(np.sort(values, axis=-1), middle, axis=-1).mean(axis=-1)


STATISTICS: dict[str, Callable[[People], np.ndarray]] = {
    'found_percent': lambda people: _percent(people('found'), people('views')),
    'score': lambda people: _median(people('score')),
    'kept_percent': lambda people: _percent(people('kept'), people('found')),
    'size_error_percent': lambda people: 100 * _median(people('size_error')),
}
"""Scores of people taken together, (...); medians are over people."""


def row_of(people: Sequence[Seen], others: Sequence[Seen] = ()) -> dict[str, float | int | None]:
    """Take people together, and compare them with others.

    Each statistic, and each less that of the others (``_difference``), has a bootstrap interval
    of 95 % over people (``_low``, ``_high``); differences are None where there are no others.
    """
    everybody = [*people, *others]
    columns = {
        field.name: np.array([getattr(person, field.name) for person in everybody], float)
        for field in fields(Seen)
    }
    is_ours = np.arange(len(everybody)) < len(people)

    def among(drawn: np.ndarray, counts: np.ndarray) -> People:
        return lambda name: np.where(counts, columns[name], np.nan)[drawn]

    row: dict[str, float | int | None] = {
        'people': len(people),
        'views': sum(person.views for person in people),
    }
    for name, statistic in STATISTICS.items():

        def own(drawn: np.ndarray, statistic: Callable = statistic) -> np.ndarray:
            return statistic(among(drawn, is_ours))

        def difference(drawn: np.ndarray, statistic: Callable = statistic) -> np.ndarray:
            return statistic(among(drawn, is_ours)) - statistic(among(drawn, ~is_ours))

        row |= _figures(name, own, len(people))
        row |= _figures(f'{name}_difference', difference, len(everybody))
    return row


def _figures(
    name: str, statistic: Callable[[np.ndarray], np.ndarray], count: int
) -> dict[str, float | None]:
    """Value and interval of a statistic of the first `count` people."""
    low, high = interval_of(count, statistic)
    value = statistic(np.arange(count))
    return {name: written(value), f'{name}_low': written(low), f'{name}_high': written(high)}


def is_clear(row: dict, name: str) -> bool:
    """Tell whether the interval of a difference does not hold zero."""
    low, high = row[f'{name}_difference_low'], row[f'{name}_difference_high']
    return low is not None and (low > 0 or high < 0)
