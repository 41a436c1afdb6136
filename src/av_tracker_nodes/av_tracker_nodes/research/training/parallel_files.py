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

"""Files of training data: each is made once, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from av_tracker_nodes.recordings.folders import make_folder
from av_tracker_nodes.research.parallel import in_processes
from av_tracker_nodes.research.progress import Progress


def make_missing(
    make: Callable[..., None],
    tasks: Mapping[Path, tuple],
    jobs: int,
    progress: Progress | None = None,
) -> list[Path]:
    """Make the files that are not there yet.

    Parameters
    ----------
    make : callable
        Importable by other processes; called with the arguments of a task and the path to write.
    tasks : mapping of Path to tuple
        Files, and the arguments by which they are made; folders are made where they are missing.
    jobs : int
        Processes.
    progress : Progress, optional

    Returns
    -------
    list of Path
        All files, in the order of the tasks.

    Raises
    ------
    InputError
        A folder cannot be written; and what `make` raises.
    """
    for folder in {path.parent for path in tasks}:
        make_folder(folder)
    report = progress or (lambda share: None)
    missing = {path: (make, *rest, path) for path, rest in tasks.items() if not path.exists()}
    for done, _ in enumerate(in_processes(_make_whole, missing, jobs), 1):
        report(1 - (len(missing) - done) / len(tasks))
    report(1.0)
    return list(tasks)


def _make_whole(make: Callable[..., None], *arguments: object) -> None:
    """Write under another name first: a file that was broken off is not there."""
    *rest, path = arguments
    partial = path.with_suffix('.partial.npz')
    make(*rest, partial)
    partial.replace(path)
