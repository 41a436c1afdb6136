# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The two packages alone, as a release has them, build and track a recording live."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from bootstrap import ROOT
from tiny_recording import write_bag
from workspaces import OURS, copy_files, run, without_our_packages

pytestmark = [
    pytest.mark.graph,
    pytest.mark.skipif(
        importlib.util.find_spec('rclpy') is None or shutil.which('colcon') is None,
        reason='needs rclpy and colcon',
    ),
]


@pytest.fixture(scope='module')
def variables():
    return without_our_packages()


@pytest.fixture(scope='module')
def workspace(tmp_path_factory, variables):
    """Workspace of copies of the packages, built."""
    workspace = tmp_path_factory.mktemp('standalone')
    sources = [Path('src') / name for name in OURS]
    if 'absent' in run('python -c "import tf2_msgs" || echo absent', workspace, variables):
        sources.append(Path('ros2_ws/fallback/tf2_msgs'))
    for source in sources:
        copy_files(source, workspace / 'src' / source.name)
    assert not [path for path in workspace.rglob('*') if not path.exists()]
    run('colcon build', workspace, variables)
    return workspace


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
