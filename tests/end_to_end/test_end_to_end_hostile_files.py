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

"""Files that were changed at random are refused in a line, or read: there is nothing else."""

import hostile_files
import pytest
from hostile_files import READERS, TABLE, try_reader, write_sources

MOST_SECONDS, MOST_MEGABYTES = 10, 1500


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    write_sources(folder)
    return folder


def check(outcome):
    assert not outcome.odd
    assert outcome.slowest < MOST_SECONDS
    assert outcome.megabytes < MOST_MEGABYTES


@pytest.mark.parametrize('name', READERS)
def test_whole_files_are_read(folder, name):
    file, readers = READERS[name]
    for read in readers:
        read(folder / file)


@pytest.mark.thorough
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', READERS)
def test_hundreds_of_changed_files(folder, name):
    outcome = try_reader(folder, name, 250)
    check(outcome)
    assert outcome.counts['refused']


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.filterwarnings('ignore')
def test_twenty_thousand_changed_files(folder, capsys):
    outcomes = {name: try_reader(folder, name, 20_000) for name in READERS}
    with capsys.disabled():
        print('', *TABLE, *(o.line(name) for name, o in outcomes.items()), sep='\n')
    for outcome in outcomes.values():
        check(outcome)


def test_a_reader_that_lets_other_errors_through_is_found(folder, monkeypatch):
    monkeypatch.setitem(READERS, 'careless', ('a.speech', [lambda path: float(path.read_text())]))
    outcome = hostile_files.try_reader(folder, 'careless', 3)
    assert len(outcome.odd) == 3
    assert outcome.counts['other'] == 3
