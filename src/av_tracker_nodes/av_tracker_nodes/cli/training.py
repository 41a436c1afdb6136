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

"""Commands that train networks and export them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from av_tracker_nodes import InputError
from av_tracker_nodes.cli.options import (
    DAY,
    FOLDER,
    PATH,
    Number,
    data_option,
    jobs_option,
    out_option,
    progress_bar,
)

_cores_option = click.option(
    '--jobs', type=click.IntRange(1), help='Parallel processes; one per core if left out.'
)


@click.command()
@click.option('--model', default='avclnet', show_default=True, help='Network to train.')
@data_option
@click.option(
    '--av163',
    '--corpus',
    'av163',
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help='AV16.3 or CAV3D to learn on instead; seq18, 19, 35 and 40 without --protocol.',
)
@click.option('--protocol', help='Learn on what a publication did: see `av-tracker protocols`.')
@click.option(
    '--leaking-split',
    is_flag=True,
    help='Shuffle the frames of --protocol as published: neighbours in training and validation.',
)
@out_option
@click.option(
    '--budget', type=Number(0.0, DAY), default=100.0, show_default=True, help='Minutes to train.'
)
@click.option(
    '--seed',
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help='Seed of the weights and the samples.',
)
@click.option('--clips', type=click.IntRange(1), help='Learn on the first simulated ones only.')
@click.option(
    '--images', type=click.IntRange(1), default=24, show_default=True, help='Images in a batch.'
)
@click.option(
    '--option',
    'options',
    type=(str, str),
    multiple=True,
    metavar='NAME VALUE',
    help='Option of the network, such as: width 64, or, for stnet: paper true.',
)
@click.option(
    '--weights',
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='Torch file to start from; weights whose names and shapes fit are used.',
)
@_cores_option
def train(
    model: str,
    data: Path,
    av163: Path | None,
    protocol: str | None,
    leaking_split: bool,
    out: Path,
    budget: float,
    seed: int,
    clips: int | None,
    images: int,
    options: tuple[tuple[str, str], ...],
    weights: Path | None,
    jobs: int,
) -> None:
    """Train a network; a training that was stopped resumes."""
    from av_tracker_nodes.research.training.command import run_training

    if leaking_split and protocol is None:
        raise InputError('--leaking-split needs --protocol: it is the split of a publication')
    if leaking_split:
        click.echo('the split leaks: its validation says nothing about new recordings', err=True)
    run_training(
        model,
        data,
        out,
        budget,
        seed,
        jobs,
        progress_bar,
        av163,
        images=images,
        options={name: _number_or_flag(name, value) for name, value in options},
        pretrained=weights,
        protocol=protocol,
        leaking=leaking_split,
        clips=clips,
    )


@click.command()
@out_option
@click.option(
    '--sounds',
    type=FOLDER,
    default=Path('out/speech'),
    show_default=True,
    help='Simulated sound to learn on; rendered where it is missing.',
)
@jobs_option
def train_speech(out: Path, sounds: Path, jobs: int) -> None:
    """Fit the coefficients of speech of the acoustic stage; writes speech.json."""
    from av_tracker_nodes.research.training.speech_calibration import calibrate_speech

    calibrate_speech(out, sounds, progress_bar, jobs)


def _number_or_flag(name: str, text: str) -> float | int | bool:
    """Read a value as JSON has it: 96, 0.5, true."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, int | float):
        raise InputError(f"--option {name} is '{text}'; it must be a number, true or false")
    return value


@click.command()
@click.argument('training', type=FOLDER)
@click.option('--out', type=PATH, required=True, help='ONNX file to write.')
@click.option(
    '--threshold',
    'thresholds',
    type=(str, float),
    multiple=True,
    metavar='NAME VALUE',
    help='Threshold of an output, such as: speaking 0.4.',
)
def export(training: Path, out: Path, thresholds: tuple[tuple[str, float], ...]) -> None:
    """Write the network of a finished TRAINING as ONNX, checked against torch."""
    from av_tracker_nodes.research.training.command import run_export

    difference = run_export(training, out, dict(thresholds))
    click.echo(f'{out}: differs from torch by {difference:.1g} at most')


@click.command()
@data_option
@click.option(
    '--clips',
    type=click.IntRange(2),
    default=100,
    show_default=True,
    help='Clips for training; half as many for validation, and half as many for the test.',
)
@_cores_option
def train_lips(data: Path, clips: int, jobs: int | None) -> None:
    """Fit how the motion of a mouth tells who speaks; print the weights and how well they do."""
    from av_tracker_nodes.research.training.lips import run_lips

    result = run_lips(data, clips, jobs, progress_bar)
    click.echo(json.dumps(result, indent=2))


@click.command()
@click.option(
    '--data',
    type=FOLDER,
    default=Path('out/portraits'),
    show_default=True,
    help='Portraits of simulated people; drawn where they are missing.',
)
@out_option
@click.option(
    '--identities',
    type=click.IntRange(16, 1000),
    default=350,
    show_default=True,
    help='People for training; a sixth as many for validation, and a sixth for the test.',
)
@click.option(
    '--steps', type=click.IntRange(1), default=1500, show_default=True, help='Batches to train on.'
)
@_cores_option
def train_appearance(data: Path, out: Path, identities: int, steps: int, jobs: int | None) -> None:
    """Train the network of looks; a training that was stopped resumes.

    Writes appearance.onnx; prints the least likeness of views of one person, and how often one
    person and two different people reach it.
    """
    from av_tracker_nodes.research.training.command import require_torch

    require_torch()
    from av_tracker_nodes.research.training.appearance_training import run_appearance

    result = run_appearance(data, out, identities, steps, jobs, progress_bar)
    click.echo(json.dumps(result, indent=2))
