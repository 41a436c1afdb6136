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

"""Calibration files: cameras and microphone arrays in YAML.

Cameras are in the format of ROS (``camera_calibration_parsers``): ``image_width``,
``camera_matrix`` and so on, with one of the lens models of
:mod:`av_tracker_nodes.geometry.lens`. Arrays list their microphones, one by one or as circles::

    name: my_array
    frame: mic_array
    sample_rate: 16000            # Hz
    speed_of_sound: 343.0         # m/s; or temperature: 20.0 (degrees Celsius); or neither
    source: where the numbers come from
    microphones:
      - {channel: 0, group: 0, xyz: [0.0, 0.0, 0.0]}
      - circle: {radius: 0.043, count: 6, start_angle_deg: 90, direction: clockwise}
        first_channel: 1          # may be left out, as are group (0) and centre (the origin)
    room:                         # where voices can come from; may be left out
      minimum: [-2, -2, 0]
      maximum: [2, 2, 2]
      obstacles:                  # where in the room they cannot: tables; may be left out
        - {minimum: [0.5, -1, 0], maximum: [1.5, 1, 0.75]}

Angles of circles run from x towards y in the plane z = 0; counter-clockwise is that direction.
Both kinds of file may say where the sensor sits; this serves where TF does not::

    frame: cam1_optical
    pose: {parent: world, xyz: [0, 0, 1], quaternion: [x, y, z, w]}

and how far it may be from the truth (standard deviations; none where left out)::

    uncertainty: {angle_deg: 4, position_m: 0.03, focal_percent: 10, microphone_m: 0.002}

Whatever reads a calibration file reads the section of a rig file as well; see
:mod:`av_tracker_nodes.geometry.rig_sections`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.camera_checks import LARGEST_SIDE, check_lens
from av_tracker_nodes.geometry.distortion import NO_DISTORTION, canonical_distortion
from av_tracker_nodes.geometry.lens import PLUMB_BOB
from av_tracker_nodes.geometry.microphones import (
    HIGHEST_RATE,
    MOST_MICROPHONES,
    SPEED_OF_SOUND,
    MicrophoneArray,
    speed_of_sound,
)
from av_tracker_nodes.geometry.rig import Box, Room
from av_tracker_nodes.geometry.rig_sections import (
    open_sensor,
    pose_block,
    pose_of,
    require_sensor,
)
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.geometry.uncertainty import RigUncertainty
from av_tracker_nodes.geometry.yaml_file import YamlFile

_DIRECTIONS = {'counterclockwise': 1, 'clockwise': -1}


@dataclass(frozen=True)
class Mounting:
    """Where a sensor sits.

    Attributes
    ----------
    frame : str or None
        Name of the sensor's own frame.
    parent : str or None
        Frame that the pose is given in; None where the file has no pose.
    pose : RigidTransform
        Takes points of the sensor's frame to the parent frame.
    uncertainty : RigUncertainty
        How far all that the file says may be from the truth.
    """

    frame: str | None
    parent: str | None
    pose: RigidTransform
    uncertainty: RigUncertainty = field(default_factory=RigUncertainty)


def load_camera(path: Path | str) -> Camera:
    """Read a camera; its pose is the identity where the file has none.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    file = require_sensor(path, 'camera')
    matrix = file.matrix('camera_matrix', 3, 3)
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise file.error('camera_matrix', 'focal lengths must be positive')
    if np.abs(np.array([*matrix[2, :2], matrix[1, 0], matrix[2, 2] - 1])).max() > 1e-9:
        raise file.error('camera_matrix', 'must be [fx, s, cx, 0, fy, cy, 0, 0, 1]')
    model, distortion = _distortion(file)
    camera = Camera(
        fx=matrix[0, 0],
        fy=matrix[1, 1],
        cx=matrix[0, 2],
        cy=matrix[1, 2],
        size=(file.count('image_width', LARGEST_SIDE), file.count('image_height', LARGEST_SIDE)),
        distortion=distortion,
        skew=matrix[0, 1] / matrix[0, 0],
        pose=_mounting(file).pose,
        model=model,
    )
    check_lens(camera, f'the camera of {file.path}')
    return camera


