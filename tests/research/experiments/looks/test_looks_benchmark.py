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

"""The benchmark of detection over looks: its rows, its tables and the whole of it."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.evaluation.sheets import END, begin_marker
from av_tracker_nodes.research.experiments.looks.group_scores import is_clear, row_of
from av_tracker_nodes.research.experiments.looks.groups import GROUPINGS
from av_tracker_nodes.research.experiments.looks.looks_benchmark import (
    ALL,
    FIRST_IDENTITY,
    MOST_PEOPLE,
    Options,
    benchmark_looks,
    rows_of,
    sheets,
)
from av_tracker_nodes.research.experiments.looks.views import CONDITIONS, Seen
from av_tracker_nodes.research.simulation.figures import traits_of
from av_tracker_nodes.research.simulation.splits import Split

SOMEBODY = traits_of(0)
NAN = float('nan')
ALWAYS = Seen(8, 8, 8, 0.9, 0.02)
OFTEN = Seen(8, 6, 3, 0.8, -0.04)
NEVER = Seen(8, 0, 0, NAN, NAN)


def test_people_are_counted_by_views_and_medians_are_over_people():
    row = row_of([ALWAYS, ALWAYS, OFTEN, NEVER])
    assert (row['people'], row['views']) == (4, 32)
    assert row['found_percent'] == pytest.approx(100 * 22 / 32)
    assert row['kept_percent'] == pytest.approx(100 * 19 / 22, abs=1e-3)
    assert (row['score'], row['size_error_percent']) == (0.9, 2.0)
    assert row['found_percent_low'] < row['found_percent'] < row['found_percent_high']
    assert row['found_percent_difference'] is None
    assert row['found_percent_difference_low'] is None


def test_a_group_is_compared_with_the_others():
    row = row_of([OFTEN] * 5, [ALWAYS] * 7)
    assert (row['found_percent'], row['found_percent_difference']) == (75.0, -25.0)
    assert (row['kept_percent'], row['kept_percent_difference']) == (50.0, -50.0)
    assert row['score_difference'] == pytest.approx(-0.1)
    assert row['size_error_percent_difference'] == pytest.approx(-6.0)
    ends = [row[f'found_percent_difference_{end}'] for end in ('low', 'high')]
    assert ends == [-25.0, -25.0]
    assert is_clear(row, 'found_percent')


def test_a_difference_within_chance_is_not_clear():
    row = row_of([ALWAYS, NEVER, OFTEN] * 3, [OFTEN, ALWAYS, NEVER, OFTEN])
    assert row['found_percent_difference_low'] < 0 < row['found_percent_difference_high']
    assert not is_clear(row, 'found_percent')


def test_of_nobody_who_was_found_nothing_is_told():
    row = row_of([NEVER, NEVER], [ALWAYS])
    assert (row['found_percent'], row['kept_percent'], row['score']) == (0.0, None, None)
    assert row['score_difference_low'] is None
    assert not is_clear(row, 'score')


def test_rows_are_of_everybody_and_of_each_group_in_each_condition():
    bearded = replace(SOMEBODY, male=1.0, beard=0.5, hair_style='bald', glasses=True)
    woman = replace(SOMEBODY, male=0.0, beard=0.0, hair_style='long', glasses=False)
    people = [
        (traits, {'clear': ALWAYS, 'poor': poor})
        for traits, poor in [(bearded, OFTEN)] * 3 + [(woman, ALWAYS)] * 2
    ]
    rows = rows_of(people)
    found = {(row['condition'], row['trait'], row['group']): row for row in rows}
    assert len(found) == len(rows)
    assert found['poor', ALL, ALL]['found_percent'] == pytest.approx(100 * 34 / 40)
    bald = found['poor', 'hair', 'bald']
    assert (bald['people'], bald['found_percent_difference']) == (3, -25.0)
    assert found['clear', 'hair', 'bald']['found_percent_difference'] == 0.0
    assert found['poor', 'eyes', 'without']['found_percent_difference'] == 25.0
    # Women have no beard to be compared by, and the bald no colour of hair.
    assert found['poor', 'men', 'with a beard']['found_percent_difference'] is None
    assert sum(row['people'] for key, row in found.items() if key[:2] == ('poor', 'men')) == 3
    colours = [row for key, row in found.items() if key[:2] == ('poor', 'hair colour')]
    assert [row['people'] for row in colours] == [2]
    assert ('poor', 'hair', 'short') not in found
    clear, poor = (sheet.markdown() for sheet in sheets(rows))
    assert '| hair: bald | 3 | 75.0 (75.0 to 75.0) | -25.0 (-25.0 to -25.0) * |' in poor
    assert '| hair: bald | 3 | 100.0 (100.0 to 100.0) | 0.0 (0.0 to 0.0) |' in clear
    assert '| men: with a beard | 3 | 75.0 (75.0 to 75.0) | - |' in poor


def test_people_are_of_the_split():
    for split, first in FIRST_IDENTITY.items():
        assert {Split.of_seed(first), Split.of_seed(first + MOST_PEOPLE - 1)} == {Split(split)}


@pytest.mark.parametrize('people', [0, MOST_PEOPLE + 1])
def test_more_people_than_a_split_has_are_refused(tmp_path, people):
    with pytest.raises(InputError, match='choose 1 to 1000'):
        benchmark_looks(tmp_path / 'out', Options(people=people), None)
    assert not (tmp_path / 'out').exists()


@pytest.mark.thorough
def test_the_command_looks_at_people_and_writes_what_it_found(tmp_path):
    document = tmp_path / 'card.md'
    document.write_text(f'before\n{begin_marker(benchmark_looks.command)}\n{END}\nafter\n')
    arguments = ['benchmark', 'looks', '--out', str(tmp_path / 'out'), '--people', '3']
    arguments += ['--split', 'validation', '--document', str(document)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / 'out' / 'looks.json').read_text())
    assert all(row['simulated'] and row['split'] == 'validation' for row in rows)
    everybody = {row['condition']: row for row in rows if row['group'] == ALL}
    assert set(everybody) == set(CONDITIONS)
    assert everybody['clear']['found_percent'] > 80
    assert everybody['clear']['views'] == 24
    assert {row['trait'] for row in rows} <= {ALL, *GROUPINGS}
    text = (tmp_path / 'out' / 'looks.md').read_text()
    assert 'no measurement of real people' in text
    assert text in document.read_text()
    assert document.read_text().startswith('before')
