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

"""The command that demonstrates: it simulates, tracks and shows."""

from __future__ import annotations

from pathlib import Path

import click

from av_tracker_nodes.cli.options import FOLDER, progress_bar


@click.command()
@click.option('--out', type=FOLDER, default=Path('out/demo'), show_default=True)
@click.option(
    '--seed',
    type=click.IntRange(0),
    default=7,
    show_default=True,
    help='Seed of voices, faces, room and paths.',
)
def demo(out: Path, seed: int) -> None:
    """Simulate two people who talk and cross, track them live, and show the result."""
    from av_tracker_nodes.research.demo import run_demo

    run_demo(out, seed, progress_bar)