def save_camera(
    path: Path | str,
    camera: Camera,
    name: str = 'camera',
    frame: str | None = None,
    parent: str | None = None,
) -> None:
    """Write a camera; with its pose when `parent`, the frame it is described in, is named."""
    content = {
        'image_width': int(camera.size[0]),
        'image_height': int(camera.size[1]),
        'camera_name': name,
        'camera_matrix': _matrix_block(camera.matrix),
        'distortion_model': camera.model,
        'distortion_coefficients': _matrix_block(np.atleast_2d(camera.distortion)),
        'rectification_matrix': _matrix_block(np.eye(3)),
        'projection_matrix': _matrix_block(np.hstack([camera.matrix, np.zeros((3, 1))])),
    }
    if frame is not None:
        content['frame'] = frame
    if parent is not None:
        content['pose'] = pose_block(camera.pose, parent)
    _write(path, content)


def load_microphones(path: Path | str) -> MicrophoneArray:
    """Read a microphone array.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    file = require_sensor(path, 'array')
    entries = file.require('microphones')
    if not isinstance(entries, list) or not entries:
        raise file.error('microphones', 'must be a list of microphones or circles')
    rows = []
    for index, entry in enumerate(entries):
        rows += _microphones(file.part(f'microphones[{index}]', entry))
        if len(rows) > MOST_MICROPHONES:
            raise file.error('microphones', f'must be {MOST_MICROPHONES} at most')
    try:
        return MicrophoneArray(
            positions=np.array([xyz for _, _, xyz in rows]),
            groups=np.array([group for _, group, _ in rows]),
            channels=np.array([channel for channel, _, _ in rows]),
            rate=file.count('sample_rate', HIGHEST_RATE),
            speed_of_sound=_speed_of_sound(file),
            name=file.text('name'),
        )
    except InputError as error:
        raise InputError(f'{file.path}: {error}') from error


def save_microphones(
    path: Path | str,
    array: MicrophoneArray,
    frame: str = 'mic_array',
    source: str = '',
    room: Room | None = None,
    parent: str | None = None,
    pose: RigidTransform | None = None,
) -> None:
    """Write a microphone array, with its room and its pose in `parent` where these are given."""
    content = {
        'name': array.name,
        'frame': frame,
        'sample_rate': int(array.rate),
        'speed_of_sound': float(array.speed_of_sound),
        'source': source,
        'microphones': [
            {'channel': int(channel), 'group': int(group), 'xyz': _numbers(xyz)}
            for channel, group, xyz in zip(
                array.channels, array.groups, array.positions, strict=True
            )
        ],
    }
    if room is not None:
        walls, *obstacles = map(_box_block, room.boxes)
        content['room'] = walls | ({'obstacles': obstacles} if obstacles else {})
    if parent is not None:
        content['pose'] = pose_block(pose or RigidTransform(), parent)
    _write(path, content)


def load_card_channels(path: Path | str) -> int:
    """Read how many channels the sound card of an array delivers; 0 where that is not said.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    return require_sensor(path, 'array').index('card_channels', 0)


def load_room(path: Path | str) -> Room | None:
    """Read the room of an array file (m, array frame); None where it names none.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    file = open_sensor(path, 'array')
    if file is None or 'room' not in file.content:
        return None
    room = file.part('room', file.content['room'])
    obstacles = room.content.get('obstacles', [])
    if not isinstance(obstacles, list):
        raise room.error('obstacles', 'must be a list of boxes')
    parts = [room.part(f'obstacles[{k}]', entry) for k, entry in enumerate(obstacles)]
    return Room.of([_box(part) for part in (room, *parts)])


def load_mounting(path: Path | str, sensor: str) -> Mounting:
    """Read the frame and pose of a sensor, ``camera`` or ``array``.

    Nothing is told of one that a rig does not have.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    file = open_sensor(path, sensor)
    return Mounting(None, None, RigidTransform()) if file is None else _mounting(file)


def save_mounted(
    path: Path | str,
    source: Path | str,
    sensor: str,
    frame: str,
    parent: str | None = None,
    pose: RigidTransform | None = None,
) -> None:
    """Copy the section of a sensor, ``camera`` or ``array``, to a file, with a frame.

    Where `parent` is named, a pose in it comes with it, and the place of the sensor counts as
    exact. Everything else stays as it is.

    Raises
    ------
    InputError
        The source cannot be read or the copy cannot be written.
    """
    file = require_sensor(source, sensor)
    content = {**file.content, 'frame': frame}
    if parent is not None:
        content['pose'] = pose_block(pose or RigidTransform(), parent)
        if 'uncertainty' in content:
            exact = {'angle_deg': 0.0, 'position_m': 0.0}
            told = file.part('uncertainty', content['uncertainty'])
            content['uncertainty'] = {**told.content, **exact}
    _write(path, content)


