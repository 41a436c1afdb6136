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

"""Processes that end when the one that has started them does, even when it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

SUPERVISOR = 'AV_TRACKER_SUPERVISOR'
"""Environment variable of a node: number of the process that has started it."""

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux' prctl."""


def end_with(parent: int) -> None:
    """Have the system end this process once its parent has ended; elsewhere than on Linux not.

    Parameters
    ----------
    parent : int
        Number of the process that has started this one.

    Raises
    ------
    SystemExit
        It has ended already.
    """
    if sys.platform != 'linux':
        return
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(1)
