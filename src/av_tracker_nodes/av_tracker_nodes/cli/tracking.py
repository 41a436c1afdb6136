# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Commands that track, replay, record and show."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from av_tracker_nodes.cli.options import (
    PATH,
    audio_offset_option,
    out_option,
    progress_bar,
    shows_input_errors,
)

_model_option = click.option(
    '--model', default='avclnet', show_default=True, help='Fusion model: see `av-tracker models`.'
)


@click.command()
def models() -> None:
    """List the fusion models."""
    from av_tracker_nodes import DEFAULT_MODEL, FUSION_MODELS

    for name in FUSION_MODELS:
        click.echo(f'{name} (default)' if name == DEFAULT_MODEL else name)


@click.command()
@shows_input_errors
def setup_models() -> None:
    """Prepare the face and voice activity detectors and say where they are."""
    from av_tracker_nodes.models.zoo import PACKAGED_MODELS

    for model in PACKAGED_MODELS:
        click.echo(model.ensure())


@click.command()
@click.argument('bag', type=PATH)
@_model_option
@out_option
@click.option('--mute', is_flag=True, help='Silence in the place of the sound.')
@audio_offset_option
@shows_input_errors
def track(bag: Path, model: str, out: Path, mute: bool, audio_offset: float) -> None:
    """Track BAG without ROS, as fast as possible."""
    from av_tracker_nodes import track_bag

    with progress_bar(f'tracking {bag.name}') as progress:
        run = track_bag(bag, out, model, progress=progress, mute=mute, audio_offset=audio_offset)
    click.echo(
        f'{run["frames_answered"]} of {run["frames_in"]} frames answered, '
        f'{run["frames_per_second"]:.1f} frames per second'
    )


@click.command()
@click.argument('bag', type=PATH)
@_model_option
@out_option
@click.option('--rate', default=1.0, show_default=True, help='Speed of the replay.')
@audio_offset_option
@shows_input_errors
def replay(bag: Path, model: str, out: Path, rate: float, audio_offset: float) -> None:
    """Play BAG to the live nodes and write their tracks."""
    from av_tracker_nodes.launching.replay import replay as run

    with progress_bar(f'replaying {bag.name}') as progress:
        arguments = {'audio_offset': str(audio_offset)}
        report = run(bag, model, out, rate, progress=progress, arguments=arguments)
    click.echo(
        f'{report["frames_answered"]} of {report["frames_in"]} frames answered, '
        f'real-time factor {report["realtime_factor"]:.2f}'
    )


@click.command()
@click.option('--out', type=PATH, required=True, help='Bag to write.')
@shows_input_errors
def record(out: Path) -> None:
    """Record the live streams of sound and images until Ctrl-C.

    Every ten seconds it says what has come. The exit status is 1 when no sound or no images came.
    """
    from av_tracker_nodes.launching.replay import record as run

    if not run(out):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument('source', metavar='BAG|live')
@click.option('--save', type=PATH, help='Recording (.rrd) to write instead of opening rerun.')
@_model_option
@audio_offset_option
@click.option(
    '--image-transport',
    type=click.Choice(['compressed', 'raw']),
    default='compressed',
    show_default=True,
    help='Of the live images.',
)
@click.option('--target-frame', default='world', show_default=True, help='Frame of the tracks.')
@click.option('--namespace', default='', help='Of the running nodes.')
@shows_input_errors
def view(
    source: str,
    save: Path | None,
    model: str,
    audio_offset: float,
    image_transport: str,
    target_frame: str,
    namespace: str,
) -> None:
    """Show tracks, sound and images in rerun: of BAG, tracked without ROS, or live.

    The model and the audio offset are for bags; the last three options are for live nodes, which
    are shown until Ctrl-C.
    """
    from av_tracker_nodes.viewing.recording import require_rerun

    require_rerun()
    if source == 'live':
        from av_tracker_nodes.launching.replay import view as run

        run(save, image_transport, target_frame, namespace)
    else:
        from av_tracker_nodes import watch_bag
        from av_tracker_nodes.viewing.recording import open_scene

        with progress_bar(f'tracking {Path(source).name}') as progress:
            opened = partial(open_scene, save)
            watch_bag(Path(source), opened, model, audio_offset, progress)
    if save is not None:
        click.echo(save)
