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

"""Rig files: a camera and a microphone array in one file, each as a calibration file would say it.

::

    name: my_rig
    description: what it is
    approximate: true             # numbers of a data sheet, not of a calibration; or left out
    source: where the numbers come from
    mount: {parent: world, xyz: [0, 0, 1.2], roll_deg: 0, pitch_deg: 0, yaw_deg: 0}
    camera:                       # may be left out, as may array
      frame: camera_optical
      size: [640, 480]
      field_of_view_deg: {horizontal: 60}       # or diagonal, or vertical
      mount: {xyz: [0.03, 0, 0.05], pitch_deg: 0}
    array:
      frame: mic_array
      sample_rate: 16000
      microphones: [...]          # as in array files, as is room
      card_channels: 6            # channels that the card delivers, whatever they hold
      processed_channels: [0]     # not microphones: what the card makes of them
      playback_channels: [5]      # not microphones: what the loudspeaker plays
      mount: {xyz: [0, 0, 0]}
    uncertainty: {angle_deg: 4, position_m: 0.03, focal_percent: 10, microphone_m: 0.002}

The rig has a base, x forward and z up, whose place in the ``parent`` frame is the outer ``mount``;
the inner ones are places in the base. The camera looks along the x axis of its mount. Angles are
roll, pitch and yaw about fixed axes, as in URDF. What is left out of a mount is zero, and
``parent`` is ``world``.

A section may hold the words of a calibration file instead (``camera_matrix`` ..., ``pose``), or
name one, ``file: array.yaml``, relative to the rig file, and add to it or replace parts of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.frame_tree import FrameTree
from av_tracker_nodes.geometry.rotations import matrix_of_roll_pitch_yaw
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.geometry.yaml_file import YamlFile

SENSORS = ('camera', 'array')
DEFAULT_FRAMES = {'camera': 'camera_optical', 'array': 'mic_array'}
DEFAULT_PARENT = 'world'
GUESS = {'angle_deg': 5.0, 'position_m': 0.03, 'focal_percent': 10.0, 'microphone_m': 0.002}
"""Uncertainty of a rig that is approximate and says no more."""

_RIG = (
    'name', 'description', 'approximate', 'source', 'mount', 'camera', 'array', 'uncertainty',
    'motion', 'noise',
)  # fmt: skip
_ARRAY = (
    'file', 'frame', 'mount', 'pose', 'name', 'source', 'sample_rate', 'speed_of_sound',
    'temperature', 'microphones', 'room', 'card_channels', 'processed_channels',
    'playback_channels',
)  # fmt: skip
_PLAIN_CAMERA = ('file', 'frame', 'mount', 'pose', 'size', 'field_of_view_deg')
_ANGLES = ('roll_deg', 'pitch_deg', 'yaw_deg')
_OPTICAL = RigidTransform(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]))
"""From a camera's optical frame (x right, y down, z forward) to its body (x forward, z up)."""


