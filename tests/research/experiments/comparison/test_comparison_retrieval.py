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

"""Which network is measured."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.research.experiments.comparison import retrieval


@pytest.mark.parametrize(
    ('named', 'measured'), [((), 'avclnet/avclnet.onnx'), (('mine.onnx',), 'mine.onnx')]
)
def test_avclnet_is_measured_where_no_network_is_named(monkeypatch, tmp_path, named, measured):
    opened = []
    monkeypatch.setattr(retrieval, 'record_scenes', lambda folder, options, progress_bar: [])
    monkeypatch.setattr(retrieval, 'open_model', lambda path, *_: opened.append(path))
    arguments = ['benchmark', 'retrieval', *named, '--out', str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    (path,) = opened
    assert path.parts[-len(Path(measured).parts) :] == Path(measured).parts
