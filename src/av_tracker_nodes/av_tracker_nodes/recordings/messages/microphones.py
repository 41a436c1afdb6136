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

"""Messages of microphone arrays and of the room that they are in."""

from __future__ import annotations

from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Box, MicrophoneArray, Room
from av_tracker_nodes.geometry.microphones import HIGHEST_RATE
from av_tracker_nodes.recordings.messages.standard import Make, make, make_header, make_point
from av_tracker_nodes.recordings.plausible import check_numbers

_RATES, _SPEEDS = (1_000, HIGHEST_RATE), (100.0, 10_000.0)
"""Of sound (Hz), and of its propagation, in water too (m/s)."""


def to_array_info(
    array: MicrophoneArray,
    stamp: int,
    frame_id: str,
    room: Room | None = None,
    make: Make = make,
) -> Any:
    """Make an ``av_tracker_msgs/MicrophoneArrayInfo``."""
    return make(
        'av_tracker_msgs/msg/MicrophoneArrayInfo',
        header=make_header(stamp, frame_id, make),
        name=array.name,
        sample_rate=array.rate,
        speed_of_sound=float(array.speed_of_sound),
        positions=[make_point(position, make) for position in array.positions],
        channels=array.channels.astype(np.uint16),
        groups=array.groups.astype(np.uint16),
        room=[make_point(corner, make) for corner in _corners(room)],
    )


def from_array_info(message: object) -> MicrophoneArray:
    """Read an ``av_tracker_msgs/MicrophoneArrayInfo``.

    Raises
    ------
    InputError
        When it does not describe microphones.
    """
    name, sound = f"array '{message.name}'", float(message.speed_of_sound)
    positions = np.array([[p.x, p.y, p.z] for p in message.positions])
    check_numbers(name, positions)
    if not _SPEEDS[0] <= sound <= _SPEEDS[1]:
        raise InputError(f'{name}: the speed of sound cannot be {sound:g} m/s')
    if not _RATES[0] <= message.sample_rate <= _RATES[1]:
        raise InputError(f'{name}: the sampling rate cannot be {message.sample_rate} Hz')
    return MicrophoneArray(
        positions,
        np.asarray(message.groups, int),
        np.asarray(message.channels, int),
        int(message.sample_rate),
        sound,
        message.name,
    )


def room_of(message: object) -> Room | None:
    """Read the room of an ``av_tracker_msgs/MicrophoneArrayInfo``; None when it is unknown.

    Raises
    ------
    InputError
        When a corner is left over, or nowhere.
    """
    if len(message.room) == 0:
        return None
    corners = np.array([[corner.x, corner.y, corner.z] for corner in message.room])
    if len(corners) % 2:
        raise InputError(
            f'the room of an array and what stands in it have two corners each, not {len(corners)}'
        )
    check_numbers('the room of an array', corners)
    boxes = corners.reshape(-1, 2, 3)
    return Room.of([Box(box.min(axis=0), box.max(axis=0)) for box in boxes])


def _corners(room: Room | None) -> list[np.ndarray]:
    """Opposite corners of a room, then of each obstacle in it (m); none for None."""
    boxes = () if room is None else room.boxes
    return [corner for box in boxes for corner in (box.minimum, box.maximum)]
