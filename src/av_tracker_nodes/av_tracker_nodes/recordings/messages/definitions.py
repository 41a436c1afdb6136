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

"""The definitions of messages that bags are read and written with."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from av_tracker_nodes.errors import InputError, how_to_install

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

_PACKAGE = 'av_tracker_msgs'

# Of packages that the library has no definitions of.
_OTHERS = {
    'audio_common_msgs/msg/AudioData': 'uint8[] data',
    'audio_common_msgs/msg/AudioDataStamped': (
        'std_msgs/Header header\naudio_common_msgs/AudioData audio'
    ),
    'audio_common_msgs/msg/AudioInfo': (
        'uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\n'
        'string coding_format'
    ),
    'tf2_msgs/msg/TFMessage': 'geometry_msgs/TransformStamped[] transforms',
}


def message_directory() -> Path:
    """Folder of the message definitions: copies of those of av_tracker_msgs, for without ROS."""
    return Path(resources.files('av_tracker_nodes.recordings') / 'msg')


def require_rosbags() -> None:
    """Refuse to go on without the library of bags, which live nodes do not need.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import rosbags  # noqa: F401
    except ImportError as error:
        raise InputError(f'bags need the package rosbags: {how_to_install("rosbags")}') from error


@lru_cache(maxsize=1)
def typestore() -> Typestore:
    """Types of ROS 2, of this package, and of audio_common (ros-drivers).

    Jazzy and Kilted agree on those of ROS 2 in bags of ours.

    Raises
    ------
    InputError
        When rosbags is not installed.
    """
    require_rosbags()
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for path in sorted(message_directory().glob('*.msg')):
        types.update(get_types_from_msg(path.read_text(), f'{_PACKAGE}/msg/{path.stem}'))
    for name, text in _OTHERS.items():
        if name not in store.types:
            types.update(get_types_from_msg(text, name))
    store.register(types)
    return store


def serialize(message: object, msgtype: str) -> bytes:
    """Serialise a message as bags and nodes carry it."""
    return bytes(typestore().serialize_cdr(message, msgtype))
