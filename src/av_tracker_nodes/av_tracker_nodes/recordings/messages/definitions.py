# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The definitions of messages that bags are read and written with."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

_PACKAGE = 'av_tracker_msgs'


def message_directory() -> Path:
    """Folder of the message definitions: copies of those of av_tracker_msgs, for without ROS."""
    return Path(resources.files('av_tracker_nodes.recordings') / 'msg')


@lru_cache(maxsize=1)
def typestore() -> Typestore:
    """Types of ROS 2 (Jazzy and Kilted agree on those in bags of ours) and of this package."""
    # Here, since the live nodes read messages of rclpy and need no bags.
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for path in sorted(message_directory().glob('*.msg')):
        types.update(get_types_from_msg(path.read_text(), f'{_PACKAGE}/msg/{path.stem}'))
    store.register(types)
    if 'tf2_msgs/msg/TFMessage' not in store.types:
        text = 'geometry_msgs/TransformStamped[] transforms'
        store.register(get_types_from_msg(text, 'tf2_msgs/msg/TFMessage'))
    return store


def serialize(message: object, msgtype: str) -> bytes:
    """Serialise a message as bags and nodes carry it."""
    return bytes(typestore().serialize_cdr(message, msgtype))
