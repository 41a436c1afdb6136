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

"""Each package alone, as a release has it, builds, passes its tests, tracks a recording live."""

import importlib.util
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bootstrap import ROOT
from tiny_recording import write_bag
from workspaces import copy_files, run, without_our_packages

pytestmark = [
    pytest.mark.slow,
    pytest.mark.graph,
    pytest.mark.skipif(
        importlib.util.find_spec('rclpy') is None or shutil.which('colcon') is None,
        reason='needs rclpy and colcon',
    ),
]


@pytest.fixture(scope='module')
def variables():
    return without_our_packages()


def build(workspace, sources, variables, underlay=None):
    """Build copies of packages on top of what is installed of another workspace."""
    for source in sources:
        copy_files(source, workspace / 'src' / source.name)
    assert not [path for path in workspace.rglob('*') if not path.exists()]
    source = f'. {underlay}/install/setup.bash && ' if underlay else ''
    run(f'{source}colcon build', workspace, variables)
    return workspace


@pytest.fixture(scope='module')
def messages(tmp_path_factory, variables):
    """Workspace of the messages alone."""
    workspace = tmp_path_factory.mktemp('messages')
    sources = [Path('src/av_tracker_msgs')]
    if 'absent' in run('python -c "import tf2_msgs" || echo absent', workspace, variables):
        sources.append(Path('ros2_ws/fallback/tf2_msgs'))
    return build(workspace, sources, variables)


@pytest.fixture(scope='module')
def workspace(tmp_path_factory, messages, variables):
    """Workspace of the nodes alone, on top of that of the messages."""
    workspace = tmp_path_factory.mktemp('nodes')
    return build(workspace, [Path('src/av_tracker_nodes')], variables, messages)


def test_nothing_of_the_checkout_is_in_the_installation(workspace):
    sources = str(ROOT / 'src')
    texts = (p for p in (workspace / 'install').rglob('*') if p.suffix in ('.sh', '.py', '.txt'))
    assert not [path for path in texts if sources in path.read_text(errors='replace')]
    assert not [path for path in (workspace / 'install').rglob('*') if not path.exists()]


def test_the_installed_nodes_track_a_recording(workspace, variables, tmp_path):
    recording = write_bag(tmp_path / 'bag')
    executables = workspace / 'install/av_tracker_nodes/lib/av_tracker_nodes'
    source = f'. {workspace}/install/setup.bash'
    found = run(
        f'{source} && python -c "import av_tracker_nodes as n; print(n.__file__)"',
        tmp_path,
        variables,
    )
    assert Path(found).is_relative_to(workspace / 'install')
    run(f'{source} && {executables}/av-tracker replay bag --out out', tmp_path, variables)
    report = json.loads((tmp_path / 'out/run.json').read_text())
    assert report['frames_answered'] == report['frames_in'] == len(recording.image_stamps)
    assert (tmp_path / 'out/tracks.csv').read_text().count('\n') > 10


@pytest.mark.parametrize('package', ['av_tracker_msgs', 'av_tracker_nodes'])
def test_a_package_says_its_licence_and_what_has_changed(package):
    folder = ROOT / 'src' / package
    assert (folder / 'LICENSE').read_bytes() == (ROOT / 'LICENSE').read_bytes()
    text = (folder / 'CHANGELOG.rst').read_text()
    assert f'\nChangelog for package {package}\n' in text
    assert '\nForthcoming\n' in text
    version = ElementTree.parse(folder / 'package.xml').findtext('version')
    assert f'\n{version}\n{"-" * len(version)}\n* ' in text


def test_colcon_runs_the_tests_of_the_package(workspace, messages, variables):
    command = 'colcon test --return-code-on-test-failure --packages-select av_tracker_nodes'
    run(f'. {messages}/install/setup.bash && {command}', workspace, variables)
    (suite,) = ElementTree.parse(workspace / 'build/av_tracker_nodes/pytest.xml').iter('testsuite')
    assert int(suite.get('tests')) >= 300
    assert {suite.get(kind) for kind in ('errors', 'failures', 'skipped')} == {'0'}


def test_the_installed_executables_start(workspace, variables, tmp_path):
    """By their entry points, as `ros2 run` and `ros2 launch` start them."""
    import rclpy

    folder = workspace / 'install/av_tracker_nodes/lib/av_tracker_nodes'
    names = ('fusion', 'tracker')
    context = rclpy.Context()
    context.init()
    observer = rclpy.create_node('observer', context=context)
    started = [
        subprocess.Popen(
            ['bash', '-c', f'. {workspace}/install/setup.bash && exec {folder / name}'],
            cwd=tmp_path,
            env=variables,
        )
        for name in names
    ]
    try:
        until = time.monotonic() + 60
        while not set(names) <= set(observer.get_node_names()):
            assert [process.poll() for process in started] == [None] * len(names)
            assert time.monotonic() < until, observer.get_node_names()
            time.sleep(0.2)
    finally:
        for process in started:
            process.send_signal(signal.SIGINT)
        for process in started:
            process.wait(30)
        observer.destroy_node()
        context.try_shutdown()
