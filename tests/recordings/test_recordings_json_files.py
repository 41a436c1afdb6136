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

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.folders import make_folder
from av_tracker_nodes.recordings.json_files import write_json


def test_a_file_is_replaced_by_a_whole_one(tmp_path):
    path = tmp_path / 'run.json'
    path.write_text('{"old": 1}')
    write_json(path, {'lags': [1, 2.5]})
    assert path.read_text() == '{\n  "lags": [\n    1,\n    2.5\n  ]\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_json_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / 'run.json'
    write_json(path, {'old': 1})
    with pytest.raises(TypeError):
        write_json(path, {'new': object()})
    assert path.read_text() == '{\n  "old": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_made_with_those_that_it_lies_in_and_may_be_there(tmp_path):
    folder = tmp_path / 'a' / 'b'
    for _ in range(2):
        make_folder(folder)
    assert folder.is_dir()


@pytest.mark.parametrize('below', ['', 'folder'])
def test_where_a_file_lies_there_can_be_no_folder(tmp_path, below):
    file = tmp_path / 'file'
    file.touch()
    with pytest.raises(InputError, match=f'cannot write to {file / below}: '):
        make_folder(file / below)
