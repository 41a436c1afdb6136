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

"""A checkout in somebody else's workspace builds with plain colcon, after ``make demo`` too."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from bootstrap import ROOT, choose_target
from workspaces import OURS, copy_files, run, without_our_packages

WORKSPACE = choose_target(os.environ).workspace
PACKAGE = ROOT / 'src/av_tracker_nodes'

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        Path(sys.prefix) != choose_target(os.environ).venv,
        reason='this interpreter was not set up by scripts/bootstrap.py',
    ),
]


@pytest.fixture(scope='module')
def variables():
    return without_our_packages()


@pytest.fixture(scope='module')
def outer(tmp_path_factory, variables):
    """Workspace that holds a used checkout, with the nodes built, on messages of before."""
    workspace = tmp_path_factory.mktemp('outer')
    checkout = workspace / 'src' / 'av_tracker'
    copy_files('.', checkout)
    used = checkout / WORKSPACE.relative_to(ROOT)
    for folder in ('src', 'build', 'install'):
        shutil.copytree(WORKSPACE / folder, used / folder, symlinks=True)
    (checkout / '.venv').symlink_to(sys.prefix)
    messages = WORKSPACE / 'install'
    paths = os.pathsep.join([str(messages), variables['AMENT_PREFIX_PATH']])
    command = 'colcon build --packages-ignore av_tracker_msgs'
    run(command, workspace, {**variables, 'AMENT_PREFIX_PATH': paths})
    return workspace


def check_imported(outer, variables, *modules):
    names = ', '.join(modules)
    code = f'import {names}; print(*(m.__file__ for m in ({names},)), sep="\\n")'
    command = f'. install/setup.bash && python -c {shlex.quote(code)}'
    files = run(command, outer, variables).splitlines()
    assert len(files) == len(modules)
    assert all(Path(file).is_relative_to(outer / 'install') for file in files)


def test_our_two_packages_are_found_and_installed_in_the_outer_workspace(outer, variables):
    found = run('colcon list --names-only', outer, variables)
    assert found.split() == list(OURS)
    check_installed(outer)
    check_imported(outer, variables, 'av_tracker_nodes')


@pytest.mark.slow
def test_plain_colcon_builds_the_messages_as_well(outer, variables):
    run('colcon build', outer, variables)
    check_installed(outer)
    check_imported(outer, variables, 'av_tracker_nodes', 'av_tracker_msgs.msg')
    code = 'import av_tracker_msgs.msg as m; m.SpeakerTrackArray.__import_type_support__()'
    run(f'. install/setup.bash && python -c {shlex.quote(code)}', outer, variables)


@pytest.mark.slow
def test_the_same_is_installed_by_links(outer, variables):
    run('colcon build --packages-select av_tracker_nodes --symlink-install', outer, variables)
    check_installed(outer)


def check_installed(outer):
    """Hold the files that are installed against those of the package; nothing strays."""
    share = outer / 'install/av_tracker_nodes/share/av_tracker_nodes'
    for folder in ('launch', 'models', 'calibration', 'rigs', 'security'):
        # Running the launch files leaves bytecode beside them, which setup.py passes over.
        found = (p for p in (PACKAGE / folder).rglob('*') if '__pycache__' not in p.parts)
        files = {p.relative_to(PACKAGE) for p in found if p.is_file()}
        installed = {p.relative_to(share) for p in (share / folder).rglob('*') if p.is_file()}
        assert installed == files
    executables = outer / 'install/av_tracker_nodes/lib/av_tracker_nodes'
    for example in (PACKAGE / 'examples').glob('*.py'):
        assert os.access(executables / example.name, os.X_OK) == os.access(example, os.X_OK)
    assert {p.name for p in outer.iterdir()} == {'src', 'build', 'install', 'log'}
    assert not list((outer / 'src/av_tracker/src').rglob('*.egg-info'))
