# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Nodes that a program of ours has started end when it does, even when it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from av_tracker_nodes.processes import SUPERVISOR

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux' prctl."""


def end_with_supervisor() -> None:
    """Have the system end this process once the one that started it has ended.

    Does nothing where none of ours did, as with ``ros2 launch``, or there is no such thing.

    Raises
    ------
    SystemExit
        It has ended already.
    """
    supervisor = os.environ.pop(SUPERVISOR, '')
    if not supervisor or sys.platform != 'linux':
        return
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != int(supervisor):
        raise SystemExit(1)
