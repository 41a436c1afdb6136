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
import shutil
from dataclasses import replace

import mini_corpus
import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163_sequence import Sequence
from av_tracker_nodes.research.datasets.protocols import PROTOCOLS, find_protocol
from av_tracker_nodes.research.evaluation.truth import read_truth
from av_tracker_nodes.research.experiments.reproduction import tracking
from av_tracker_nodes.research.experiments.reproduction.all_protocols import (
    protocols_of,
    reproduce_all,
)
from av_tracker_nodes.research.experiments.reproduction.runs import Entry, read_results, run_view
from av_tracker_nodes.research.experiments.reproduction.views import find_views
from av_tracker_nodes.types import ImageFrame


def the_view(root, protocol):
    views, _ = find_views(find_protocol(protocol), root)
    return views[0]


def test_views_of_a_protocol(av163, cav3d):
    views, missing = find_views(PROTOCOLS['stnet-mot'], av163)
    assert [view.run for view in views] == ['seq24-cam1', 'seq24-cam2', 'seq24-cam3']
    assert missing == [f'seq{s}-cam{c}' for s in (25, 30) for c in (1, 2, 3)]
    views, missing = find_views(PROTOCOLS['cav3d-mot'], cav3d)
    assert [(view.run, view.camera) for view in views] == [('seq22-cam5', 5)]
    with pytest.raises(InputError, match='holds no sequence of stnet-sot'):
        find_views(PROTOCOLS['stnet-sot'], av163)


def run(entry, view, protocol, out):
    return run_view([entry], view, protocol, out)[entry.name]


def test_a_model_is_run_once(av163, tmp_path):
    view = the_view(av163, 'simulated')
    folder = tmp_path / 'every-image' / 'visual' / view.run
    first = run(Entry('visual', 'visual'), view, PROTOCOLS['simulated'], tmp_path)
    assert first['metrics']['frames_scored'] == 30
    assert first['metrics']['fn'] == first['metrics']['objects'] == 60
    assert first['metrics']['model'] == 'visual'
    written = (folder / 'tracks.csv').stat().st_mtime_ns
    again = run(Entry('visual', 'visual'), view, PROTOCOLS['simulated'], tmp_path)
    assert (folder / 'tracks.csv').stat().st_mtime_ns == written
    assert again['metrics'] == first['metrics']
    run(Entry('visual', 'audio'), view, PROTOCOLS['simulated'], tmp_path)
    assert (folder / 'tracks.csv').stat().st_mtime_ns > written
    assert json.loads((folder / 'run.json').read_text())['asked']['model'] == 'audio'


def test_a_sequence_that_was_made_anew_is_run_again(av163, tmp_path):
    view = the_view(av163, 'simulated')
    tracks = tmp_path / 'every-image' / 'visual' / view.run / 'tracks.csv'
    entry = Entry('visual', 'visual')
    run(entry, view, PROTOCOLS['simulated'], tmp_path)
    written = tracks.stat().st_mtime_ns
    next(path for path in view.directory.rglob('*') if path.is_file()).touch()
    run(entry, view, PROTOCOLS['simulated'], tmp_path)
    assert tracks.stat().st_mtime_ns > written


@pytest.fixture
def sensed(monkeypatch):
    """A list of all that senses a recording."""
    runs = []

    class Spy(tracking.Sensing):
        def run(self, records):
            runs.append(self)
            return super().run(records)

    monkeypatch.setattr(tracking, 'Sensing', Spy)
    return runs


def test_models_that_share_faces_and_maps_track_as_alone(av163, tmp_path, sensed):
    view = the_view(av163, 'simulated')
    entries = [Entry(name, name) for name in ('audio', 'vggcf', 'visual')]
    run(entries[1], view, PROTOCOLS['simulated'], tmp_path / 'alone')
    kept = tmp_path / 'together' / 'every-image' / 'visual' / view.run / 'tracks.csv'
    run(entries[2], view, PROTOCOLS['simulated'], tmp_path / 'together')
    written = kept.stat().st_mtime_ns
    together = run_view(entries, view, PROTOCOLS['simulated'], tmp_path / 'together')
    assert len(sensed) == 3
    assert list(together) == ['audio', 'vggcf', 'visual']
    # What was there is kept.
    assert kept.stat().st_mtime_ns == written
    path = f'every-image/vggcf/{view.run}/tracks.csv'
    assert (tmp_path / 'together' / path).read_text() == (tmp_path / 'alone' / path).read_text()
    facts = json.loads((tmp_path / 'together' / path).with_name('run.json').read_text())
    assert {'face_detector', 'acoustic_map', 'fusion', 'tracker'} <= set(facts['latency_ms'])


def test_tracks_of_others_in_mot_format(cav3d, perfect, tmp_path):
    view = the_view(cav3d, 'cav3d-mot')
    entry = Entry('theirs', results=perfect)
    result = run(entry, view, PROTOCOLS['cav3d-mot'], tmp_path)
    metrics = result['metrics']
    # Every mouth is a pixel to the left of the truth.
    assert metrics['mae_px'] == pytest.approx(1.0, abs=1e-3)
    assert metrics['motp_px'] == pytest.approx(1.0, abs=1e-3)
    assert metrics['mota'] == 100
    assert metrics['mae_3d_m'] == pytest.approx(0, abs=1e-4)
    assert metrics['speaking_f1'] is None
    assert metrics['frames_scored'] == 15
    np.testing.assert_allclose(result['errors'], 1.0, atol=1e-3)
    assert not len(result['speaks'])


