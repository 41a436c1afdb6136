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

"""Files that come with the package beside its code."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.errors import InputError

PACKAGE = 'av_tracker_nodes'


def shipped_file(name: str, folder: str = 'launch') -> Path:
    """Find a file of a folder such as ``launch``: in the installation, else beside the code.

    Raises
    ------
    InputError
        When it is in neither.
    """
    for candidate in _folders(folder):
        if (candidate / name).is_file():
            return candidate / name
    raise InputError(f'{name} is not in the installation of {PACKAGE}; build it anew')


def shipped_names(folder: str, suffix: str) -> list[str]:
    """Names, without their suffix, of the files of a folder that come with the package."""
    for candidate in _folders(folder):
        if candidate.is_dir():
            return sorted(file.stem for file in candidate.glob(f'*{suffix}'))
    return []


def _folders(folder: str) -> list[Path]:
    """Places where a folder can be, in the order in which they are looked through."""
    package = Path(__file__).resolve().parents[1]
    installed = [parent / 'share' / PACKAGE / folder for parent in package.parents]
    return [*installed, package.parent / folder]
