# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Commands that simulate recordings."""

from __future__ import annotations

from pathlib import Path

import click

from av_tracker_nodes.cli.options import out_option, progress_bar, shows_input_errors


@click.command()
def scenarios() -> None:
    """List what can be simulated."""
    from av_tracker_nodes.research.simulation.scenarios import SCENARIOS

    for name, description in SCENARIOS.items():
        click.echo(f'{name:<20} {description}')


@click.command()
@click.argument('scenario')
@click.option('--seed', default=0, show_default=True, help='Voices, faces, room and paths.')
@out_option
@shows_input_errors
def simulate(scenario: str, seed: int, out: Path) -> None:
    """Simulate a recording of SCENARIO in the file layout of AV16.3."""
    from av_tracker_nodes.research.simulation.simulate import simulate as run

    with progress_bar(f'simulating {scenario}') as progress:
        sequence = run(scenario, seed, out, progress)
    click.echo(sequence)


@click.command()
@click.argument('names', nargs=-1)
@out_option
@click.option('--learning', is_flag=True, help='Those that publications learn on, too: hours.')
@shows_input_errors
def simulate_corpus(names: tuple[str, ...], out: Path, learning: bool) -> None:
    """Simulate stand-ins of the sequences of AV16.3 and CAV3D; those that are there are kept.

    NAMES are corpora or sequences, such as AV16.3 or seq24; the sequences of all protocols where
    left out.
    """
    from av_tracker_nodes.research.simulation.stand_ins import choose_stand_ins, make_stand_ins

    chosen = choose_stand_ins(names, learning)
    with progress_bar('simulating') as progress:
        for folder in make_stand_ins(chosen, out, progress):
            click.echo(folder)
