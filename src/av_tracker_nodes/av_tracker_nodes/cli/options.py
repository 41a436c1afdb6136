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

"""Options, types and behaviour that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from av_tracker_nodes import InputError
from av_tracker_nodes.launching.profiles import PROFILES

_TOPICS = {
    'image': 'Images, raw or compressed',
    'camera_info': 'Calibration of the camera',
    'audio': 'Sound',
    'audio_info': 'Format of sound of audio_common',
    'array_info': 'Description of the microphones',
    'depth': 'Depth images that are registered to the images',
}
"""Topics that may be named; empty names are found."""

_console = Console(stderr=True)


class Number(click.ParamType):
    """A finite number within a range; those of click let nan pass.

    Parameters
    ----------
    low, high : float
        The ends, which it may be.
    """

    name = 'number'

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number."""
        number = click.FLOAT.convert(value, param, ctx)
        # NaN compares false.
        if not self.low <= number <= self.high:
            self.fail(f'{value} is not within {self.low:g} and {self.high:g}.', param, ctx)
        return number


DAY = 86_400.0
"""Seconds: no offset and no stretch of time that is asked for is longer."""
FOLDER = click.Path(path_type=Path, file_okay=False)
PATH = click.Path(path_type=Path)


def shows_input_errors(command: Callable) -> Callable:
    """Turn an :class:`InputError` into one line and exit status 2.

    What the system does not let us do, as on a full disk, is told alike.
    """

    @functools.wraps(command)
    def run(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except InputError as error:
            raise click.exceptions.Exit(_complain(error)) from error
        except BrokenPipeError:
            # Nobody reads on: click ends quietly.
            raise
        except OSError as error:
            place = '' if error.filename is None else f'{error.filename}: '
            told = InputError(f'{place}{error.strerror or error}')
            raise click.exceptions.Exit(_complain(told)) from error
        except MemoryError as error:
            told = InputError('there is not enough memory for this')
            raise click.exceptions.Exit(_complain(told)) from error

    return run


def ends_with_problems(problems: Iterable[str]) -> None:
    """Say what went wrong, a line each, and end with status 1; go on when nothing did.

    Raises
    ------
    click.exceptions.Exit
        There are problems.
    """
    problems = list(problems)
    for problem in problems:
        click.echo(f'av-tracker: {problem}', err=True)
    if problems:
        raise click.exceptions.Exit(1)


def topic_options(command: Callable) -> Callable:
    """Add the options that name topics, and pass them on as `topics`.

    They have the names of the arguments of the launch file.
    """

    @functools.wraps(command)
    def run(*args, **kwargs):
        from av_tracker_nodes import TopicNames

        topics = {name: kwargs.pop(f'{name}_topic') for name in _TOPICS}
        return command(*args, topics=TopicNames(**topics), **kwargs)

    for name, what in reversed(_TOPICS.items()):
        run = click.option(f'--{name.replace("_", "-")}-topic', default='', help=f'{what}.')(run)
    return run


def source_options(command: Callable) -> Callable:
    """Add the options that say what to take of a recording, and pass `sources` on.

    They have the names of the arguments of the launch file.
    """

    @topic_options
    @click.option(
        '--rig', default='', help='Rig by name, or a file; for sensors without a calibration.'
    )
    @click.option('--camera-calibration', type=PATH, help='Camera, if it is not in the recording.')
    @click.option('--array-calibration', type=PATH, help='Microphones, if not in the recording.')
    @click.option(
        '--target-frame', default='world', show_default=True, help='Frame of the tracks.'
    )
    @click.option(
        '--tf-timeout',
        type=Number(0.0, DAY),
        default=0.5,
        show_default=True,
        help='A moving transform that is older (s) is not used.',
    )
    @functools.wraps(command)
    def run(
        topics, rig, camera_calibration, array_calibration, target_frame, tf_timeout, **others
    ):
        from av_tracker_nodes import Sources

        files = camera_calibration, array_calibration
        sources = Sources(topics, target_frame, *files, tf_timeout).with_rig(rig)
        return command(sources=sources, **others)

    return run


def fusion_model_option(help: str, **options: object) -> Callable:
    """Make the option that chooses a fusion model, whose value is passed on as `model`.

    Further arguments are those of :func:`click.option`; several values are passed on as `models`.
    The former name of the option works for one version more.
    """
    name = 'models' if options.get('multiple') else 'model'

    def add(command: Callable) -> Callable:
        @functools.wraps(command)
        def run(*args, former_model, **kwargs):
            if former_model:
                click.echo('av-tracker: --model is called --fusion-model now', err=True)
                kwargs[name] = former_model
            return command(*args, **kwargs)

        hidden = {'hidden': True, 'multiple': name == 'models'}
        run = click.option('--model', 'former_model', **hidden)(run)
        return click.option('--fusion-model', name, help=help, **options)(run)

    return add


def _complain(error: InputError) -> int:
    click.echo(f'av-tracker: {error}', err=True)
    return 2


@contextmanager
def progress_bar(text: str) -> Iterator[Callable[..., None]]:
    """Show a bar; yields a function of the share done (0..1) and, optionally, a new text.

    Where nobody watches, as in a file, there is none: errors stand alone there.
    """
    columns = (
        TextColumn('{task.description:<34}'),
        BarColumn(),
        TextColumn('{task.percentage:>3.0f} %'),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console, disable=not _console.is_terminal) as bars:
        bar = bars.add_task(text, total=1.0)

        def advance(share: float, text: str | None = None) -> None:
            described = {} if text is None else {'description': text}
            bars.update(bar, completed=min(max(share, 0.0), 1.0), **described)

        yield advance
        advance(1.0)


jobs_option = click.option(
    '--jobs', type=click.IntRange(1), default=1, show_default=True, help='Parallel processes.'
)
data_option = click.option(
    '--data',
    type=FOLDER,
    default=Path('out/corpus'),
    show_default=True,
    help='Clips to learn on; simulated where they are missing.',
)
audio_offset_option = click.option(
    '--audio-offset',
    type=Number(-DAY, DAY),
    default=0.0,
    show_default=True,
    help='Added to the stamps of sound (s).',
)
profile_option = click.option(
    '--profile',
    type=click.Choice(list(PROFILES)),
    default='full',
    show_default=True,
    help='Use of the processor: small is for small computers.',
)
out_option = click.option('--out', type=FOLDER, required=True, help='Folder to write.')
