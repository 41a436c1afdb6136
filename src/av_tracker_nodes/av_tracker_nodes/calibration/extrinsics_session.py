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

"""``av-tracker calibrate extrinsics``: from a recording to the two files that ``launch`` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from av_tracker_nodes.calibration.boards import Board
from av_tracker_nodes.calibration.extrinsics import Extrinsics, Place, solve_extrinsics
from av_tracker_nodes.calibration.places import find_places, loudspeaker, person
from av_tracker_nodes.geometry.calibration import (
    load_camera,
    load_microphones,
    load_mounting,
    load_room,
    save_mounted,
)
from av_tracker_nodes.recordings.bag import (
    ARRAY_FRAME,
    CAMERA_FRAME,
    WORLD_FRAME,
    BagReader,
    Sources,
)

Echo = Callable[[str], None]


def calibrate_extrinsics(
    bag: Path,
    camera_file: Path,
    array_file: Path,
    out: Path,
    *,
    echo: Echo,
    board: Board | None = None,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    position: tuple[float, float, float] | None = None,
    audio_offset: float = 0.0,
    sources: Sources | None = None,
) -> Extrinsics:
    """Find where the camera sits relative to the microphones; write both with their poses.

    The array keeps the pose in its file; without one it becomes the origin of ``world``.

    Parameters
    ----------
    bag : Path
        Recording of a person, or of a loudspeaker with a board, at several places.
    camera_file, array_file : Path
        Descriptions of camera and microphones.
    out : Path
        Folder to write ``camera.yaml`` and ``array.yaml`` to.
    echo : callable
        Gets lines for the user.
    board, offset
        See `places.loudspeaker`; a person is looked for without a board.
    position : tuple of float, optional
        Of the camera (m, array frame), where it was measured.
    audio_offset : float
        Added to the stamps of the sound (s).
    sources : Sources, optional
        Topics of the bag that are named.

    Raises
    ------
    InputError
        When the files do not fit each other, or the recording does not fix the pose.
    """
    camera, microphones = load_camera(camera_file), load_microphones(array_file)
    target = person(camera) if board is None else loudspeaker(camera, board, np.array(offset))
    sources = replace(
        sources or Sources(), audio_offset=audio_offset, array_calibration=array_file
    )
    with BagReader(bag, sources) as reader:
        places = find_places(reader.records(), target, camera, microphones, load_room(array_file))
    result = solve_extrinsics(
        places,
        microphones.centre,
        scale_std=target.scale_std,
        range_std=target.range_std,
        position=None if position is None else np.array(position),
    )
    _report(result, places, echo)
    _write(result, camera_file, array_file, out)
    return result


def _write(result: Extrinsics, camera_file: Path, array_file: Path, out: Path) -> None:
    array, camera = load_mounting(array_file, 'array'), load_mounting(camera_file, 'camera')
    array_frame, camera_frame = array.frame or ARRAY_FRAME, camera.frame or CAMERA_FRAME
    # An array that is described in the world frame itself needs no pose.
    is_placed = array.parent is not None or array_frame == WORLD_FRAME
    parent = array.parent or WORLD_FRAME
    array_parent = array.parent if is_placed else WORLD_FRAME
    save_mounted(out / 'array.yaml', array_file, 'array', array_frame, array_parent, array.pose)
    pose = array.pose @ result.array_from_camera
    save_mounted(out / 'camera.yaml', camera_file, 'camera', camera_frame, parent, pose)


def _report(result: Extrinsics, places: list[Place], echo: Echo) -> None:
    for number, (place, angle) in enumerate(zip(places, result.angles, strict=True), 1):
        x, y, z = place.seen
        note = '  outlier' if result.is_outlier[number - 1] else ''
        echo(
            f'place {number:2}: seen {np.degrees(np.arctan2(x, z)):+6.1f} degrees to the right, '
            f'{np.degrees(np.arctan2(y, np.hypot(x, z))):+6.1f} down, {np.hypot(x, z):.1f} m; '
            f'heard {np.degrees(angle):4.1f} degrees from it{note}'
        )
    x, y, z = result.array_from_camera.translation
    worst = result.translation_std.max()
    echo(
        f'{(~result.is_outlier).sum()} of {len(places)} places agree within '
        f'{np.degrees(result.rms):.1f} degrees rms'
    )
    echo(f'camera in the array frame: x {x:.3f}, y {y:.3f}, z {z:.3f} m, each ± {worst:.3f} m')
    echo(f'its rotation is known within ± {np.degrees(result.rotation_std):.1f} degrees')
