# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Options, types and behaviour that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from av_tracker_nodes import InputError

_console = Console(stderr=True)
FOLDER = click.Path(path_type=Path, file_okay=False)
PATH = click.Path(path_type=Path)


def shows_input_errors(command: Callable) -> Callable:
    """Turn an :class:`InputError` into one line and exit status 2."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except InputError as error:
            raise click.exceptions.Exit(_complain(error)) from error

    return run


def _complain(error: InputError) -> int:
    click.echo(f'av-tracker: {error}', err=True)
    return 2


@contextmanager
def progress_bar(text: str) -> Iterator[Callable[..., None]]:
    """Show a bar; yields a function of the share done (0..1) and, optionally, a new text."""
    columns = (
        TextColumn('{task.description:<34}'),
        BarColumn(),
        TextColumn('{task.percentage:>3.0f} %'),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console) as bars:
        bar = bars.add_task(text, total=1.0)

        def advance(share: float, text: str | None = None) -> None:
            described = {} if text is None else {'description': text}
            bars.update(bar, completed=min(max(share, 0.0), 1.0), **described)

        yield advance
        advance(1.0)


jobs_option = click.option(
    '--jobs', type=click.IntRange(1), default=1, show_default=True, help='Processes.'
)
data_option = click.option(
    '--data',
    type=FOLDER,
    default=Path('out/corpus'),
    show_default=True,
    help='Clips to learn on; simulated where they are missing.',
)
audio_offset_option = click.option(
    '--audio-offset', default=0.0, show_default=True, help='Added to the stamps of sound (s).'
)
out_option = click.option('--out', type=FOLDER, required=True, help='Folder to write.')
