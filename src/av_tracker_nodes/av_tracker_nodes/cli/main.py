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

"""The command line: ``av-tracker COMMAND``.

A command's module is imported when the command is asked for, and heavy imports happen inside the
commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from traceback import walk_stack
from types import FrameType

import click

from av_tracker_nodes import __version__

_MODULES = {
    'bench': 'benchmarks',
    'benchmark': 'benchmarks',
    'calibrate': 'calibration',
    'check': 'checks',
    'convert': 'conversion',
    'demo': 'demo',
    'evaluate': 'evaluation',
    'export': 'training',
    'models': 'tracking',
    'protocols': 'evaluation',
    'record': 'tracking',
    'replay': 'tracking',
    'reproduce': 'evaluation',
    'scenarios': 'simulation',
    'simulate': 'simulation',
    'simulate-corpus': 'simulation',
    'track': 'tracking',
    'train': 'training',
    'train-appearance': 'training',
    'train-lips': 'training',
    'train-speech': 'training',
    'view': 'tracking',
}
"""The module of each command, in the order of ``--help``; the command is its function there."""

_FFMPEG_QUIET = '-8'
"""AV_LOG_QUIET of FFmpeg."""

_UNTIL_AGAIN = 0.05
"""Time (s) after which it is looked again whether modules are still being imported."""


@contextmanager
def _ends_when_told() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, by an exception: what is half written is removed.

    The exceptions differ, as Ctrl-C may end a part of a command only, such as what it records
    first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Who starts a command in the background of a shell lets it ignore Ctrl-C: no function then.
    handlers = {signal.SIGINT: signal.getsignal(signal.SIGINT), signal.SIGTERM: _exit}
    before = {
        number: signal.signal(number, partial(_after_imports, handler))
        for number, handler in handlers.items()
        if callable(handler)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _after_imports(handler: Callable, number: int, frame: FrameType | None) -> None:
    """Handle a signal once no module is being imported: many of them swallow exceptions then."""
    if any('importlib._bootstrap' in each.f_code.co_filename for each, _ in walk_stack(frame)):
        again = threading.Timer(_UNTIL_AGAIN, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()
    else:
        handler(number, frame)


class _LazyGroup(click.Group):
    """Imports a command when it is asked for."""

    def main(self, *args: object, **kwargs: object) -> object:
        # FFmpeg writes what it finds amiss between our lines; what is amiss, we say.
        os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', _FFMPEG_QUIET)
        with _ends_when_told():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        # Here, and not a command at a time: options read files, too.
        from av_tracker_nodes.cli.options import shows_input_errors

        return shows_input_errors(super().invoke)(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # For an unknown name, import all: click proposes similar names of the commands it has.
        for name in [cmd_name] if cmd_name in _MODULES else _MODULES:
            module = import_module(f'av_tracker_nodes.cli.{_MODULES[name]}')
            self.add_command(getattr(module, name.replace('-', '_')))
        return super().get_command(ctx, cmd_name)


@click.group(cls=_LazyGroup)
@click.version_option(__version__)
def main() -> None:
    """Audio-visual tracking of several speakers in 3-D."""
