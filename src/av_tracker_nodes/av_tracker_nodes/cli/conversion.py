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

"""Commands that convert recordings to bags."""

from __future__ import annotations

from pathlib import Path

import click

from av_tracker_nodes.cli.options import (
    FOLDER,
    PATH,
    audio_offset_option,
    jobs_option,
    out_option,
    progress_bar,
)


@click.group()
def convert() -> None:
    """Convert recordings to rosbag2 bags."""


@convert.command()
@click.option('--video', type=PATH, required=True, help='Video in any format that FFmpeg reads.')
@click.option(
    '--audio',
    type=PATH,
    multiple=True,
    help='Sound of all channels; or repeated, one file a microphone. Default: that of the video.',
)
@click.option('--rig', required=True, help='Name of a rig of the package, or rig file.')
@audio_offset_option
@click.option('--out', type=PATH, required=True, help='Bag to write.')
def recording(
    video: Path, audio: tuple[Path, ...], rig: str, audio_offset: float, out: Path
) -> None:
    """Convert a video, and the sound of a microphone array, recorded without ROS.

    Sound has the channels of the rig's sound card, or its microphones in their order. Sound must
    begin with the first image; else give --audio-offset.
    """
    from av_tracker_nodes import recording_to_bag

    with progress_bar(f'converting {video.name}') as progress:
        done = recording_to_bag(video, audio, rig, audio_offset, out, progress)
    for note in done.notes:
        click.echo(note, err=True)
    click.echo(
        f'{done.bag}: {done.images} images in {done.image_seconds:.1f} s, '
        f'{done.sound_seconds:.1f} s of sound'
    )


_allow_short_option = click.option(
    '--allow-short',
    is_flag=True,
    help='Convert sound or video that was cut off as far as it goes.',
)


@convert.command()
@click.option('--root', type=FOLDER, required=True, help='Folder of the corpus.')
@click.option('--sequence', required=True, help='Name or number, for instance seq24.')
@click.option('--camera', type=click.IntRange(1, 3), default=1, show_default=True)
@click.option('--out', type=PATH, required=True, help='Bag to write.')
@click.option('--raw', is_flag=True, help='Store raw images instead of JPEG.')
@_allow_short_option
def av163(root: Path, sequence: str, camera: int, out: Path, raw: bool, allow_short: bool) -> None:
    """Convert one camera of an AV16.3 sequence, real or simulated."""
    _convert_one(root, sequence, camera, out, raw, allow_short)


@convert.command()
@click.option('--root', type=FOLDER, required=True, help='Folder of the corpus.')
@click.option('--sequence', required=True, help='Name, for instance seq22.')
@click.option('--out', type=PATH, required=True, help='Bag to write.')
@click.option('--raw', is_flag=True, help='Store raw images instead of JPEG.')
def cav3d(root: Path, sequence: str, out: Path, raw: bool) -> None:
    """Convert a CAV3D sequence: the camera above the array, sound at 16 kHz."""
    _convert_one(root, sequence, 5, out, raw)


def _convert_one(
    root: Path, sequence: str, camera: int, out: Path, raw: bool, allow_short: bool = False
) -> None:
    from av_tracker_nodes.research.datasets.convert import convert_sequence

    with progress_bar(f'converting {sequence}, camera {camera}') as progress:
        bag = convert_sequence(
            root, sequence, camera, out, not raw, progress, allow_short=allow_short
        )
        click.echo(bag)


@convert.command('all')
@click.option('--root', type=FOLDER, required=True, help='Folder of AV16.3 or CAV3D.')
@click.option('--sequence', 'sequences', multiple=True, help='Only this one; may be repeated.')
@out_option
@click.option('--raw', is_flag=True, help='Store raw images instead of JPEG.')
@jobs_option
@_allow_short_option
def convert_everything(
    root: Path, sequences: tuple[str, ...], out: Path, raw: bool, jobs: int, allow_short: bool
) -> None:
    """Convert every camera of every sequence; existing bags are kept.

    The exit status is 1 when something could not be converted.
    """
    from av_tracker_nodes.research.datasets.convert import convert_all

    with progress_bar(f'converting {root.name}') as progress:
        bags, problems = convert_all(
            root, out, sequences, not raw, jobs, progress, allow_short=allow_short
        )
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f'{len(bags)} bags in {out}')
    if problems:
        raise click.exceptions.Exit(1)
