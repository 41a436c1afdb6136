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

import re
import shutil

import mini_corpus
import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.experiments.reproduction import tracking
from av_tracker_nodes.research.experiments.reproduction.all_protocols import (
    protocols_of,
    reproduce_all,
)
from av_tracker_nodes.research.experiments.reproduction.runs import Entry


@pytest.fixture
def short_ranges(av163, tmp_path, monkeypatch):
    """Corpus whose seq24 has published frames in its 30 images, and a list of what is tracked."""
    from av_tracker_nodes.research.datasets.av163_sequence import Sequence

    tracked = []

    class Spy(tracking.Sensing):
        def run(self, records):
            tracked.append(self)
            return super().run(records)

    monkeypatch.setattr(tracking, 'Sensing', Spy)
    monkeypatch.setattr(Sequence, 'published_range', lambda *_: np.arange(30) > 5)
    root = tmp_path / 'av163'
    shutil.copytree(av163, root)
    return root, tracked


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
def test_protocols_of_a_kind_share_their_runs(short_ranges, tmp_path, no_bar):
    root, tracked = short_ranges
    out = tmp_path / 'out'
    reports = reproduce_all(root, [Entry('visual', 'visual')], out, 1, no_bar)
    assert [report.protocol.name for report in reports] == ['stnet-mot', 'avcl-mot']
    # Three cameras, once.
    assert len(tracked) == 3
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
