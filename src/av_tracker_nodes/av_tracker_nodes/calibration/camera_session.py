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

"""``av-tracker calibrate camera``: from images of a board to a calibration file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from av_tracker_nodes.calibration.boards import Board
from av_tracker_nodes.calibration.intrinsics import (
    CameraCalibration,
    calibrate_intrinsics,
    missing_parts,
)
from av_tracker_nodes.calibration.view_collector import ViewCollector, frames
from av_tracker_nodes.capture.open_images import ImageSettings
from av_tracker_nodes.geometry.calibration import save_camera

Echo = Callable[[str], None]


def calibrate_camera(
    sources: Sequence[str],
    board: Board,
    out: Path,
    *,
    echo: Echo,
    most_views: int = 40,
    size: tuple[int, int] | None = None,
    third_radial: bool = False,
    name: str = 'camera',
    frame: str | None = 'camera_optical',
) -> CameraCalibration:
    """Collect views of a board, calibrate, and write a file in the format of ROS.

    Parameters
    ----------
    sources : sequence of str
        Image files, folders, videos, devices or addresses. Live ones are looked at until
        `most_views` are kept or the user presses Ctrl-C.
    board : Board
    out : Path
        File to write.
    echo : callable
        Gets lines for the user.
    most_views : int
        Enough: calibration takes long with more, and gains little.
    size : tuple of int, optional
        Width and height (pixels) to ask of a live source.
    third_radial : bool
        See `calibrate_intrinsics`.
    name, frame : str
        Written into the file.

    Raises
    ------
    InputError
        When a source cannot be read or the views do not do.
    """
    collector = ViewCollector(board)
    _collect(collector, sources, ImageSettings(size=size), most_views, echo)
    result = calibrate_intrinsics(collector.kept, third_radial)
    save_camera(out, result.camera, name=name, frame=frame)
    _report(result, echo)
    return result


def _collect(
    collector: ViewCollector,
    sources: Sequence[str],
    settings: ImageSettings,
    most_views: int,
    echo: Echo,
) -> None:
    said = ''
    try:
        for image in frames(sources, settings):
            reason = collector.look(image)
            line = f'refused  {image.name}: {reason}' if reason else _progress(collector)
            # A camera would say the same five times a second.
            if not (image.moving and reason and reason == said):
                echo(line)
            said = reason
            if len(collector.kept) >= most_views:
                break
    except KeyboardInterrupt:
        echo('')


def _progress(collector: ViewCollector) -> str:
    newest = collector.kept[-1]
    missing = missing_parts(collector.kept, newest.view.size)
    hint = f'; not yet at the {", ".join(missing)}' if missing else ''
    corners = len(newest.view.ids)
    return f'kept {len(collector.kept):3}  {newest.name}: {corners} corners{hint}'


def _report(result: CameraCalibration, echo: Echo) -> None:
    camera = result.camera
    for name, reason in result.refused.items():
        echo(f'refused  {name}: {reason}')
    worst = sorted(result.errors.items(), key=lambda item: -item[1])
    shown = ', '.join(f'{name} {error:.2f}' for name, error in islice(worst, 3))
    echo(f'{len(result.errors)} views, reprojection {result.rms:.3f} pixels rms (worst: {shown})')
    for label, value, deviation in (
        ('fx', camera.fx, result.focal_std[0]),
        ('fy', camera.fy, result.focal_std[1]),
        ('cx', camera.cx, result.centre_std[0]),
        ('cy', camera.cy, result.centre_std[1]),
    ):
        echo(f'{label} {value:9.2f} ± {deviation:.2f} pixels')
    coefficients = ', '.join(f'{value:.4f}' for value in camera.distortion)
    echo(f'distortion (k1, k2, p1, p2, k3) {coefficients}')
    for warning in result.warnings:
        echo(f'warning: {warning}')
