# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The definitions of messages that bags are read and written with."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from av_tracker_nodes.errors import InputError

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

_PACKAGE = 'av_tracker_msgs'


def message_directory() -> Path:
    """Find the message definitions: in an installation, else in the checkout.

    Raises
    ------
    InputError
        When there are none.
    """
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    checkout = Path(__file__).resolve().parents[4]
    candidates = [Path(p) / 'share' / _PACKAGE / 'msg' for p in [*prefixes, sys.prefix]]
    candidates.append(checkout / _PACKAGE / 'msg')
    for candidate in candidates:
        if (candidate / 'AudioBlock.msg').is_file():
            return candidate
    raise InputError(
        f'message definitions of {_PACKAGE} not found in '
        f'{", ".join(map(str, candidates))}; build the workspace and source it'
    )


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
