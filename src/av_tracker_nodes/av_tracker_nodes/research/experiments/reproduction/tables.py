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

"""Rows of a table: measured here, brought by others, and published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from av_tracker_nodes.research.datasets.protocols import Protocol
from av_tracker_nodes.research.evaluation.statistics import mean
from av_tracker_nodes.research.evaluation.table import COLUMNS
from av_tracker_nodes.research.experiments.reproduction.published import (
    DETECTIONS,
    PUBLISHED,
    TRUTH,
)
from av_tracker_nodes.research.experiments.reproduction.runs import Entry

HERE, BROUGHT, PUBLISHED_KIND = 'here', 'brought', 'published'

LABELS = {key: (label, digits) for label, (key, digits) in COLUMNS.items()}
"""Heading and digits of each score."""

SUMMED = frozenset({'ids'})
"""Scores of a table that are the sum over its runs; the others are plain means."""

_SHARE = 'mae_share'


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes
    ----------
    name, kind, initialisation, source, note : str
        `kind` is `HERE`, `BROUGHT` or `PUBLISHED_KIND`.
    scores : mapping of str to float or None
        Over all runs.
    runs : mapping of str to mapping of str to float or None
        By score, then by run.
    counted : int
        Runs that are in `scores`.
    """

    name: str
    kind: str
    initialisation: str
    source: str
    note: str
    scores: Mapping[str, float | None]
    runs: Mapping[str, Mapping[str, float | None]]
    counted: int

    def cell(self, score: str, run: str | None = None) -> str:
        """Text of a cell: of all runs, or of one."""
        value = (self.runs.get(score, {}) if run else self.scores).get(run or score)
        return '–' if value is None else f'{value:.{LABELS[score][1]}f}'


def measured_row(
    entry: Entry, protocol: Protocol, results: Mapping[str, Mapping], asked: int
) -> Row:
    """Make the row of an entry.

    Parameters
    ----------
    entry : Entry
    protocol : Protocol
    results : mapping of str to mapping
        What ``metrics.json`` says, by run.
    asked : int
        Runs of the protocol; a note says how many of them are missing.
    """
    scores = {
        score: total(score, (r[score] for r in results.values())) for score in protocol.metrics
    }
    runs = {score: {run: r[score] for run, r in results.items()} for score in protocol.metrics}
    share = mean([r[_SHARE] for r in results.values() if r[_SHARE] is not None])
    notes = [] if len(results) == asked else [f'{len(results)} of {asked} runs']
    if results and share < 1:
        notes.append(f'an estimate in {100 * share:.1f} % of the frames, over which MAE is taken')
    return Row(
        entry.name,
        HERE if entry.results is None else BROUGHT,
        TRUTH if entry.truth_initialised else DETECTIONS,
        'measured here' if entry.results is None else f'tracks of others: {entry.results}',
        '; '.join(notes),
        scores,
        runs,
        len(results),
    )


def published_rows(protocol: Protocol) -> list[Row]:
    """Make the published rows of a protocol."""
    count = len(protocol.sequences) * len(protocol.cameras)
    rows = []
    for row in PUBLISHED[protocol.name]:
        means = row.contradictions().values()
        notes = [row.note, *(f'the mean of the printed runs is {mean:.2f}' for mean in means)]
        note = '; '.join(filter(None, notes))
        source = row.initialisation, row.source
        rows.append(Row(row.method, PUBLISHED_KIND, *source, note, row.means, row.runs, count))
    return rows


def total(score: str, values: Iterable[float | None]) -> float | None:
    """Take the plain mean of what is known, or the sum of a score that counts; None of nothing."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return float(sum(known)) if score in SUMMED else mean(known)


def scores_by_run(rows: Sequence[Row], protocol: Protocol) -> list[str]:
    """Scores of a protocol of which some row has runs."""
    return [score for score in protocol.metrics if any(row.runs.get(score) for row in rows)]
