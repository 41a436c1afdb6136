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

"""Rigs from files: a rig file, or the calibration files of a camera and of its microphones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import (
    load_camera,
    load_microphones,
    load_mounting,
    load_room,
)
from av_tracker_nodes.geometry.frame_tree import FrameTree
from av_tracker_nodes.geometry.microphones import MOST_CHANNELS, MicrophoneArray
from av_tracker_nodes.geometry.rig import Rig
from av_tracker_nodes.geometry.rig_description import (
    NOISE_KINDS,
    NoiseSource,
    RigDescription,
    RigMotion,
)
from av_tracker_nodes.geometry.rig_sections import (
    DEFAULT_FRAMES,
    SENSORS,
    RigSections,
    is_rig,
)
from av_tracker_nodes.geometry.yaml_file import YamlFile
from av_tracker_nodes.models.shipped import shipped_file, shipped_names

FOLDER = 'rigs'
"""Where the rigs that come with the package are."""

_SUFFIX = '.yaml'
_REACHES = {'static': '', 'pan': 'angle_deg', 'drive': 'distance_m'}


def find_rig(rig: str | Path) -> Path:
    """Find a rig file: one that comes with the package, by its name, or any other.

    Parameters
    ----------
    rig : str or Path
        Name such as ``respeaker_usb_webcam``, or file.

    Raises
    ------
    InputError
        When there is neither.
    """
    path, names = Path(rig), shipped_rigs()
    if path.suffix in ('.yaml', '.yml') or len(path.parts) != 1:
        if path.is_file():
            return path
        raise InputError(f'rig file {path} does not exist; those of the package: {_list(names)}')
    if str(rig) not in names:
        raise InputError(f"no rig '{rig}': give a file (.yaml), or one of {_list(names)}")
    return shipped_file(f'{rig}{_SUFFIX}', FOLDER)


def shipped_rigs() -> list[str]:
    """Names of the rigs that come with the package."""
    return shipped_names(FOLDER, _SUFFIX)


def load_rig_description(rig: str | Path) -> RigDescription:
    """Read a rig file.

    Parameters
    ----------
    rig : str or Path
        Name of a rig of the package, or file.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    path = find_rig(rig)
    file = YamlFile.open(path)
    if not is_rig(file):
        raise InputError(f'{path} is no rig file: it has neither a section camera nor array')
    sections = RigSections(file)
    camera, array = sections.sensor('camera'), sections.sensor('array')
    mountings = {name: load_mounting(path, name) for name in SENSORS}
    microphones = None if array is None else load_microphones(path)
    card_channels, processed, playback = _channels(array, microphones)
    return RigDescription(
        path=path,
        name=file.text('name') if 'name' in file.content else path.stem,
        description=str(file.content.get('description', '')).strip(),
        source=str(file.content.get('source', '')).strip(),
        approximate=file.content.get('approximate', False),
        parent=sections.parent,
        base=sections.parent_from_base,
        camera=None if camera is None else load_camera(path),
        camera_frame=mountings['camera'].frame or DEFAULT_FRAMES['camera'],
        microphones=microphones,
        array_frame=mountings['array'].frame or DEFAULT_FRAMES['array'],
        target_from_array=mountings['array'].pose,
        room=load_room(path),
        card_channels=card_channels,
        processed_channels=processed,
        playback_channels=playback,
        uncertainty=mountings['camera'].uncertainty.worst(mountings['array'].uncertainty),
        motion=_motion(file),
        noise=_noise(file),
        has_field_of_view=camera is not None and 'field_of_view_deg' in camera.content,
    )


