# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The command that demonstrates: it simulates, tracks and shows."""

from __future__ import annotations

from pathlib import Path

import click

from av_tracker_nodes.cli.options import FOLDER, progress_bar, shows_input_errors


@click.command()
@click.option('--out', type=FOLDER, default=Path('out/demo'), show_default=True)
@click.option(
    '--seed',
    type=click.IntRange(0),
    default=7,
    show_default=True,
    help='Voices, faces, room and paths.',
)
@shows_input_errors
def demo(out: Path, seed: int) -> None:
    """Simulate two people who talk and cross, track them live, and show the result."""
    from av_tracker_nodes.research.demo import run_demo

    run_demo(out, seed, progress_bar)
