# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.folders import make_folder


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
