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

"""Commands that simulate recordings."""

from __future__ import annotations

from pathlib import Path

import click

from av_tracker_nodes import InputError
from av_tracker_nodes.cli.options import (
    DAY,
    Number,
    out_option,
    progress_bar,
)

_RIG_SECONDS = 20.0


@click.command()
def scenarios() -> None:
    """List what can be simulated."""
    from av_tracker_nodes.research.simulation.rig_scripts import RIG_SCENARIOS
    from av_tracker_nodes.research.simulation.scenarios import SCENARIOS

    for name, description in SCENARIOS.items():
        click.echo(f'{name:<20} {description}')
    click.echo('\nwith --rig:')
    for name, description in RIG_SCENARIOS.items():
        click.echo(f'{name:<20} {description}')


@click.command()
@click.argument('scenario', default='')
@click.option(
    '--seed',
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help='Seed of voices, faces, room and paths.',
)
@click.option(
    '--rig', default='', help='Rig by name, or a file: writes the bag that it would record.'
)
@click.option(
    '--seconds',
    type=Number(1.0, DAY),
    help=f'Length with --rig (s).  [default: {_RIG_SECONDS:g}]',
)
@out_option
def simulate(scenario: str, seed: int, rig: str, seconds: float | None, out: Path) -> None:
    """Simulate a recording of SCENARIO in the file layout of AV16.3.

    With --rig it writes a bag of people in front of that rig; SCENARIO is two_talking unless
    given.
    """
    if rig:
        click.echo(_simulate_rig(scenario, seed, rig, seconds or _RIG_SECONDS, out))
        return
    if seconds is not None:
        raise InputError('--seconds needs --rig: other scenarios have a length of their own')
    if not scenario:
        raise InputError('name a SCENARIO, of which av-tracker scenarios has a list, or a --rig')
    from av_tracker_nodes.research.simulation.simulate import simulate as run

    with progress_bar(f'simulating {scenario}') as progress:
        sequence = run(scenario, seed, out, progress)
    click.echo(sequence)


def _simulate_rig(scenario: str, seed: int, rig: str, seconds: float, out: Path) -> Path:
    from av_tracker_nodes.research.simulation.rig_bag import simulate_rig
    from av_tracker_nodes.research.simulation.rig_scripts import RIG_SCENARIOS

    chosen = scenario or next(iter(RIG_SCENARIOS))
    with progress_bar(f'simulating {chosen}') as progress:
        return simulate_rig(rig, chosen, seed, out, seconds, progress)


@click.command()
@click.argument('names', nargs=-1)
@out_option
@click.option('--learning', is_flag=True, help='Also the sequences for training; takes hours.')
def simulate_corpus(names: tuple[str, ...], out: Path, learning: bool) -> None:
    """Simulate stand-ins of the sequences of AV16.3 and CAV3D; existing ones are kept.

    NAMES are corpora or sequences, such as AV16.3 or seq24; without NAMES the sequences of all
    protocols are simulated.
    """
    from av_tracker_nodes.research.simulation.stand_ins import choose_stand_ins, make_stand_ins

    chosen = choose_stand_ins(names, learning)
    with progress_bar('simulating') as progress:
        for folder in make_stand_ins(chosen, out, progress):
            click.echo(folder)
