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

"""Figures of a report; each says of what kind the recordings are."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from av_tracker_nodes.research.evaluation.curves import roc
from av_tracker_nodes.research.experiments.reproduction.ablation_files import Ablations
from av_tracker_nodes.research.experiments.reproduction.tables import PUBLISHED_KIND, Row
from av_tracker_nodes.viewing.palette import colour_of

_GRID = '0.9'
_HATCHES = ('///', '...', '\\\\\\', 'xxx', '', '|||', 'ooo', '---', '+++')
"""Of published rows, in order."""
_GREYS = '0.9', '0.75', '0.6'
"""Of published rows in turn; bars beside each other differ."""
_COLUMNS = 3
_SMOOTH = 0.4
_MOST_PIXELS = 60.0


def error_bars(rows: Sequence[Row], runs: Sequence[str], kind: str) -> Figure:
    """Draw the error of each run as bars; rows have colours, published ones greys and hatches."""
    shown = [row for row in rows if row.runs.get('mae_px')]
    figure, axes = _figure(12, 4.2)
    width = 0.8 / max(len(shown), 1)
    colour = hatch = 0
    for number, row in enumerate(shown):
        values = [row.runs['mae_px'].get(run) for run in runs]
        heights = [np.nan if value is None else value for value in values]
        published = row.kind == PUBLISHED_KIND
        colour += not published
        hatch += published
        axes.bar(
            np.arange(len(runs)) - 0.4 + (number + 0.5) * width,
            heights,
            width,
            label=row.name + (' (published, real recordings)' if published else ''),
            color=_GREYS[hatch % len(_GREYS)] if published else colour_of(colour),
            hatch=_HATCHES[(hatch - 1) % len(_HATCHES)] if published else None,
            edgecolor='0.4',
            linewidth=0.4,
        )
    axes.set_xticks(range(len(runs)), runs, rotation=40, ha='right', fontsize=8)
    axes.set_ylabel('MAE (pixels)')
    axes.set_title(f'Error of each run: {kind}')
    axes.grid(axis='y', color=_GRID)
    axes.set_axisbelow(True)
    axes.legend(fontsize=7, ncols=2)
    return figure


def error_over_time(results: Mapping[str, Mapping[str, Mapping]], kind: str) -> Figure:
    """Draw the error over time, a panel for each run, a line for each row.

    Parameters
    ----------
    results : mapping
        By run, then by row: what `runs.run_view` returns.
    kind : str
        Of the recordings.
    """
    runs = list(results)
    lines = -(-len(runs) // _COLUMNS)
    figure = Figure(figsize=(12, 2.1 * lines + 0.6), dpi=100, layout='constrained')
    panels = figure.subplots(lines, _COLUMNS, squeeze=False, sharey=True)
    for panel in panels.flat[len(runs) :]:
        panel.set_visible(False)
    for panel, run in zip(panels.flat, runs, strict=False):
        for number, (name, result) in enumerate(results[run].items(), 1):
            times, errors = result['times'], _smoothed(result['times'], result['errors'])
            clipped = np.minimum(errors, _MOST_PIXELS)
            panel.plot(times, clipped, color=colour_of(number), lw=0.9, label=name)
        panel.set_title(run, fontsize=9)
        panel.set_ylim(0, _MOST_PIXELS)
        panel.grid(color=_GRID)
    for panel in panels[-1]:
        panel.set_xlabel('time (s)')
    for row in panels:
        row[0].set_ylabel('error (pixels)')
    panels[0, 0].legend(fontsize=7)
    figure.suptitle(f'Error over time, cut at {_MOST_PIXELS:g} pixels: {kind}', fontsize=11)
    return figure


def speaking_roc(results: Mapping[str, Sequence[Mapping]], kind: str) -> Figure | None:
    """Draw how well speaking is told; None where nobody is labelled.

    Parameters
    ----------
    results : mapping
        By row: what `runs.run_view` returned of each run.
    kind : str
        Of the recordings.
    """
    curves = {
        name: roc(*(np.concatenate([run[key] for run in runs]) for key in ('speaks', 'said')))
        for name, runs in results.items()
    }
    if all(np.isnan(area) for _, _, area in curves.values()):
        return None
    figure, axes = _figure(5.2, 4.6)
    for number, (name, (false, true, area)) in enumerate(curves.items(), 1):
        if np.isfinite(area):
            axes.plot(false, true, color=colour_of(number), label=f'{name}: area {area:.3f}')
    axes.plot([0, 1], [0, 1], color='0.7', lw=0.8, ls='--')
    axes.set(
        xlabel='silent people said to speak',
        ylabel='speaking people said to speak',
        title=f'Speaking: {kind}',
        xlim=(0, 1),
        ylim=(0, 1),
    )
    axes.grid(color=_GRID)
    axes.legend(fontsize=8, loc='lower right')
    return figure


def ablations(found: Ablations) -> Figure:
    """Draw the change of MOTA that each variant brings, with its interval.

    These are recordings of their own, always simulated, whatever the report is on.
    """
    figure, axes = _figure(8, 1.4 + 0.28 * len(found.changes))
    places = -np.arange(len(found.changes))
    changes = np.array(list(found.changes.values()))
    means, low, high = changes.T
    axes.errorbar(
        means, places, xerr=[means - low, high - means], fmt='o', color=colour_of(2), capsize=3
    )
    axes.axvline(0, color='0.7', lw=0.8, ls='--')
    axes.set_yticks(places, list(found.changes), fontsize=8)
    axes.set_xlabel('change of MOTA against the whole network (points, 95 % intervals)')
    axes.set_title(f'Ablations of {found.name}: {found.protocol}', fontsize=9)
    axes.grid(axis='x', color=_GRID)
    return figure


def data_uri(figure: Figure) -> str:
    """Turn a figure into the text that an HTML page can hold."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png')
    return 'data:image/png;base64,' + base64.b64encode(buffer.getvalue()).decode()


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PDF."""
    figure.savefig(path, format='pdf', metadata={'CreationDate': None})


def _figure(width: float, height: float) -> tuple:
    figure = Figure(figsize=(width, height), dpi=100, facecolor='white', layout='constrained')
    return figure, figure.subplots()


def _smoothed(times: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Average over `_SMOOTH` seconds of what is known."""
    errors = np.asarray(errors, float)
    if len(errors) < 2:
        return errors
    count = max(round(_SMOOTH / float(np.median(np.diff(times)))), 1)
    known, box = np.isfinite(errors), np.ones(count)
    total = np.convolve(np.where(known, errors, 0), box, 'same')
    weight = np.convolve(known, box, 'same')
    mean = np.divide(total, weight, out=np.full(len(errors), np.nan), where=weight > 0.5)
    return np.where(known, mean, np.nan)
