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
import re

import mini_corpus
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.protocols import PROTOCOLS
from av_tracker_nodes.research.evaluation.truth import read_truth
from av_tracker_nodes.research.experiments.reproduction.ablation_files import read_ablations
from av_tracker_nodes.research.experiments.reproduction.command import make_entries, reproduce
from av_tracker_nodes.research.experiments.reproduction.runs import Entry
from av_tracker_nodes.research.experiments.reproduction.tables import measured_row, total


@pytest.fixture(scope='module')
def real(cav3d, perfect, tmp_path_factory, no_bar):
    """Report on one of five recordings, with the tracks of somebody else."""
    out = tmp_path_factory.mktemp('real')
    entries = [Entry('theirs', results=perfect), Entry('told', '', perfect, True)]
    report = reproduce('cav3d-mot', cav3d, entries, out, 1, no_bar)
    return out, report


def test_report_on_real_recordings(real):
    out, report = real
    assert not report.simulated
    assert report.missing == ('seq23-cam5', 'seq24-cam5', 'seq25-cam5', 'seq26-cam5')
    theirs = next(row for row in report.rows if row.name == 'theirs')
    assert (theirs.cell('mae_px'), theirs.cell('mota'), theirs.cell('ids')) == (
        '1.00',
        '100.0',
        '0',
    )
    assert theirs.note == '1 of 5 runs'
    page = (out / 'index.html').read_text()
    assert 'real recordings' in page
    assert 'simulated' not in page
    assert 'Recordings that are not there: seq23-cam5' in page


def test_published_rows_are_marked(real):
    out, _ = real
    page = (out / 'index.html').read_text()
    rows = re.findall(r'<tr class="(\w+)"><td>([^<]+)</td>', page)
    assert ('published', 'AVCLNet') in rows
    assert ('brought', 'theirs') in rows
    markdown = (out / 'results.md').read_text()
    assert re.search(r'\| AVCLNet \| published, real \| detections \| 10\.04 \|', markdown)
    assert re.search(r'\| theirs \| real recordings \| detections \| 1\.00 \|', markdown)
    assert re.search(r'\| told \| real recordings \| true box \|', markdown)


def test_the_page_needs_no_other_file(real):
    out, _ = real
    page = (out / 'index.html').read_text()
    assert re.findall(r'src="([^"]{0,11})', page)
    assert all(s.startswith('data:image/') for s in re.findall(r'src="([^"]{0,30})', page))
    assert 'http' not in re.sub(r'data:image/png;base64,[^"]+', '', page).split('<body>')[0]
    assert sorted(path.name for path in (out / 'figures').iterdir()) == [
        'error_by_run.pdf',
        'error_over_time.pdf',
    ]


def test_json_holds_everything(real):
    out, _ = real
    content = json.loads((out / 'results.json').read_text())
    assert content['data'] == 'real'
    assert content['protocol']['name'] == 'cav3d-mot'
    assert content['metrics']['theirs']['seq22-cam5']['mota'] == 100
    kinds = [row['kind'] for row in content['rows']]
    assert kinds == ['published'] * 6 + ['brought'] * 2


@pytest.fixture(scope='module')
def simulated(tmp_path_factory, no_bar, write_tracks):
    """Report on a stand-in with labels of speech."""
    root = tmp_path_factory.mktemp('stand_ins')
    folder = mini_corpus.write_sequence(root)
    (folder / 'scenario.json').write_text('{"simulated": true}')
    for person, span in ((1, '9 10.9'), (2, '10.5 11')):
        (folder / f'{mini_corpus.NAME}-person{person}.speech').write_text(span + '\n')
    others = tmp_path_factory.mktemp('labelled')
    for camera in (1, 2, 3):
        truth = read_truth(folder, camera, None)
        write_tracks(others / f'seq24-cam{camera}.csv', truth)
    out = tmp_path_factory.mktemp('simulated')
    reproduce('simulated', root, [Entry('theirs', results=others)], out, 1, no_bar)
    return out


def test_everything_says_that_it_is_simulated(simulated):
    page = (simulated / 'index.html').read_text()
    text = re.sub(r'data:image/png;base64,[^"]+', '', page)
    assert 'simulated stand-ins</strong>' in text
    captions = re.findall(r'<figcaption>(.*)', text)
    assert len(captions) == 3
    assert all(caption.startswith('Simulated stand-ins.') for caption in captions)
    assert 'real recordings' not in re.sub(r'<p class="notice">.*?</p>', '', text, flags=re.S)
    assert json.loads((simulated / 'results.json').read_text())['data'] == 'simulated'
    assert 'simulated stand-ins' in (simulated / 'results.md').read_text()


