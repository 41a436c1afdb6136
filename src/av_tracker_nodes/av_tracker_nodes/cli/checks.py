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

"""Commands that check sensors, a running robot, and corpora."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from av_tracker_nodes.cli.options import (
    DAY,
    FOLDER,
    PATH,
    Number,
    audio_offset_option,
    progress_bar,
    source_options,
    topic_options,
)
from av_tracker_nodes.cli.recording import named_or_recorded

if TYPE_CHECKING:
    from av_tracker_nodes import Sources, TopicNames


@click.group()
def check() -> None:
    """Check sensors, a running robot, and corpora."""


@check.command('sync')
@click.argument('bag', type=PATH, required=False)
@click.option(
    '--distance',
    type=Number(0.0, 100.0),
    default=1.0,
    show_default=True,
    help='Distance of the hands from the array (m).',
)
@audio_offset_option
@topic_options
def check_sync(bag: Path | None, distance: float, audio_offset: float, topics: TopicNames) -> None:
    """Measure the offset between sound and images from claps, seen and heard.

    BAG is a recording of ten claps or more at irregular intervals, by hand or with something that
    flashes. Without BAG the running camera and microphones are recorded until Ctrl-C.
    """
    from av_tracker_nodes.calibration.sync import check_sync as run

    with named_or_recorded(bag, topics) as (path, sources):
        run(path, distance, audio_offset, click.echo, sources)


@check.command('array')
@click.argument('calibration', type=PATH)
@click.option('--device', default='', help='Sound card: part of its name, index, or ALSA id.')
@click.option('--channels', default='', help='Channels in order, such as 1-4.')
@click.option('--seconds', type=Number(0.0, DAY), default=0.0, help='How long; 0 until Ctrl-C.')
@click.option('--bag', type=PATH, help='Recording to check instead of a card.')
@topic_options
def check_array(
    calibration: Path,
    device: str,
    channels: str,
    seconds: float,
    bag: Path | None,
    topics: TopicNames,
) -> None:
    """Show the channels of the array that CALIBRATION describes: dead, weak, swapped ones.

    Channels that are not microphones are named too: processed and played sound.
    With --channels, the first one named is channel 0 of CALIBRATION, and so on. The exit status
    is 1 when something is wrong.
    """
    from av_tracker_nodes.calibration.array_session import check_array as run

    options = {'device': device, 'channels': channels, 'seconds': seconds}
    if not run(calibration, bag=bag, topics=topics, **options):
        raise click.exceptions.Exit(1)


@check.command('live')
@click.option('--seconds', type=Number(1.0, DAY), default=5.0, show_default=True, help='How long.')
@click.option('--namespace', default='', help='Namespace of the running nodes.')
@source_options
def check_live(seconds: float, namespace: str, sources: Sources) -> None:
    """Check a running robot; prints one line per finding.

    It checks topics, rates, losses, sizes, frames, clocks, levels of the microphones, nodes and
    load. The exit status is 1 when something is wrong.
    """
    from av_tracker_nodes.launching.replay import check_live as run

    if not run(click.echo, seconds, namespace, sources):
        raise click.exceptions.Exit(1)


@check.command('corpus')
@click.argument('root', metavar='DIR', type=FOLDER)
def check_corpus(root: Path) -> None:
    """Read all of AV16.3 or CAV3D in DIR, and list what is missing or damaged.

    The exit status is 1 when there is a problem.
    """
    from av_tracker_nodes.research.datasets.inspection import inspect_corpus

    with progress_bar(f'reading {root.name}') as progress:
        found = inspect_corpus(root, progress)
    for sequence, problem in found.problems:
        click.echo(f'{sequence}: {problem}')
    count = len({sequence for sequence, _ in found.problems})
    click.echo(f'{found.corpus}: {len(found.sequences)} sequences, {count} with problems')
    for protocol, lacking in found.lacking.items():
        click.echo(f'{protocol:<16} {"lacks " + ", ".join(lacking) if lacking else "is there"}')
    if found.problems:
        raise click.exceptions.Exit(1)
