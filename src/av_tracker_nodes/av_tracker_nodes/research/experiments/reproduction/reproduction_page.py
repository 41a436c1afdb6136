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

"""Write a reproduction as an HTML page, JSON, and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import jinja2

from av_tracker_nodes import __version__
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.datasets.protocols import AVERAGING, Protocol
from av_tracker_nodes.research.experiments.reproduction import figures
from av_tracker_nodes.research.experiments.reproduction.ablation_files import Ablations
from av_tracker_nodes.research.experiments.reproduction.tables import (
    LABELS,
    SUMMED,
    Row,
    scores_by_run,
)
from av_tracker_nodes.research.experiments.reproduction.tracking import WARM_UP

SIMULATED, REAL = 'simulated stand-ins', 'real recordings'

_FIGURES = 'figures'


@dataclass(frozen=True)
class Report:
    """What a reproduction found.

    Attributes
    ----------
    protocol : Protocol
    simulated : bool
        Whether the recordings are.
    runs : tuple of str
        All of the protocol, in order.
    missing : tuple of str
        Runs whose recordings are not there.
    failed : tuple of (str, str, str)
        Row, run, and why it has no scores.
    rows : tuple of Row
    results : mapping
        By row, then by run: what `runs.run_view` returns.
    ablations : tuple of Ablations
    """

    protocol: Protocol
    simulated: bool
    runs: tuple[str, ...]
    missing: tuple[str, ...]
    failed: tuple[tuple[str, str, str], ...]
    rows: tuple[Row, ...]
    results: Mapping[str, Mapping[str, Mapping]]
    ablations: tuple[Ablations, ...] = ()

    @property
    def kind(self) -> str:
        """What the recordings are."""
        return SIMULATED if self.simulated else REAL


def write_report(report: Report, out: Path) -> list[Path]:
    """Write ``index.html``, ``results.json``, ``results.md`` and the figures as PDF.

    Parameters
    ----------
    report : Report
    out : Path
        Folder, made where it is missing.

    Returns
    -------
    list of Path
        Of the page, the JSON file and the Markdown file.
    """
    (out / _FIGURES).mkdir(parents=True, exist_ok=True)
    drawn = _draw(report)
    for name, figure in drawn.items():
        figures.save(figure, out / _FIGURES / f'{name}.pdf')
    content = {
        'report': report,
        'protocol': report.protocol,
        'labels': LABELS,
        'summed': SUMMED,
        'by_run': scores_by_run(report.rows, report.protocol),
        'averaging': AVERAGING,
        'warm_up': WARM_UP,
        'version': __version__,
        'figures': {name: figures.data_uri(figure) for name, figure in drawn.items()},
        'simulated_scenes': {_ablation_figure(found) for found in report.ablations},
    }
    paths = [out / 'index.html', out / 'results.json', out / 'results.md']
    for path, template in ((paths[0], 'report.html.jinja'), (paths[2], 'report.md.jinja')):
        path.write_text(
            _environment(path.suffix == '.html').get_template(template).render(content)
        )
    write_json(paths[1], _as_json(report))
    return paths


def write_overview(reports: Sequence[Report], out: Path) -> None:
    """Write a page with the scores of several reports below it, and their tables as one file.

    Parameters
    ----------
    reports : sequence of Report
    out : Path
        Folder; each report is in a folder of its protocol's name in it.
    """
    content = {
        'reports': reports,
        'labels': LABELS,
        'summed': SUMMED,
        'averaging': AVERAGING,
        'version': __version__,
    }
    page = _environment(True).get_template('overview.html.jinja').render(content)
    (out / 'index.html').write_text(page)
    tables = [(out / report.protocol.name / 'results.md').read_text() for report in reports]
    (out / 'results.md').write_text('\n'.join(tables))


def _environment(escaped: bool) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader('av_tracker_nodes.research.experiments.reproduction'),
        autoescape=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def _draw(report: Report) -> dict:
    """Draw every figure that there is something for, by name."""
    by_run = {
        run: {name: runs[run] for name, runs in report.results.items() if run in runs}
        for run in report.runs
    }
    by_run = {run: results for run, results in by_run.items() if results}
    drawn = {'error_by_run': figures.error_bars(report.rows, report.runs, report.kind)}
    if by_run:
        drawn['error_over_time'] = figures.error_over_time(by_run, report.kind)
        listed = {name: list(runs.values()) for name, runs in report.results.items() if runs}
        speaking = figures.speaking_roc(listed, report.kind)
        if speaking is not None:
            drawn['speaking_roc'] = speaking
    for found in report.ablations:
        drawn[_ablation_figure(found)] = figures.ablations(found)
    return drawn


def _ablation_figure(found: Ablations) -> str:
    return f'ablations_{found.name}'


def _as_json(report: Report) -> dict:
    metrics = {
        name: {run: result['metrics'] for run, result in runs.items()}
        for name, runs in report.results.items()
    }
    return {
        'version': __version__,
        'data': 'simulated' if report.simulated else 'real',
        'protocol': asdict(report.protocol),
        'averaging': AVERAGING,
        'warm_up_s': WARM_UP,
        'runs': list(report.runs),
        'missing': list(report.missing),
        'failed': [list(failure) for failure in report.failed],
        'rows': [asdict(row) for row in report.rows],
        'metrics': metrics,
        'ablations': [asdict(found) for found in report.ablations],
    }