def test_speaking_is_drawn_where_labels_exist(simulated, real):
    assert (simulated / 'figures' / 'speaking_roc.pdf').is_file()
    assert not (real[0] / 'figures' / 'speaking_roc.pdf').exists()
    rows = json.loads((simulated / 'results.json').read_text())['rows']
    assert rows[0]['scores']['speaking_f1'] == 1.0
    assert rows[0]['scores']['mae_px'] == pytest.approx(0, abs=1e-3)


WHOLE = {'model': 'whole', 'protocol': 'simulated multi_speaker, test, 2 scenes'}


def test_ablations_are_drawn_and_said_to_be_simulated(cav3d, perfect, tmp_path, no_bar):
    less = {**WHOLE, 'model': 'without sound', 'mota_change': -7, 'mota_change_95': [-9, -4]}
    file, out = tmp_path / 'ablations_stnet.json', tmp_path / 'out'
    file.write_text(json.dumps([WHOLE, less]))
    entries = [Entry('theirs', results=perfect)]
    report = reproduce('cav3d-mot', cav3d, entries, out, 1, no_bar, [file])
    (found,) = report.ablations
    assert (found.name, found.changes) == ('stnet', {'without sound': (-7, -9, -4)})
    assert (out / 'figures' / 'ablations_stnet.pdf').is_file()
    captions = re.findall(r'<figcaption>(.*?)\.', (out / 'index.html').read_text())
    assert captions == ['Real recordings', 'Real recordings', 'Simulated scenes']
    assert json.loads((out / 'results.json').read_text())['ablations'][0]['name'] == 'stnet'


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        (None, 'cannot read'),
        ('{', 'is not what'),
        ('[]', 'is not what'),
        ('[{"model": 1}]', 'is not what'),
        (json.dumps([WHOLE]), 'without variants'),
    ],
)
def test_other_files_are_no_ablations(tmp_path, content, problem):
    file = tmp_path / 'ablations_stnet.json'
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=problem):
        read_ablations(file)


def test_a_run_that_fails_is_told_and_the_rest_goes_on(cav3d, perfect, tmp_path, no_bar):
    empty = tmp_path / 'empty'
    empty.mkdir()
    entries = [Entry('none', results=empty), Entry('theirs', results=perfect)]
    report = reproduce('cav3d-mot', cav3d, entries, tmp_path / 'out', 1, no_bar)
    ((row, run, why),) = report.failed
    assert (row, run) == ('none', 'seq22-cam5')
    assert 'holds no tracks' in why
    none = next(row for row in report.rows if row.name == 'none')
    assert none.cell('mae_px') == '–'
    assert 'none, seq22-cam5' in (tmp_path / 'out' / 'index.html').read_text()


def test_averages_are_plain_and_switches_are_summed():
    assert total('mae_px', [1.0, None, 3.0]) == 2.0
    assert total('ids', [1, 2, None]) == 3
    assert total('mota', [None]) is None
    protocol = PROTOCOLS['avcl-mot']
    runs = {
        'seq24-cam1': {'mae_px': 1.0, 'mota': 90.0, 'motp_px': 1, 'ids': 2, 'mae_share': 1.0},
        'seq24-cam2': {'mae_px': 5.0, 'mota': 70.0, 'motp_px': 3, 'ids': 1, 'mae_share': 0.9},
    }
    row = measured_row(Entry('ours', 'visual'), protocol, runs, 12)
    assert dict(row.scores) == {'mae_px': 3.0, 'mota': 80.0, 'motp_px': 2.0, 'ids': 3.0}
    assert row.note.startswith('2 of 12 runs; an estimate in 95.0 % of the frames')
    assert row.initialisation == 'detections'


def test_entries_of_the_command_line(tmp_path):
    entries = make_entries('visual, audio', [f'theirs={tmp_path}'], ['theirs'])
    assert [entry.name for entry in entries] == ['visual', 'audio', 'theirs']
    assert entries[2] == Entry('theirs', '', tmp_path, True)
    assert make_entries('a/net.onnx')[0] == Entry('net', 'a/net.onnx')
    for arguments, message in (
        (('',), 'nothing to measure'),
        (('', ['theirs']), 'is not NAME=DIR'),
        (('visual', [], ['visual']), 'visual: no --results of that name'),
    ):
        with pytest.raises(InputError, match=message):
            make_entries(*arguments)


def test_bad_requests_are_refused_before_anything_is_run(cav3d, tmp_path, no_bar):
    for protocol, entries, message in (
        ('nothing', [Entry('visual', 'visual')], 'no protocol'),
        ('cav3d-mot', [Entry('a', 'visual'), Entry('a', 'audio')], 'different names'),
        ('cav3d-mot', [Entry('x', 'x')], "no fusion model 'x'"),
        ('cav3d-mot', [Entry('x', 'x.onnx')], r'x\.onnx'),
    ):
        with pytest.raises(InputError, match=message):
            reproduce(protocol, cav3d, entries, tmp_path / 'out', 1, no_bar)
    assert not (tmp_path / 'out').exists()
