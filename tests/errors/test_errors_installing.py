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

import sys

import pytest

from av_tracker_nodes.errors import how_to_install, installing


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """An interpreter of the system, whose packages the distribution manages or does not."""

    def pretend(*, managed=False, environment=False):
        monkeypatch.setattr(sys, 'executable', '/usr/bin/python3')
        monkeypatch.setattr(sys, 'base_prefix', '/usr' if environment else sys.prefix)
        monkeypatch.setattr(installing.sysconfig, 'get_path', lambda name: str(tmp_path))
        if managed:
            (tmp_path / 'EXTERNALLY-MANAGED').touch()

    return pretend


@pytest.mark.parametrize(
    'kind', [{}, {'environment': True}, {'environment': True, 'managed': True}]
)
def test_pip_is_named_where_it_works(machine, kind):
    machine(**kind)
    assert how_to_install('av', 'python3-av') == '/usr/bin/python3 -m pip install av'


def test_where_the_system_manages_packages_its_own_is_named(machine):
    machine(managed=True)
    assert how_to_install('av', 'python3-av') == 'sudo apt-get install python3-av'


def test_where_the_system_has_none_pip_is_told_to_go_on(machine):
    machine(managed=True)
    command = '/usr/bin/python3 -m pip install --user --break-system-packages rosbags'
    assert how_to_install('rosbags') == command
