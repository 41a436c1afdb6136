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

import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.research import speed


def test_the_long_ones_are_measured_only_when_named(monkeypatch, tmp_path):
    measured = []

    def note(name):
        return lambda out, progress_bar, seconds=None: measured.append((name, seconds))

    for name in speed.BENCHMARKS:
        monkeypatch.setitem(speed.BENCHMARKS, name, note(name))
    run = CliRunner().invoke
    assert run(main, ['bench', '--out', str(tmp_path)]).exit_code == 0
    assert [name for name, _ in measured] == ['acoustic_map', 'pipeline', 'latency']
    measured.clear()
    assert run(main, ['bench', 'soak', 'pipeline', '--seconds', '5']).exit_code == 0
    assert measured == [('soak', 5.0), ('pipeline', None)]


@pytest.mark.slow
def test_a_soak_loses_no_image_and_tells_what_every_node_holds(tmp_path, no_bar):
    result = speed.bench_soak(tmp_path, no_bar, seconds=8.0)
    assert json.loads((tmp_path / 'soak.json').read_text()) == result
    assert result['lost_frames'] == 0
    for node in ('face_detector', 'acoustic_map', 'fusion', 'tracker'):
        assert result[f'{node}_mib'] > 50
        assert f'{node}_growth_percent' in result
