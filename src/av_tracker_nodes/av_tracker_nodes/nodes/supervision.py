# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Nodes that a program of ours has started end when it does, even when it is killed."""

from __future__ import annotations

import os

from av_tracker_nodes.launching.parent_death import SUPERVISOR, end_with


def end_with_supervisor() -> None:
    """End once the program of ours that started this process has ended.

    Does nothing where none of ours did, as with ``ros2 launch``.

    Raises
    ------
    SystemExit
        It has ended already.
    """
    supervisor = os.environ.pop(SUPERVISOR, '')
    if supervisor:
        end_with(int(supervisor))
