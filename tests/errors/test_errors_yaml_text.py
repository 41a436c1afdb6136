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
from av_tracker_nodes.errors.yaml_text import read_yaml


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / 'a.yaml'
        path.write_text(text)
        return read_yaml(path, 'rig file')

    return read


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('', None),
        ('5e2', 500.0),
        ('-.5', -0.5),
        ('a: 1795965625920125089', {'a': 1795965625920125089}),
        ('a: &a [1, 2]\nb: *a', {'a': [1, 2], 'b': [1, 2]}),
        ('a: &a {x: 1}\nb: {<<: *a, y: 2}', {'a': {'x': 1}, 'b': {'x': 1, 'y': 2}}),
    ],
)
def test_plain_values_with_numbers_and_aliases(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('a: &a [*a]', 'an alias stands for what it is a part of'),
        ('a: &a {b: {c: *a}}', 'an alias stands for what it is a part of'),
        ('a: 2' + '0' * 60, 'a number of 61 letters'),
        ('a: 9223372036854775808', 'too large: write it with a point'),
        ('a: 2020-13-45', 'is not YAML'),
        ('a: !!python/object/apply:os.system [ls]', 'is not YAML'),
        ('[' * 5000, 'is not YAML'),
    ],
)
def test_what_is_no_plain_value_is_refused(read, text, told):
    with pytest.raises(InputError, match=told):
        read(text)


def test_few_lines_of_aliases_do_not_make_a_large_document(read):
    levels = [f'l{k}: &l{k} [{", ".join([f"*l{k - 1}"] * 10)}]' for k in range(1, 9)]
    with pytest.raises(InputError, match='more than 100000 values with its aliases'):
        read('\n'.join(['l0: &l0 [' + ', '.join('0' * 10) + ']', *levels]))
