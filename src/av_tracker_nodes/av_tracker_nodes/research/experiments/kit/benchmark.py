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

"""What benchmarks have in common: they measure in simulated scenes, in parallel, and report."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.folders import make_folder
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import Sheet, print_sheets, publish
from av_tracker_nodes.research.parallel import all_in_processes
from av_tracker_nodes.research.progress import ProgressBar

Row = dict[str, object]


@dataclass(frozen=True)
class Options:
    """What is measured, and by how many processes.

    Attributes
    ----------
    split : str
        ``test`` or, while something is being chosen or changed, ``validation``.
    jobs : int
    """

    split: str = 'test'
    jobs: int = 1

    @property
    def scene_split(self) -> str:
        """Split that the scenes are of."""
        return self.split

    @property
    def origin(self) -> str:
        """Where the figures come from, in a sentence; empty where no document tells."""
        return ''


@dataclass(frozen=True)
class QuickOptions(Options):
    """Options of a benchmark that can be tried.

    Attributes
    ----------
    quick : bool
        A few short validation scenes instead.
    """

    quick: bool = False

    @property
    def scene_split(self) -> str:
        """Split that the scenes are of."""
        return 'validation' if self.quick else self.split


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: what an experiment states, and what is done with it.

    Attributes
    ----------
    name : str
        In ``av-tracker benchmark NAME``, and of the files.
    doing : str
        Text beside the progress bar.
    plan : callable
        Of options, the folder of the results and that of the bags: arguments of `measure` by any
        keys. Scenes that come first are begun first.
    measure : callable
        Measures in one scene; importable by other processes.
    rows : callable
        Of options and the results by key: rows of figures.
    sheets : callable
        Lays the rows out as tables.
    """

    name: str
    doing: str
    plan: Callable[[Any, Path, Path], Mapping[Hashable, tuple]]
    measure: Callable[..., Any]
    rows: Callable[[Any, Mapping[Any, Any]], Sequence[Row]]
    sheets: Callable[[list[Row]], list[Sheet]]

    @property
    def command(self) -> str:
        """Command of ``av-tracker`` that measures."""
        return f'benchmark {self.name}'

    def __call__(
        self,
        out: Path,
        options: Options,
        progress_bar: ProgressBar,
        document: Path | None = None,
        recordings: Path | None = None,
    ) -> list[Row]:
        """Measure, write the figures down and print them.

        Where results of scenes are kept, what was measured before in the same folder is not
        measured again: begin a new one when the chain has changed. Recordings serve any chain.

        Parameters
        ----------
        out : Path
            Folder for ``NAME.json``, a flat list of rows, for ``NAME.md`` where the options tell
            the origin of the figures, and for ``runs``, the results of scenes that are kept.
        options : Options
        progress_bar : ProgressBar
        document : Path, optional
            Document whose block between the two markers is replaced by the tables.
        recordings : Path, optional
            Folder of the bags; ``recordings`` in `out` if left out.

        Raises
        ------
        InputError
            When something cannot be written, a split has not as many scenes, or the packages of
            the simulator are missing.
        """
        calls = self.plan(options, out, recordings or out / 'recordings')
        make_folder(out)
        with progress_bar(self.doing) as progress:
            found = all_in_processes(self.measure, calls, options.jobs, progress)
        labels = {'simulated': True, 'split': options.scene_split}
        rows = [labels | row for row in self.rows(options, found)]
        write_json(out / f'{self.name}.json', rows)
        sheets = self.sheets(rows)
        if options.origin:
            publish(sheets, options.origin, self.command, out / f'{self.name}.md', document)
        else:
            print_sheets(sheets)
        return rows


def check_count(count: int, most: int, what: str) -> None:
    """Refuse more of something than a split has.

    Raises
    ------
    InputError
    """
    if not 1 <= count <= most:
        raise InputError(f'{count} {what}: choose 1 to {most}')


def kept(path: Path, make: Callable[[], dict]) -> dict[str, Any]:
    """Read a JSON file, which is made first where it is missing."""
    if not path.exists():
        result = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, result)
    return json.loads(path.read_text(encoding='utf-8'))
