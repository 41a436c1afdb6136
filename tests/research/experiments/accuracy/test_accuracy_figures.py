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

import json

import numpy as np
import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.benchmarks import benchmark
from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.evaluation.sheets import (
    END,
    begin_marker,
    markdown,
    replace_block,
)
from av_tracker_nodes.research.experiments.accuracy.accuracy_tables import sheets
from av_tracker_nodes.research.experiments.accuracy.linking import Linker
from av_tracker_nodes.research.experiments.accuracy.plan import ROOMS, RecordingTask, RoomTask
from av_tracker_nodes.research.experiments.accuracy.rooms import Condition
from av_tracker_nodes.research.experiments.accuracy.rows import (
    direction_rows,
    image_rows,
    weaker_rows,
)
from av_tracker_nodes.research.simulation import meeting_room

COMMAND = 'benchmark acoustics'
BEGIN = begin_marker(COMMAND)


def room(errors, voices=2, weaker=None, seed=0):
    errors = {method: np.radians(values) for method, values in errors.items()}
    return RoomTask(Condition(0.4, 10.0, False, voices, weaker), seed), errors


def only(rows, **wanted):
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_direction_figures_are_over_all_voices():
    rows = direction_rows(
        [room({'gcf': [[1.0, 3.0], [5.0, 180.0]]}), room({'gcf': [[2.0, 20.0]]}, seed=1)]
    )
    row = only(rows, rt60_s=0.4, motion='static', voices=2, method='gcf')
    assert row['median_deg'] == pytest.approx(4)
    assert row['p90_deg'] == pytest.approx(100)
    assert row['detection_rate'] == pytest.approx(4 / 6)
    assert (row['directions'], row['scenes']) == (6, 2)
    assert row['detection_low'] is None
    everything = only(rows, rt60_s=None, motion=None, method='gcf')
    assert everything['detection_rate'] == row['detection_rate']


def test_method_that_is_not_installed_has_no_figures():
    row = only(direction_rows([room({'gcf': [[1.0, 3.0]]})]), rt60_s=0.4, voices=2, method='music')
    assert row['median_deg'] is row['detection_rate'] is None
    assert row['directions'] == 0


def test_interval_spans_the_scenes():
    rows = direction_rows(
        [room({'gcf': [[1.0, 1.0 if seed % 2 else 90.0]]}, seed=seed) for seed in range(12)]
    )
    row = only(rows, rt60_s=None, motion=None, method='gcf')
    assert row['detection_rate'] == pytest.approx(0.75)
    assert 0.5 < row['detection_low'] < 0.7
    assert 0.8 < row['detection_high'] < 1.0


def test_weaker_voice_is_the_second():
    rows = weaker_rows([room({'srp': [[1.0, 50.0], [2.0, 3.0]]}, weaker=-12.0)])
    assert only(rows, level_db=-12.0, method='srp')['detection_rate'] == pytest.approx(0.5)


def recordings(gain):
    """Scores of ten recordings in which V-WSWE is better than vgGCF by `gain` everywhere."""
    rng = np.random.default_rng(5)
    for seed in range(10):
        base, common = rng.normal(0, 30), {'images': 100, 'images_without_face': 3}
        yield (
            RecordingTask('two_crossing', seed, 1),
            {
                measure: common
                | {'mae_px': 40 + base - better, 'mota': 50 + better, 'motp_px': 10 - better}
                for measure, better in (('vwswe', 2 * gain), ('vggcf', gain), ('stgcf', 0))
            },
        )


def test_pairing_tells_measures_apart_that_differ_less_than_recordings():
    row = only(
        image_rows(list(recordings(1.0))),
        table='image difference',
        measure='vwswe',
        than='vggcf',
        score='mae_px',
    )
    assert row['difference'] == pytest.approx(-1)
    assert row['high'] < 0
    assert row['as_published']
    assert row['significant']


