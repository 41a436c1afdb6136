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

"""Commands that track, replay, record and show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from av_tracker_nodes.cli.options import (
    PATH,
    Number,
    audio_offset_option,
    ends_with_problems,
    fusion_model_option,
    out_option,
    profile_option,
    progress_bar,
    source_options,
    topic_options,
)
from av_tracker_nodes.cli.recording import as_bag, sound_files_option
from av_tracker_nodes.launching.profiles import PROFILES

_model_option = fusion_model_option(
    'Fusion model: see `av-tracker models`.', default='avclnet', show_default=True
)


@click.command()
def models() -> None:
    """List the fusion models."""
    from av_tracker_nodes import DEFAULT_MODEL, FUSION_MODELS

    for name in FUSION_MODELS:
        click.echo(f'{name} (default)' if name == DEFAULT_MODEL else name)


@click.command()
@click.argument('recording', type=PATH)
@_model_option
@out_option
@click.option('--mute', is_flag=True, help='Replace the sound by silence.')
@audio_offset_option
@sound_files_option
@source_options
@profile_option
def track(recording, model, out, mute, audio_offset, sound_files, sources, profile) -> None:
    """Track RECORDING without ROS, as fast as possible: a bag, or a video with --rig.

    The exit status is 1 when more than 5 % of its images or sound went unused.
    """
    from av_tracker_nodes import Profile, track_bag

    options = {'mute': mute, 'audio_offset': audio_offset}
    options |= {'sources': sources, 'profile': Profile.of(PROFILES[profile])}
    with (
        as_bag(recording, sound_files, sources) as bag,
        progress_bar(f'tracking {recording.name}') as progress,
    ):
        run = track_bag(bag, out, model, progress=progress, **options)
    _report(run, f'{run["frames_per_second"]:.1f} frames per second')


@click.command()
@click.argument('bag', type=PATH)
@_model_option
@out_option
@click.option(
    '--rate', type=Number(0.01, 100.0), default=1.0, show_default=True, help='Speed of the replay.'
)
@audio_offset_option
@source_options
@profile_option
def replay(bag, model, out, rate, audio_offset, sources, profile) -> None:
    """Play BAG to the live nodes and write their tracks.

    The exit status is 1 when it was cut short, or when more than 5 % of its images or sound went
    unused.
    """
    from av_tracker_nodes.launching.replay import replay as run

    with progress_bar(f'replaying {bag.name}') as progress:
        sources = replace(sources, audio_offset=audio_offset)
        chosen = {'profile': profile}
        report = run(bag, model, out, rate, progress, chosen, sources)
    _report(report, f'real-time factor {report["realtime_factor"]:.2f}')


def _report(run: dict, speed: str) -> None:
    """Say what a run has come to."""
    _tell(run.get('notes', ()))
    click.echo(f'{run["frames_answered"]} of {run["frames_in"]} frames answered, {speed}')
    click.echo(run['summary'])
    ends_with_problems(run['problems'])


def _tell(notes: Iterable[str]) -> None:
    for note in notes:
        click.echo(f'av-tracker: {note}', err=True)


@click.command()
@click.option('--out', type=PATH, required=True, help='Bag to write.')
@click.option('--namespace', default='', help='Namespace of the running nodes.')
@topic_options
def record(out, namespace, topics) -> None:
    """Record the live streams of sound and images until Ctrl-C.

    Every ten seconds it reports what has come. The exit status is 1 when no sound or no images
    came.
    """
    from av_tracker_nodes.launching.replay import record as run

    if not run(out, namespace=namespace, names=topics):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument('source', metavar='RECORDING|live')
@click.option('--save', type=PATH, help='File (.rrd) to write instead of opening the viewer.')
@_model_option
@audio_offset_option
@sound_files_option
@source_options
@click.option(
    '--image-transport',
    type=click.Choice(['compressed', 'raw']),
    default='compressed',
    show_default=True,
    help='Transport of live images.',
)
@click.option('--namespace', default='', help='Namespace of the running nodes.')
def view(
    source, save, model, audio_offset, sound_files, sources, image_transport, namespace
) -> None:
    """Show tracks, sound and images in rerun: of RECORDING, tracked without ROS, or live.

    RECORDING is a bag, or a video with --rig. Live nodes are shown until Ctrl-C.
    --image-transport and --namespace are for live nodes; the fusion model, the audio offset and
    the calibration files are for recordings.
    """
    from av_tracker_nodes.viewing.recording import require_rerun

    require_rerun()
    notes, problems = [], []
    if source == 'live':
        from av_tracker_nodes.launching.replay import view as run

        run(save, image_transport, sources.target_frame, namespace, sources.topics)
    else:
        from av_tracker_nodes import watch_bag
        from av_tracker_nodes.viewing.recording import open_scene

        opened = partial(open_scene, save)
        with (
            as_bag(Path(source), sound_files, sources) as bag,
            progress_bar(f'tracking {Path(source).name}') as progress,
        ):
            notes, problems = watch_bag(bag, opened, model, audio_offset, progress, sources)
    _tell(notes)
    if save is not None:
        click.echo(save)
    ends_with_problems(problems)
