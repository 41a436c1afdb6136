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

"""The demonstration: a simulated recording, tracked by the live nodes."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from av_tracker_nodes import DEFAULT_MODEL
from av_tracker_nodes.launching.replay import replay
from av_tracker_nodes.research.datasets.convert import convert_sequence
from av_tracker_nodes.research.evaluation.loop import write_loop
from av_tracker_nodes.research.evaluation.metrics import evaluate
from av_tracker_nodes.research.evaluation.overlay import write_overlay
from av_tracker_nodes.research.evaluation.plots import plot_tracks
from av_tracker_nodes.research.evaluation.table import print_table
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.simulation.simulate import simulate

SCENARIO = 'two_crossing'
CAMERA = 1


def run_demo(out: Path, seed: int, progress_bar: ProgressBar) -> None:
    """Simulate, convert, replay, evaluate, and draw.

    Parameters
    ----------
    out : Path
        Folder for everything; replaced.
    seed : int
        Of the scene.
    progress_bar : ProgressBar
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with progress_bar('simulating two people who talk') as progress:
        sequence = simulate(SCENARIO, seed, out / 'recording', progress)
    bag = out / 'bag'
    with progress_bar('converting to a ROS 2 bag') as progress:
        convert_sequence(sequence.parent, sequence.name, CAMERA, bag, progress=progress)
    with progress_bar('tracking live with the ROS 2 nodes') as progress:
        replay(bag, DEFAULT_MODEL, out, progress=progress)
    metrics = evaluate(out, sequence, CAMERA)
    plot_tracks(out, sequence, CAMERA, out / 'tracks.png')
    with progress_bar('drawing the video') as progress:
        write_overlay(bag, out, out / 'overlay.mp4', progress=progress)
    with progress_bar('drawing the loop') as progress:
        write_loop(
            out / 'overlay.mp4', out, sequence, CAMERA, out / 'loop.webp', progress=progress
        )
    print_table([metrics])
    for name in (
        *('recording', 'bag', 'tracks.csv', 'metrics.json'),
        *('tracks.png', 'overlay.mp4', 'loop.webp'),
    ):
        click.echo(f'  {out / name}')
