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

"""Where rerun draws to, and what is said when it cannot."""

import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.viewing import recording
from av_tracker_nodes.viewing.recording import open_recording


@pytest.fixture
def with_rerun():
    return pytest.importorskip('rerun')


@pytest.mark.parametrize('source', ['bag', 'live'])
def test_missing_rerun_is_one_line_that_says_what_to_do(monkeypatch, tmp_path, source):
    monkeypatch.setattr(recording, 'find_spec', lambda name: None)
    result = CliRunner().invoke(main, ['view', source, '--save', str(tmp_path / 'a.rrd')])
    assert result.exit_code == 2
    assert 'make setup EXTRAS=view' in result.output
    assert len(result.output.splitlines()) == 1


def test_without_a_display_a_file_is_proposed(monkeypatch, with_rerun):
    monkeypatch.setattr(recording.sys, 'platform', 'linux')
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r'--save FILE\.rrd'), open_recording(None):
        pass


def test_file_appears_when_it_is_whole(tmp_path, with_rerun):
    path = tmp_path / 'a.rrd'
    with open_recording(path):
        assert not path.exists()
    assert [file.name for file in tmp_path.iterdir()] == ['a.rrd']


def test_nothing_is_left_of_a_failure(tmp_path, with_rerun):
    with pytest.raises(RuntimeError), open_recording(tmp_path / 'a.rrd'):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_file_in_no_folder_is_bad_input(tmp_path, with_rerun):
    with pytest.raises(InputError, match='cannot write'), open_recording(tmp_path / 'no' / 'a'):
        pass
