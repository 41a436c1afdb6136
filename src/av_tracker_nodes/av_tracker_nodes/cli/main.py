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
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

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


@contextmanager
def _ends_when_terminated() -> Iterator[None]:
    """Let SIGTERM end a command as an exception does: what is half written is removed.

    It is not Ctrl-C, which may end a part of a command only, such as what it records first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _LazyGroup(click.Group):
    """Imports a command when it is asked for."""

    def main(self, *args: object, **kwargs: object) -> object:
        # FFmpeg writes what it finds amiss between our lines; what is amiss, we say.
        os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', _FFMPEG_QUIET)
        with _ends_when_terminated():
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
