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

"""What ``av-tracker reproduce`` does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.protocols import Protocol, find_protocol
from av_tracker_nodes.research.experiments.kit.models import open_model
from av_tracker_nodes.research.experiments.reproduction.ablation_files import read_ablations
from av_tracker_nodes.research.experiments.reproduction.reproduction_page import (
    Report,
    write_report,
)
from av_tracker_nodes.research.experiments.reproduction.runs import Entry, run_view
from av_tracker_nodes.research.experiments.reproduction.tables import measured_row, published_rows
from av_tracker_nodes.research.experiments.reproduction.views import View, find_views, run_names
from av_tracker_nodes.research.parallel import in_processes, or_input_error
from av_tracker_nodes.research.progress import Progress, ProgressBar


def reproduce(
    name: str,
    root: Path,
    entries: Sequence[Entry],
    out: Path,
    jobs: int,
    progress_bar: ProgressBar,
    ablations: Sequence[Path] = (),
    runs: Path | None = None,
) -> Report:
    """Track and score every recording of a protocol with every entry, and write the report.

    Runs that were finished before are kept, so what was stopped goes on.

    Parameters
    ----------
    name : str
        Of the protocol.
    root : Path
        Directory of the corpus, or of its stand-ins.
    entries : sequence of Entry
        Rows to measure.
    out : Path
        Folder of the report.
    jobs : int
        Processes.
    progress_bar : ProgressBar
    ablations : sequence of Path
        Files of ``benchmark ablations``, to be drawn.
    runs : Path, optional
        Folder of the runs, which may be shared with other protocols; ``out/runs`` if left out.

    Raises
    ------
    InputError
        When there is no such protocol, corpus, model, or two entries have one name.
    """
    protocol = find_protocol(name)
    titles = [entry.name for entry in entries]
    if len(set(titles)) < len(titles):
        raise InputError(f'rows need different names: {", ".join(titles)}')
    teams = _teams(entries)
    found = tuple(read_ablations(path) for path in ablations)
    views, missing = find_views(protocol, root)
    with progress_bar(f'{protocol.name}: {len(views)} recordings') as advance:
        results, failed = _run_all(protocol, views, teams, runs or out / 'runs', jobs, advance)
    names = run_names(protocol)
    measured = [
        measured_row(
            entry,
            protocol,
            {run: result['metrics'] for run, result in results[entry.name].items()},
            len(names),
        )
        for entry in entries
    ]
    report = Report(
        protocol,
        any(view.open().simulated for view in views),
        tuple(names),
        tuple(missing),
        tuple(failed),
        (*published_rows(protocol), *measured),
        results,
        found,
    )
    write_report(report, out)
    return report


def make_entries(
    models: str, results: Sequence[str] = (), truth_initialised: Sequence[str] = ()
) -> list[Entry]:
    """Make entries of what the command line says.

    Parameters
    ----------
    models : str
        Names or ONNX files, with commas between.
    results : sequence of str
        ``NAME=DIR`` of each tracker of somebody else.
    truth_initialised : sequence of str
        Names of those that were told where people are at the start.

    Raises
    ------
    InputError
        When there is nothing to measure, or a text has another form.
    """
    entries = [Entry(Path(m).stem, m) for m in _listed(models)]
    for text in results:
        name, equals, folder = text.partition('=')
        if not (name and equals and Path(folder).is_dir()):
            raise InputError(f"'{text}' is not NAME=DIR with a folder that exists")
        entries.append(Entry(name, '', Path(folder), name in truth_initialised))
    unknown = set(truth_initialised) - {entry.name for entry in entries if entry.results}
    if unknown:
        raise InputError(f'{", ".join(sorted(unknown))}: no --results of that name')
    if not entries:
        raise InputError('nothing to measure: name --models or --results')
    return entries


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(',') if part.strip()]


def _teams(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Put models together that are given the same; results of somebody else stay alone."""
    teams: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        given = f'={entry.name}' if entry.results is not None else open_model(entry.model).measure
        teams[given].append(entry)
    return list(teams.values())


def _run_all(
    protocol: Protocol,
    views: Sequence[View],
    teams: Sequence[Sequence[Entry]],
    runs: Path,
    jobs: int,
    advance: Progress,
) -> tuple[dict[str, dict[str, dict]], list[tuple[str, str, str]]]:
    """Return the results by row and run, in the order of the protocol, and what failed."""
    tasks = {
        (number, view.run): (team, view, protocol, runs)
        for view in views
        for number, team in enumerate(teams)
    }
    found, failed = {}, []
    run = partial(or_input_error, run_view)
    for done, ((number, name), result) in enumerate(in_processes(run, tasks, jobs), 1):
        rows = [entry.name for entry in teams[number]]
        if isinstance(result, InputError):
            failed += [(row, name, str(result)) for row in rows]
        else:
            found |= {(row, name): result[row] for row in rows}
        advance(done / len(tasks), f'{name}, {", ".join(rows)}')
    entries = [entry for team in teams for entry in team]
    results = {
        entry.name: {
            view.run: found[entry.name, view.run]
            for view in views
            if (entry.name, view.run) in found
        }
        for entry in entries
    }
    return results, sorted(failed)