def _distortion(file: YamlFile) -> tuple[str, np.ndarray]:
    """Model and coefficients; without distortion there need be none."""
    model = file.content.get('distortion_model', PLUMB_BOB) or ''
    if not isinstance(model, str):
        raise file.error('distortion_model', 'must be a text')
    coefficients = np.zeros(0)
    if model not in NO_DISTORTION or 'distortion_coefficients' in file.content:
        part = file.part('distortion_coefficients', file.require('distortion_coefficients'))
        data = part.require('data')
        if not isinstance(data, list):
            raise part.error('data', 'must be a list of numbers')
        coefficients = part.vector('data', len(data))
    try:
        return canonical_distortion(model, coefficients)
    except InputError as error:
        raise file.error('distortion_model', str(error)) from error


def _mounting(file: YamlFile) -> Mounting:
    frame = file.text('frame') if 'frame' in file.content else None
    uncertainty = _uncertainty(file)
    if 'pose' not in file.content:
        return Mounting(frame, None, RigidTransform(), uncertainty)
    return Mounting(frame, *pose_of(file), uncertainty)


def _uncertainty(file: YamlFile) -> RigUncertainty:
    block = file.part('uncertainty', file.content.get('uncertainty', {}))
    block.only(('angle_deg', 'position_m', 'focal_percent', 'microphone_m'))

    def deviation(name: str) -> float:
        value = block.number(name) if name in block.content else 0.0
        if value < 0:
            raise block.error(name, f'must be 0 or more, got {value:g}')
        return value

    return RigUncertainty(
        angle_std=float(np.radians(deviation('angle_deg'))),
        position_std=deviation('position_m'),
        focal_std=deviation('focal_percent') / 100,
        microphone_std=deviation('microphone_m'),
    )


def _microphones(entry: YamlFile) -> list[tuple[int, int, np.ndarray]]:
    """Channel, group and position of the microphones of an entry."""
    group = entry.index('group', 0)
    if 'circle' not in entry.content:
        return [(entry.index('channel'), group, entry.vector('xyz', 3))]
    circle = entry.part('circle', entry.content['circle'])
    direction = circle.choice('direction', _DIRECTIONS, 'counterclockwise')
    count = circle.count('count', MOST_MICROPHONES)
    start = np.deg2rad(circle.number('start_angle_deg'))
    angles = start + _DIRECTIONS[direction] * 2 * np.pi * np.arange(count) / count
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(count)], axis=-1)
    centre = circle.vector('centre', 3) if 'centre' in circle.content else np.zeros(3)
    positions = centre + circle.positive('radius') * ring
    first = entry.index('first_channel', 0)
    return [(first + k, group, xyz) for k, xyz in enumerate(positions)]


def _speed_of_sound(file: YamlFile) -> float:
    if 'temperature' not in file.content:
        return file.positive('speed_of_sound', SPEED_OF_SOUND)
    if 'speed_of_sound' in file.content:
        raise file.error('temperature', 'speed_of_sound is given too: leave one of them out')
    try:
        return speed_of_sound(file.number('temperature'))
    except InputError as error:
        raise file.error('temperature', str(error)) from error


def _box(part: YamlFile) -> Box:
    minimum, maximum = part.vector('minimum', 3), part.vector('maximum', 3)
    if not (minimum < maximum).all():
        raise part.error('minimum', 'must be below maximum')
    return Box(minimum, maximum)


def _box_block(box: Box) -> dict[str, list[float]]:
    return {'minimum': _numbers(box.minimum), 'maximum': _numbers(box.maximum)}


def _numbers(values: np.ndarray) -> list[float]:
    return [float(v) for v in values]


def _matrix_block(matrix: np.ndarray) -> dict[str, Any]:
    rows, columns = matrix.shape
    return {'rows': rows, 'cols': columns, 'data': _numbers(matrix.ravel())}


def _write(path: Path | str, content: dict[str, Any]) -> None:
    path = Path(path)
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=99)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
    except OSError as error:
        raise InputError(f'calibration file {path} cannot be written: {error.strerror}') from error
