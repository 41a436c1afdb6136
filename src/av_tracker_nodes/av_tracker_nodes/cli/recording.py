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

"""The bag that a command works on: a given one, or one that is recorded now."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from av_tracker_nodes import InputError
from av_tracker_nodes.cli.options import PATH, progress_bar

if TYPE_CHECKING:
    from av_tracker_nodes import Sources, TopicNames

_BAGS = ('.mcap', '.db3', '.zstd', '.bag')
"""Suffixes of files of bags."""

sound_files_option = click.option(
    '--audio',
    'sound_files',
    type=PATH,
    multiple=True,
    help='Sound of a video: one file of all channels, or one per channel. Default: its own.',
)


@contextmanager
def named_or_recorded(bag: Path | None, topics: TopicNames) -> Iterator[tuple[Path, Sources]]:
    """Yield a bag and what to take of it.

    It is the one that is named, or one that is recorded from the running nodes for the while.
    """
    from av_tracker_nodes import Sources

    if bag is not None:
        yield bag, Sources(topics)
        return
    from av_tracker_nodes.launching.replay import record as run

    with tempfile.TemporaryDirectory(prefix='av_tracker_') as folder:
        click.echo('recording until Ctrl-C', err=True)
        run(Path(folder) / 'bag', names=topics)
        yield Path(folder) / 'bag', Sources()


@contextmanager
def as_bag(recording: Path, sound_files: tuple[Path, ...], sources: Sources) -> Iterator[Path]:
    """Yield the bag of a recording: itself, or what a video and its sound make for the while."""
    if recording.suffix.lower() in _BAGS or not recording.is_file():
        if sound_files:
            raise InputError('--audio is the sound of a video; a bag holds its own')
        yield recording
        return
    from av_tracker_nodes import recording_to_bag

    if not sources.rig:
        raise InputError(f'{recording} is no bag; a video needs --rig, by name or as a file')
    with tempfile.TemporaryDirectory(prefix='av_tracker_') as folder:
        bag = Path(folder) / recording.stem
        with progress_bar(f'reading {recording.name}') as progress:
            done = recording_to_bag(recording, sound_files, sources.rig, 0.0, bag, progress)
        for note in done.notes:
            click.echo(f'av-tracker: {note}', err=True)
        yield bag
