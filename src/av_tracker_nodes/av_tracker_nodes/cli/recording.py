# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The bag that a command works on: a given one, or one that is recorded now."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from av_tracker_nodes.cli.options import PATH

if TYPE_CHECKING:
    from av_tracker_nodes.recordings.bag import Sources, TopicNames

sound_files_option = click.option(
    '--audio',
    'sound_files',
    type=PATH,
    multiple=True,
    help='Sound of a video: one file of all channels, or one for each; its own where left out.',
)


@contextmanager
def named_or_recorded(bag: Path | None, topics: TopicNames) -> Iterator[tuple[Path, Sources]]:
    """Yield a bag and what to take of it.

    It is the one that is named, or one that is recorded from the running nodes for the while.
    """
    from av_tracker_nodes.recordings.bag import Sources

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
    yield recording
