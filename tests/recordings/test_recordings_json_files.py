# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import pytest

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