def open_sensor(path: Path | str, sensor: str) -> YamlFile | None:
    """Read the section of a sensor, as the content of a calibration file.

    Parameters
    ----------
    path : Path or str
        Calibration file, which is taken as it is, or rig file.
    sensor : str
        One of `SENSORS`.

    Returns
    -------
    YamlFile or None
        None where a rig has no such sensor.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    file = YamlFile.open(path)
    if not is_rig(file):
        return file
    return RigSections(file).sensor(sensor)


def require_sensor(path: Path | str, sensor: str) -> YamlFile:
    """Read the section of a required sensor; see `open_sensor`."""
    file = open_sensor(path, sensor)
    if file is None:
        raise InputError(f'{path}: {sensor}: is missing: this rig has none')
    return file


def is_rig(file: YamlFile) -> bool:
    """Tell a rig file from a calibration file."""
    return any(sensor in file.content for sensor in SENSORS)


class RigSections:
    """A rig file, its sections brought into the words of calibration files.

    Parameters
    ----------
    file : YamlFile
        The whole file.

    Attributes
    ----------
    parent : str
        Frame that the rig is mounted in.
    parent_from_base : RigidTransform

    Raises
    ------
    InputError
        Something in the file is malformed or unknown.
    """

    def __init__(self, file: YamlFile) -> None:
        file.only(_RIG)
        self._file = file
        mount = file.part('mount', file.content.get('mount', {}))
        mount.only(('parent', 'xyz', *_ANGLES))
        self.parent = mount.text('parent') if 'parent' in mount.content else DEFAULT_PARENT
        self.parent_from_base = _mount(mount)
        self._sections = {name: self._read(name) for name in SENSORS if name in file.content}

    def sensor(self, name: str) -> YamlFile | None:
        """Return a section with its pose in the parent frame; None where there is none."""
        if name not in self._sections:
            return None
        section = self._sections[name]
        content = {**section.content, 'uncertainty': self._uncertainty()}
        frame = content['frame']
        if frame == self.parent:
            if 'mount' in content:
                raise section.error('mount', f"frame '{frame}' is that of the outer mount itself")
            content.pop('pose', None)
        else:
            content['pose'] = pose_block(self._pose(name, frame), self.parent)
        return YamlFile(section.path, content, section.where)

    def _read(self, name: str) -> YamlFile:
        """Read a section, and the file that it names."""
        section = self._file.part(name, self._file.content[name])
        named = self._named(section, name) if 'file' in section.content else {}
        if 'mount' in section.content and 'pose' in section.content:
            raise section.error('pose', 'mount is given too: leave one of them out')
        defaults = {'frame': DEFAULT_FRAMES[name], 'name': self._file.content.get('name', name)}
        content = {**defaults, **named, **section.content}
        read = YamlFile(section.path, content, section.where)
        read.text('frame')
        if name == 'array':
            section.only(_ARRAY)
        elif 'field_of_view_deg' in content:
            if 'camera_matrix' in section.content:
                raise section.error('camera_matrix', 'field_of_view_deg is given too')
            section.only(_PLAIN_CAMERA)
            content |= _pinhole(read)
        return read

    def _named(self, section: YamlFile, name: str) -> dict[str, Any]:
        """Read the file that a section names; where that is a rig, how it is mounted stays there.

        A file that is named names no other one, so that none is read in circles.
        """
        file = YamlFile.open(section.path.parent / section.text('file'))
        if not is_rig(file):
            return file.content
        if name not in file.content:
            raise section.error('file', f'{file.path} has no section {name}')
        if 'file' in file.part(name, file.content[name]).content:
            raise section.error('file', f'{file.path} names another file: name that one')
        content = RigSections(file)._sections[name].content
        return {key: value for key, value in content.items() if key not in ('mount', 'pose')}

    def _pose(self, name: str, frame: str) -> RigidTransform:
        """Where a sensor is in the parent frame, perhaps by way of the other one."""
        edges = {}
        for sensor, section in self._sections.items():
            child = section.content['frame']
            if 'pose' in section.content and 'mount' not in section.content:
                edges[pose_of(section)[0], child] = pose_of(section)[1]
            elif child != self.parent:
                edges[self.parent, child] = self._mounted(sensor)
        return FrameTree.of(edges, f'{self._file.path}: {name}').look_up(self.parent, frame)

    def _mounted(self, sensor: str) -> RigidTransform:
        section = self._sections[sensor]
        block = section.part('mount', section.content.get('mount', {}))
        block.only(('xyz', *_ANGLES))
        placed = self.parent_from_base @ _mount(block)
        return placed @ _OPTICAL if sensor == 'camera' else placed

    def _uncertainty(self) -> dict[str, float]:
        block = self._file.part('uncertainty', self._file.content.get('uncertainty', {}))
        approximate = self._file.content.get('approximate', False)
        if not isinstance(approximate, bool):
            raise self._file.error('approximate', f'must be true or false, got {approximate!r}')
        return {**(GUESS if approximate else {}), **block.content}


def pose_of(file: YamlFile) -> tuple[str, RigidTransform]:
    """Read parent frame and pose from ``pose`` as calibration files have it."""
    block = file.part('pose', file.content['pose'])
    quaternion = block.vector('quaternion', 4)
    if abs(np.linalg.norm(quaternion) - 1) > 1e-3:
        raise block.error('quaternion', 'must have unit length (x, y, z, w)')
    pose = RigidTransform.from_quaternion(block.vector('xyz', 3), quaternion)
    return block.text('parent'), pose


def pose_block(pose: RigidTransform, parent: str) -> dict[str, Any]:
    """Return a pose in a parent frame as calibration files have it."""
    return {
        'parent': parent,
        'xyz': [float(v) for v in pose.translation],
        'quaternion': [float(v) for v in pose.quaternion],
    }


def _mount(block: YamlFile) -> RigidTransform:
    xyz = block.vector('xyz', 3) if 'xyz' in block.content else np.zeros(3)
    angles = [block.number(name) if name in block.content else 0.0 for name in _ANGLES]
    return RigidTransform(matrix_of_roll_pitch_yaw(np.deg2rad(angles)), xyz)


def _pinhole(section: YamlFile) -> dict[str, Any]:
    """Make an ideal camera of a field of view, in the words of ROS."""
    section.require('size')
    size = section.indices('size')
    if len(size) != 2 or 0 in size:
        raise section.error('size', f'must be width and height in pixels, got {size}')
    width, height = size
    extents = {
        'horizontal': width,
        'vertical': height,
        'diagonal': float(np.hypot(width, height)),
    }
    view = section.part('field_of_view_deg', section.content['field_of_view_deg'])
    view.only(tuple(extents))
    if len(view.content) != 1:
        raise section.error('field_of_view_deg', f'must have one of {", ".join(extents)}')
    ((direction, _),) = view.content.items()
    angle = view.positive(direction)
    if angle >= 180:
        raise view.error(direction, f'must be below 180 degrees, got {angle:g}')
    focal = extents[direction] / 2 / np.tan(np.radians(angle) / 2)
    matrix = [focal, 0.0, (width - 1) / 2, 0.0, focal, (height - 1) / 2, 0.0, 0.0, 1.0]
    return {
        'image_width': width,
        'image_height': height,
        'camera_matrix': {'data': [float(value) for value in matrix]},
        'distortion_coefficients': {'data': [0.0] * 5},
    }
