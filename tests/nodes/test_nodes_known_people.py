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

"""What a tracker leaves behind for the one after it."""

import json
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest

from av_tracker_nodes.association.absent import AbsentPerson
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.known_people import KnownPeople


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    return tmp_path


def person(id, place):
    return AbsentPerson(id, 10**9, np.array(place, float), 10**18 + id, np.ones(2))


def test_what_is_written_is_read_less_the_looks(folder):
    KnownPeople('a').write([person(3, [1, 2, 0.5]), person(7, [0, -1, 0])], 9)
    people, next_id = KnownPeople('a').read()
    assert next_id == 9
    assert [(p.id, p.born, p.last_evidence) for p in people] == [
        (3, 10**9, 10**18 + 3),
        (7, 10**9, 10**18 + 7),
    ]
    np.testing.assert_array_equal([p.place for p in people], [[1, 2, 0.5], [0, -1, 0]])
    assert [p.embedding for p in people] == [None, None]
    assert KnownPeople('b').read() is None


def test_nobody_else_can_read_it_and_nothing_stays(folder):
    known = KnownPeople('a')
    known.write([person(1, [0, 0, 0])], 2)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    known.remove()
    assert list(folder.iterdir()) == []
    known.write([person(1, [0, 0, 0])], 2)
    assert file.exists()


def test_a_file_that_somebody_made_a_link_of_is_not_followed(folder):
    (folder / 'precious').write_text('whole')
    (folder / '.av_tracker-a.json.partial').symlink_to(folder / 'precious')
    with pytest.raises(OSError, match='symbolic'):
        KnownPeople('a').write([], 1)
    assert (folder / 'precious').read_text() == 'whole'


GOOD = {'id': 1, 'born': 1, 'last_evidence': 1, 'place': [0, 0, 0]}


@pytest.mark.parametrize(
    'content',
    [
        [],
        {},
        {'next_id': 2},
        {'next_id': '2', 'people': []},
        {'next_id': 2, 'people': [3]},
        {'next_id': 2, 'people': [{**GOOD, 'id': -1}]},
        {'next_id': 2, 'people': [{**GOOD, 'id': True}]},
        {'next_id': 2, 'people': [{**GOOD, 'place': [0, 0]}]},
        {'next_id': 2, 'people': [{**GOOD, 'place': [0, 0, float('nan')]}]},
        {'next_id': 2, 'people': [{**GOOD, 'place': 'here'}]},
    ],
)
def test_what_is_no_such_file_is_refused(folder, content):
    (folder / 'av_tracker-a.json').write_text(json.dumps(content))
    with pytest.raises(InputError):
        KnownPeople('a').read()


@pytest.mark.parametrize('run', ['', '../a', 'a/b', 'a' * 65, 'a\n'])
def test_names_of_runs(run):
    with pytest.raises(InputError, match='run must be'):
        KnownPeople(run)


def test_the_folder_is_that_of_temporary_files(folder):
    KnownPeople('a').write([], 1)
    assert Path(tempfile.gettempdir()) == folder
