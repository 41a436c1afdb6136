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

"""The benchmark of detection over looks: draws people, looks at them, and reports by groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from av_tracker_nodes.research.evaluation.sheets import Sheet, with_interval
from av_tracker_nodes.research.experiments.kit import benchmark
from av_tracker_nodes.research.experiments.kit.benchmark import Benchmark, Row, check_count
from av_tracker_nodes.research.experiments.looks.group_scores import is_clear, row_of
from av_tracker_nodes.research.experiments.looks.groups import GROUPINGS
from av_tracker_nodes.research.experiments.looks.views import CONDITIONS, Seen, see_person
from av_tracker_nodes.research.simulation.figures import traits_of
from av_tracker_nodes.research.simulation.heads import Traits
from av_tracker_nodes.research.simulation.studio import VIEWS

FIRST_IDENTITY = {'validation': 1000, 'test': 2000}
PEOPLE, MOST_PEOPLE = 240, 1000
ALL = 'everybody'

_TITLES = {
    'clear': 'pictures as they are drawn',
    'poor': 'as a small, dim and noisy camera sees them',
}
_COLUMNS = {
    'found_percent': ('faces found (%)', 1),
    'score': ('score', 3),
    'kept_percent': ('kept by fusion (%)', 1),
    'size_error_percent': ('size error (%)', 1),
}
"""Heading and digits of each score."""


@dataclass(frozen=True)
class Options(benchmark.Options):
    """Who is looked at.

    Attributes
    ----------
    people : int
        The first of the split.
    """

    people: int = PEOPLE

    @property
    def origin(self) -> str:
        """Where the figures come from, in a sentence."""
        return (
            f'Simulated people with heads of MakeHuman, no measurement of real people: '
            f'{self.people} of the {self.split} split, {VIEWS} views of each, without sound; '
            '95 % bootstrap intervals over people; differences are from all others, with * where '
            f'the interval does not hold 0 (by chance one in twenty does not): `av-tracker '
            f'benchmark looks --split {self.split} --people {self.people}`.'
        )


def _plan(options: Options, out: Path, recordings: Path) -> dict[int, tuple[int]]:
    check_count(options.people, MOST_PEOPLE, 'people')
    first = FIRST_IDENTITY[options.split]
    return {identity: (identity,) for identity in range(first, first + options.people)}


def rows_of(people: Sequence[tuple[Traits, Mapping[str, Seen]]]) -> list[Row]:
    """Take everybody together, and each group, in each condition; empty groups are left out."""
    rows = []
    for condition in CONDITIONS:
        seen = [by_condition[condition] for _, by_condition in people]
        rows.append({'condition': condition, 'trait': ALL, 'group': ALL, **row_of(seen)})
        for trait, (group_of, groups) in GROUPINGS.items():
            belongs = [group_of(traits) for traits, _ in people]
            told = [(whose, person) for whose, person in zip(belongs, seen, strict=True) if whose]
            for group in groups:
                ours = [person for whose, person in told if whose == group]
                others = [person for whose, person in told if whose != group]
                if ours:
                    labels = {'condition': condition, 'trait': trait, 'group': group}
                    rows.append({**labels, **row_of(ours, others)})
    return rows


def sheets(rows: Sequence[Row]) -> list[Sheet]:
    """Lay the rows out, a table for each condition."""
    header = ['who', 'people']
    for heading, _ in _COLUMNS.values():
        header += [heading, 'difference']
    return [
        Sheet(
            f'Simulated people, {_TITLES[condition]}: faces of about {CONDITIONS[condition].face} '
            'pixels',
            header,
            [_line(row) for row in rows if row['condition'] == condition],
        )
        for condition in CONDITIONS
    ]


def _line(row: Row) -> list[str]:
    who = ALL if row['group'] == ALL else f'{row["trait"]}: {row["group"]}'
    cells = [who, str(row['people'])]
    for name, (_, digits) in _COLUMNS.items():
        ours, difference = (
            with_interval(row, each, f'.{digits}f') for each in (name, f'{name}_difference')
        )
        cells += [ours, difference + (' *' if is_clear(row, name) else '')]
    return cells


benchmark_looks = Benchmark(
    'looks',
    'looking at people',
    _plan,
    see_person,
    lambda _, found: rows_of([(traits_of(identity), seen) for identity, seen in found.items()]),
    sheets,
)
"""How people of different looks are found."""
