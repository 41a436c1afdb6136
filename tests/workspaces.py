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

"""Programs, and colcon workspaces of their own, in which this checkout is not to be found."""

import os
import shutil
import subprocess
from pathlib import Path

from bootstrap import ROOT

OURS = ('av_tracker_msgs', 'av_tracker_nodes')


def output_of(command, **options):
    """Return what a program prints; it has to succeed."""
    process = subprocess.run(command, text=True, capture_output=True, **options)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def run(command, cwd, variables):
    """Return what a line of shell prints; it has to succeed."""
    return output_of(['bash', '-c', command], cwd=cwd, env=variables)


def without_our_packages():
    """Environment of a user who sourced ROS 2, but neither this checkout nor its workspace."""
    kept = dict(os.environ)
    for name in ('AMENT_PREFIX_PATH', 'PYTHONPATH'):
        folders = [Path(p) for p in kept.pop(name, '').split(os.pathsep) if p]
        kept[name] = os.pathsep.join(str(p) for p in folders if not holds_ours(p))
    kept['CMAKE_PREFIX_PATH'] = kept['AMENT_PREFIX_PATH']
    kept.pop('COLCON_PREFIX_PATH', None)
    return kept


def holds_ours(folder):
    """Tell whether a prefix or a folder of modules has one of our packages."""
    return any((place / name).exists() for place in (folder, folder / 'share') for name in OURS)


def copy_files(folder, target):
    """Copy what git has, or would add, of a folder of this checkout; links stay links."""
    command = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z', str(folder)]
    for name in output_of(command, cwd=ROOT).split('\0'):
        source = ROOT / name
        if name and (source.is_file() or source.is_symlink()):
            copy = target / source.relative_to(ROOT / folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
