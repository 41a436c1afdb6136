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

"""Commands that compare tracks with the truth and with publications."""

from __future__ import annotations

from pathlib import Path

import click

from av_tracker_nodes.cli.options import (
    FOLDER,
    PATH,
    jobs_option,
    out_option,
    progress_bar,
)


@click.command()
@click.argument('run_dir', metavar='DIR', type=FOLDER)
@click.option('--truth', type=FOLDER, required=True, help='Folder of the sequence with the truth.')
@click.option('--camera', type=click.IntRange(1, 5), default=1, show_default=True)
def evaluate(run_dir: Path, truth: Path, camera: int) -> None:
    """Compare the tracks in DIR with the truth; prints a table, writes metrics.json."""
    from av_tracker_nodes.research.evaluation.metrics import evaluate as run
    from av_tracker_nodes.research.evaluation.table import print_table

    print_table([run(run_dir, truth, camera)])


@click.command()
@click.argument('protocol')
@click.option('--data', type=FOLDER, required=True, help='AV16.3, CAV3D, or their stand-ins.')
@click.option(
    '--models',
    default='avclnet,vggcf,visual,audio',
    show_default=True,
    help='Fusion models or ONNX files, with commas between; may be empty.',
)
@click.option(
    '--results',
    multiple=True,
    metavar='NAME=DIR',
    help='Tracks of another tracker: SEQUENCE-camN/tracks.csv, or SEQUENCE-camN.txt of MOT.',
)
@click.option(
    '--truth-initialised',
    multiple=True,
    metavar='NAME',
    help='Name of --results that started from the truth; marked in the table.',
)
@click.option(
    '--ablations',
    type=PATH,
    multiple=True,
    help='ablations_NAME.json of `benchmark ablations` to draw.',
)
@out_option
@jobs_option
def reproduce(
    protocol: str,
    data: Path,
    models: str,
    results: tuple[str, ...],
    truth_initialised: tuple[str, ...],
    ablations: tuple[Path, ...],
    out: Path,
    jobs: int,
) -> None:
    """Make the tables of publications with rows of this tracker; finished runs are kept.

    PROTOCOL is one of `av-tracker protocols`, or `all` of them that DATA has recordings for.
    Writes index.html, results.json, results.md and the figures as PDF. The exit status is 1 when a
    recording is missing or a run failed.
    """
    from av_tracker_nodes.research.experiments.reproduction.all_protocols import ALL, reproduce_all
    from av_tracker_nodes.research.experiments.reproduction.command import make_entries
    from av_tracker_nodes.research.experiments.reproduction.command import reproduce as run

    entries = make_entries(models, results, truth_initialised)
    if protocol == ALL:
        reports = reproduce_all(data, entries, out, jobs, progress_bar, ablations)
    else:
        reports = [run(protocol, data, entries, out, jobs, progress_bar, ablations)]
    click.echo((out / 'results.md').read_text())
    click.echo(out / 'index.html')
    if any(report.missing or report.failed for report in reports):
        raise click.exceptions.Exit(1)


@click.command()
def protocols() -> None:
    """List the published evaluations, and the training data of publications."""
    from av_tracker_nodes.research.datasets.protocols import PROTOCOLS
    from av_tracker_nodes.research.datasets.training_protocols import TRAINING_PROTOCOLS

    for protocol in PROTOCOLS.values():
        click.echo(f'{protocol.name:<16} {protocol.title}: {", ".join(protocol.sequences)}')
    click.echo('\nto learn on:')
    for protocol in TRAINING_PROTOCOLS.values():
        click.echo(f'{protocol.name:<16} {protocol.corpus}: {", ".join(protocol.sequences)}')
