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

import pytest

from av_tracker_nodes.research.datasets.protocols import PROTOCOLS
from av_tracker_nodes.research.experiments.reproduction.published import PUBLISHED
from av_tracker_nodes.research.experiments.reproduction.tables import LABELS, published_rows
from av_tracker_nodes.research.experiments.reproduction.views import run_names

ROWS = [(protocol, row) for protocol, rows in PUBLISHED.items() for row in rows]


MISPRINTED = {
    ('stnet-sot', 'AV-A'): 11.75,
    ('gld-standard', 'AV-A'): 11.75,
    ('gld-incomplete', 'visual only'): 117.37,
    ('avcl-mot', 'visual only'): 34.26,
    ('avcl-mot', 'AVCLNet'): 10.71,
}


@pytest.mark.parametrize(('protocol', 'row'), ROWS, ids=[f'{p}: {r.method}' for p, r in ROWS])
def test_printed_means_are_the_plain_means_of_the_printed_runs(protocol, row):
    for runs in row.runs.values():
        assert list(runs) == run_names(PROTOCOLS[protocol])
    found = row.contradictions()
    if (protocol, row.method) in MISPRINTED:
        assert found == {'mae_px': pytest.approx(MISPRINTED[protocol, row.method], abs=0.005)}
    else:
        assert found == {}


def test_a_row_says_where_a_table_contradicts_itself():
    row = next(row for row in published_rows(PROTOCOLS['gld-standard']) if row.name == 'AV-A')
    assert row.cell('mae_px') == '11.47'
    assert row.note == 'the mean of the printed runs is 11.75'


def test_every_protocol_has_rows():
    assert set(PUBLISHED) == set(PROTOCOLS)
    assert all(PUBLISHED[name] for name in PROTOCOLS if name != 'simulated')
    assert PUBLISHED['simulated'] == ()


def test_headline_figures():
    def mean(protocol, method, score):
        return next(r.means[score] for r in PUBLISHED[protocol] if r.method == method)

    assert mean('stnet-sot', 'STNet', 'mae_px') == 3.53
    assert mean('stnet-sot', 'MSMD-AVT', 'mae_px') == 3.02
    assert mean('gld-standard', 'GLDTracker', 'acc') == 99.08
    assert mean('gld-incomplete', 'GLDTracker', 'mae_px') == 24.21
    assert mean('avcl-mot', 'AVCLNet', 'mota') == 83.94
    assert mean('cav3d-sot', 'STNet', 'mae_px') == 7.26
    assert mean('cav3d-mot', 'AVCLNet', 'mae_px') == 10.04


@pytest.mark.parametrize('protocol', PROTOCOLS.values(), ids=PROTOCOLS)
def test_rows_say_where_they_are_from(protocol):
    assert set(protocol.metrics) <= set(LABELS)
    for row in published_rows(protocol):
        assert row.kind == 'published'
        assert row.source
        assert row.initialisation in ('true box', 'detections', 'not said')