def test_order_that_differs_is_told():
    rows = image_rows(list(recordings(-1.0)))
    differences = [row for row in rows if row['table'] == 'image difference']
    assert len(differences) == 9
    assert not any(row['as_published'] for row in differences)
    assert 'reversed' in markdown(sheets(rows), 'Simulated.')


def test_equal_measures_are_not_told_apart():
    text = markdown(sheets(image_rows(list(recordings(0.0)))), 'Simulated.')
    assert text.count('not told apart') == 9
    assert '30 of 1000 images without a face' in text


def test_every_table_says_simulated():
    rows = [
        *direction_rows([room({'gcf': [[1.0, 3.0]]})]),
        *weaker_rows([room({'gcf': [[1.0, 3.0]]}, weaker=-6.0)]),
        *image_rows(list(recordings(1.0))),
    ]
    drawn = sheets(rows)
    assert len(drawn) == 5
    assert all('simulated' in sheet.title for sheet in drawn)


def test_document_keeps_what_is_outside_its_block(tmp_path):
    document = tmp_path / 'accuracy.md'
    document.write_text(f'before\n{BEGIN}\nold\n{END}\nafter\n')
    replace_block(document, COMMAND, 'new')
    assert document.read_text() == f'before\n{BEGIN}\n\nnew\n{END}\nafter\n'


def test_document_without_block_is_left_alone(tmp_path):
    document = tmp_path / 'accuracy.md'
    document.write_text('nothing\n')
    with pytest.raises(InputError, match='lacks the lines'):
        replace_block(document, COMMAND, 'new')
    assert document.read_text() == 'nothing\n'


def test_links_follow_people_and_new_ones_get_new_numbers():
    linker = Linker(meeting_room.cameras()[0])
    first, second = np.array([0.9, 0.6, 0.8]), np.array([0.9, -0.4, 0.8])
    assert linker.link(0, np.array([first])) == [1]
    assert linker.link(1, np.array([second, first + 0.02])) == [2, 1]
    assert linker.link(2, np.empty((0, 3))) == []
    assert linker.link(3, np.array([first + 0.05, second])) == [1, 2]
    table = linker.table()
    assert table.frame.tolist() == [0, 1, 1, 3, 3]
    assert table.id.tolist() == [1, 2, 1, 1, 2]


def test_nobody_placed_at_all_is_an_empty_table():
    assert len(Linker(meeting_room.cameras()[0]).table()) == 0


@pytest.mark.thorough
def test_command_measures_and_reports(tmp_path):
    document = tmp_path / 'accuracy.md'
    document.write_text(f'{BEGIN}\n{END}\n')
    arguments = ['benchmark', 'acoustics', '--quick', '--out', str(tmp_path / 'out')]
    result = CliRunner().invoke(main, [*arguments, '--document', str(document)])
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / 'out' / 'acoustics.json').read_text())
    assert all(row['simulated'] and row['split'] == 'validation' for row in rows)
    assert {row['table'] for row in rows} == {
        'direction',
        'weaker voice',
        'image of a recording',
        'image',
        'image difference',
    }
    assert (tmp_path / 'out' / 'acoustics.md').read_text() in document.read_text()
    assert 'Simulated' in document.read_text()
    boxed = only(rows, table='image', measure='vwswe')
    assert boxed['mae_px'] < only(rows, table='image', measure='stgcf')['mae_px']


def test_too_many_scenes_are_refused_in_one_line(tmp_path):
    arguments = ['benchmark', 'acoustics', '--out', str(tmp_path), '--split', 'validation']
    result = CliRunner().invoke(main, [*arguments, '--scenes', '11'])
    assert result.exit_code == 2
    assert result.output.strip() == 'av-tracker: 11 rooms a condition: choose 1 to 10'


def test_command_plans_as_many_rooms_as_the_document_says():
    options = {option.name: option for option in benchmark.commands['acoustics'].params}
    assert options['scenes'].default == ROOMS
    assert options['split'].default == 'test'
