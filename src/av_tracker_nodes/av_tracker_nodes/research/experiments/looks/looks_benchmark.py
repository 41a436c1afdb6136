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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.folders import make_folder
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import Sheet, publish, with_interval
from av_tracker_nodes.research.experiments.looks.group_scores import is_clear, row_of
from av_tracker_nodes.research.experiments.looks.groups import GROUPINGS
from av_tracker_nodes.research.experiments.looks.views import CONDITIONS, Seen, see_person
from av_tracker_nodes.research.parallel import all_in_processes
from av_tracker_nodes.research.simulation.figures import traits_of
from av_tracker_nodes.research.simulation.heads import Traits
from av_tracker_nodes.research.simulation.studio import VIEWS

COMMAND = 'benchmark looks'
FIGURES, TABLES = 'looks.json', 'looks.md'
FIRST_IDENTITY = {'validation': 1000, 'test': 2000}
PEOPLE, MOST_PEOPLE = 240, 1000
ALL = 'everybody'

Row = dict[str, object]

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
class Options:
    """Who is looked at.

    Attributes
    ----------
    people : int
        The first of the split.
    split : str
        ``test`` or, while something is being chosen, ``validation``.
    jobs : int
        Processes.
    """

    people: int = PEOPLE
    split: str = 'test'
    jobs: int = 1

    @property
    def origin(self) -> str:
        """Where the figures come from, in a sentence."""
        return (
            f'Simulated people with heads of MakeHuman, no measurement of real people: '
            f'{self.people} of the {self.split} split, {VIEWS} views of each, without sound; '
            '95 % bootstrap intervals over people; differences are from all others, with * where '
            f'the interval does not hold 0 (by chance one in twenty does not): `av-tracker '
            f'{COMMAND} --split {self.split} --people {self.people}`.'
        )


def benchmark_looks(
    out: Path,
    options: Options,
    progress_bar: Callable,
    document: Path | None = None,
) -> list[Row]:
    """Compare how people of different looks are found, write it down and print it.

    Parameters
    ----------
    out : Path
        Folder for ``looks.json``, a flat list of rows, and ``looks.md``.
    options : Options
    progress_bar : callable
        Context manager that takes a text and yields a progress callback.
    document : Path, optional
        Document whose block between the two markers is replaced by the tables.

    Raises
    ------
    InputError
        When something cannot be written, a split has not as many people, or the packages of the
        simulator are missing.
    """
    if not 1 <= options.people <= MOST_PEOPLE:
        raise InputError(f'{options.people} people: choose 1 to {MOST_PEOPLE}')
    make_folder(out)
    first = FIRST_IDENTITY[options.split]
    calls = {identity: (identity,) for identity in range(first, first + options.people)}
    with progress_bar('looking at people') as progress:
        found = all_in_processes(see_person, calls, options.jobs, progress)
    people = [(traits_of(identity), seen) for identity, seen in found.items()]
    labels = {'simulated': True, 'split': options.split}
    rows = [labels | row for row in rows_of(people)]
    write_json(out / FIGURES, rows)
    publish(sheets(rows), options.origin, COMMAND, out / TABLES, document)
    return rows


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