def load_rig(
    camera: Path | str, array: Path | str | None = None, target_frame: str | None = None
) -> Rig:
    """Put a camera and a microphone array together.

    Parameters
    ----------
    camera : Path or str
        Calibration file of a camera; or, alone, a rig: a file, or the name of one of the package.
    array : Path or str, optional
        Calibration file of an array. `av-tracker calibrate extrinsics` writes both with poses
        that lead from the sensors to the target frame.
    target_frame : str, optional
        Frame of detections and tracks; where left out, the outermost one that the camera's poses
        lead to.

    Raises
    ------
    InputError
        A file is missing or malformed, or names no frame, or the poses do not connect both
        sensors to the target frame.
    """
    if array is None:
        description = load_rig_description(camera)
        if description.camera is None or description.microphones is None:
            return description.rig()
        camera = array = description.path
    mountings = [load_mounting(camera, 'camera'), load_mounting(array, 'array')]
    for path, mounting in zip((camera, array), mountings, strict=True):
        if mounting.frame is None:
            raise InputError(
                f'{path}: names no frame, so where the sensor is remains unknown; '
                'av-tracker calibrate extrinsics finds and writes it'
            )
    edges = {(m.parent, m.frame): m.pose for m in mountings if m.parent is not None}
    target = target_frame or _outermost(mountings[0].frame, edges)
    frames = FrameTree.of(edges, f'{camera} with {array}')
    camera_pose, array_pose = (frames.look_up(target, mounting.frame) for mounting in mountings)
    # The camera that is read is described in its parent frame already.
    placed = load_camera(camera).in_frame(camera_pose @ mountings[0].pose.inverse)
    uncertainty = mountings[0].uncertainty.worst(mountings[1].uncertainty)
    return Rig(placed, load_microphones(array), array_pose, load_room(array), uncertainty)


def _outermost(frame: str, edges: Iterable[tuple[str, str]]) -> str:
    """Follow edges (parent, child) from a frame outwards."""
    parents = {child: parent for parent, child in edges}
    for _ in parents:
        frame = parents.get(frame, frame)
    return frame


def _channels(
    array: YamlFile | None, microphones: MicrophoneArray | None
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Channels of the card: how many, those that are processed, and those that play back."""
    if array is None or microphones is None:
        return 0, (), ()
    heard = microphones.channels.tolist()
    processed, playback = (
        tuple(array.indices(name)) for name in ('processed_channels', 'playback_channels')
    )
    needed = 1 + max([*heard, *processed, *playback])
    if needed > MOST_CHANNELS:
        raise array.error('microphones', f'channel {needed - 1} is beyond {MOST_CHANNELS - 1}')
    count = array.index('card_channels', needed)
    if count > MOST_CHANNELS:
        raise array.error('card_channels', f'must be {MOST_CHANNELS} at most, got {count}')
    if count < needed:
        raise array.error('card_channels', f'channel {needed - 1} is named, of a card of {count}')
    for name, others in (('processed_channels', processed), ('playback_channels', playback)):
        if shared := sorted(set(others) & set(heard)):
            raise array.error(name, f'channel {shared[0]} is a microphone as well')
    return count, processed, playback


def _motion(file: YamlFile) -> RigMotion:
    if 'motion' not in file.content:
        return RigMotion()
    block = file.part('motion', file.content['motion'])
    kind = block.text('kind')
    if kind not in _REACHES:
        raise block.error('kind', f"must be one of {', '.join(_REACHES)}, got '{kind}'")
    if kind == 'static':
        block.only(('kind',))
        return RigMotion()
    block.only(('kind', 'period', _REACHES[kind]))
    reach = block.positive(_REACHES[kind])
    return RigMotion(
        kind, float(np.radians(reach)) if kind == 'pan' else reach, block.positive('period', 10.0)
    )


def _noise(file: YamlFile) -> tuple[NoiseSource, ...]:
    entries = file.content.get('noise', [])
    if not isinstance(entries, list):
        raise file.error('noise', 'must be a list of sources')
    sources = []
    for index, entry in enumerate(entries):
        block = file.part(f'noise[{index}]', entry)
        block.only(('kind', 'xyz', 'level_db', 'switched', 'mounted'))
        kind = block.text('kind')
        if kind not in NOISE_KINDS:
            raise block.error('kind', f"must be one of {', '.join(NOISE_KINDS)}, got '{kind}'")
        place, level = block.vector('xyz', 3), block.number('level_db')
        switched, mounted = block.flag('switched'), block.flag('mounted')
        sources.append(NoiseSource(kind, place, level, switched, mounted))
    return tuple(sources)


def _list(names: Iterable[str]) -> str:
    return ', '.join(names)