@pytest.mark.parametrize('form', ['seq22-cam5/tracks.csv', 'seq22-cam5.csv'])
def test_tracks_of_others_in_our_format(cav3d, write_tracks, tmp_path, form):
    truth = read_truth(cav3d / 'seq22', 5, 'cav3d')
    path = tmp_path / form
    path.parent.mkdir(exist_ok=True)
    # Stamps may have been rounded to milliseconds.
    write_tracks(path, truth, digits=3)
    tracks = read_results(tmp_path, 'seq22', the_view(cav3d, 'cav3d-mot'), truth)
    assert np.isin(tracks.stamp, truth.stamps).all()
    assert len(tracks) == 2 * len(truth.stamps)


def test_missing_results_are_named(cav3d, tmp_path):
    truth = read_truth(cav3d / 'seq22', 5, 'cav3d')
    with pytest.raises(InputError, match='holds no tracks of seq22-cam5'):
        read_results(tmp_path, 'seq22', the_view(cav3d, 'cav3d-mot'), truth)


def test_nobody_in_the_published_frames(av163, tmp_path):
    view = the_view(av163, 'stnet-mot')
    with pytest.raises(InputError, match='nobody is annotated in the scored images of seq24-cam1'):
        run(Entry('visual', 'visual'), view, PROTOCOLS['stnet-mot'], tmp_path)


def test_incomplete_input_reaches_the_tracker(av163, tmp_path, monkeypatch):
    seen = {}

    class Spy(tracking.Sensing):
        def __init__(self, rig, *arguments):
            seen['microphones'] = len(rig.microphones.positions)
            super().__init__(rig, *arguments)

        def run(self, records):
            records = list(records)
            seen['images'] = [r.image for r in records if isinstance(r, ImageFrame)]
            return super().run(records)

    monkeypatch.setattr(tracking, 'Sensing', Spy)
    incomplete = replace(PROTOCOLS['simulated'], incomplete=True)
    run(Entry('visual', 'visual'), the_view(av163, 'simulated'), incomplete, tmp_path)
    assert seen['microphones'] == 8
    assert all((image[:, 120:240] == 128).all() for image in seen['images'])


# ---- all protocols of a corpus


@pytest.fixture
def short_ranges(av163, tmp_path, monkeypatch):
    """Corpus whose seq24 has published frames in its 30 images."""
    monkeypatch.setattr(Sequence, 'published_range', lambda *_: np.arange(30) > 5)
    return shutil.copytree(av163, tmp_path / 'av163')


def names(protocols):
    return [protocol.name for protocol in protocols]


def test_protocols_that_a_corpus_has_a_sequence_of(av163, cav3d, tmp_path):
    assert names(protocols_of(av163)) == ['stnet-mot', 'avcl-mot']
    assert names(protocols_of(cav3d)) == ['cav3d-mot']
    stand_in = tmp_path / 'stand-ins'
    shutil.copytree(av163, stand_in)
    (next(stand_in.glob('seq24*')) / 'scenario.json').write_text('{"simulated": true}')
    assert names(protocols_of(stand_in)) == ['stnet-mot', 'avcl-mot', 'simulated']


def test_stand_ins_of_cav3d_have_the_files_of_av163(tmp_path):
    mini_corpus.write_sequence(tmp_path, name='seq24-2p-cav3d')
    (tmp_path / 'seq24-2p-cav3d' / 'scenario.json').write_text('{"simulated": true}')
    assert names(protocols_of(tmp_path)) == ['cav3d-mot']


def test_a_folder_without_sequences_is_refused(tmp_path):
    with pytest.raises(InputError, match=r'holds no sequence of any protocol of AV16\.3'):
        protocols_of(tmp_path)


@pytest.mark.thorough
def test_protocols_of_a_kind_share_their_runs(short_ranges, sensed, tmp_path, no_bar):
    out = tmp_path / 'out'
    reports = reproduce_all(short_ranges, [Entry('visual', 'visual')], out, 1, no_bar)
    assert [report.protocol.name for report in reports] == ['stnet-mot', 'avcl-mot']
    # Three cameras, once.
    assert len(sensed) == 3
    run = out / 'runs' / 'stnet' / 'visual' / 'seq24-cam1'
    assert {path.name for path in run.glob('metrics*')} == {
        'metrics-stnet-mot.json',
        'metrics-avcl-mot.json',
    }
    page = (out / 'index.html').read_text()
    links = re.findall(r'href="([^"]+)"', page)
    assert links == ['stnet-mot/index.html', 'avcl-mot/index.html']
    assert all((out / link).is_file() for link in links)
    tables = (out / 'results.md').read_text()
    assert tables.count('\n# ') + tables.startswith('# ') == 2
