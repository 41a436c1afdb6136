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

"""Commands that calibrate cameras, and cameras with microphones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import click

from av_tracker_nodes import InputError
from av_tracker_nodes.cli.options import (
    PATH,
    Number,
    audio_offset_option,
    out_option,
    topic_options,
)
from av_tracker_nodes.cli.recording import named_or_recorded


@click.group()
def calibrate() -> None:
    """Calibrate cameras, and cameras with microphones."""


def _two_numbers(
    _: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """Read 8x6."""
    if text is None:
        return None
    columns, _, rows = text.partition('x')
    if not (columns.isdigit() and rows.isdigit()):
        example = parameter.default if isinstance(parameter.default, str) else '1280x720'
        raise click.BadParameter(f"write it like {example}, not '{text}'")
    return int(columns), int(rows)


def _board_options(command: Callable) -> Callable:
    """Add the options that describe a calibration board, and pass the board on."""

    @click.option('--squares', callback=_two_numbers, default='8x6', show_default=True)
    @click.option(
        '--square', type=Number(1e-3, 100.0), default=0.03, show_default=True, help='Side (m).'
    )
    @click.option(
        '--marker', type=Number(1e-3, 100.0), help='Side of the markers of a ChArUco board (m).'
    )
    @click.option(
        '--dictionary', default='DICT_4X4_50', show_default=True, help='Dictionary of the markers.'
    )
    @functools.wraps(command)
    def run(squares, square, marker, dictionary, **others):
        from av_tracker_nodes.calibration.boards import CharucoBoard, Chessboard

        if marker is None:
            board = Chessboard(*squares, square)
        else:
            board = CharucoBoard(*squares, square, marker, dictionary)
        return command(board=board, **others)

    return run


@calibrate.command('board')
@click.option('--out', type=PATH, required=True, help='Picture to write (PNG).')
@_board_options
def calibrate_board(board, out: Path) -> None:
    """Draw a board to print: a chessboard, or ChArUco with --marker. Measure the print."""
    import cv2

    if not cv2.imwrite(str(out), board.draw(pixels_a_square=200)):
        raise InputError(f'cannot write {out}')
    click.echo(out)


@calibrate.command('camera')
@click.argument('sources', nargs=-1, required=True)
@click.option('--out', type=PATH, required=True, help='Calibration to write (YAML of ROS).')
@click.option('--views', default=40, show_default=True, help='Views to collect.')
@click.option(
    '--size', callback=_two_numbers, help='Size of images of a device, such as 1280x720.'
)
@click.option('--k3', is_flag=True, help='Estimate the third radial term too: wide lenses.')
@click.option('--name', default='camera', show_default=True)
@click.option(
    '--frame', default='camera_optical', show_default=True, help='Optical frame of the camera.'
)
@_board_options
def calibrate_camera(board, sources, out, views, size, k3, name, frame) -> None:
    """Calibrate a camera from views of a chessboard, or of a ChArUco board with --marker.

    SOURCES are image files, folders, videos, or one camera: its device or address. A camera is
    watched until there are enough views, or until Ctrl-C.
    """
    from av_tracker_nodes.calibration.camera_session import calibrate_camera as run

    run(
        sources,
        board,
        out,
        echo=click.echo,
        most_views=views,
        size=size,
        third_radial=k3,
        name=name,
        frame=frame,
    )
    click.echo(out)


@calibrate.command('extrinsics')
@click.argument('bag', type=PATH, required=False)
@click.option('--camera', type=PATH, required=True, help='Description of the camera.')
@click.option('--array', type=PATH, required=True, help='Description of the microphones.')
@out_option
@click.option(
    '--position',
    type=Number(-1e3, 1e3),
    nargs=3,
    help='Camera position in the array frame (m), if it was measured by hand.',
)
@click.option('--target', type=click.Choice(['person', 'board']), default='person')
@click.option(
    '--offset',
    type=Number(-1e3, 1e3),
    nargs=3,
    default=(0.0, 0.0, 0.0),
    help='Middle of the loudspeaker from the corner of origin of its board (m).',
)
@audio_offset_option
@topic_options
@_board_options
def calibrate_extrinsics(board, bag, camera, array, out, target, topics, **others) -> None:
    """Find where the camera sits relative to the microphones.

    BAG is a recording of one person who stands still and talks for three seconds at each of eight
    places or more, or of a loudspeaker with a calibration board (--target board). Without BAG the
    running camera and microphones are recorded until Ctrl-C.
    """
    from av_tracker_nodes.calibration.extrinsics_session import calibrate_extrinsics as run

    with named_or_recorded(bag, topics) as (path, sources):
        others |= {'board': board if target == 'board' else None, 'sources': sources}
        run(path, camera, array, out, echo=click.echo, **others)
    click.echo(
        f'camera_calibration:={out / "camera.yaml"} array_calibration:={out / "array.yaml"}'
    )
