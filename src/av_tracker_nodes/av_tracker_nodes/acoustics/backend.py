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

"""Which implementation of the inner loops to use."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.util import find_spec

from numba import njit

from av_tracker_nodes.errors import InputError

BACKENDS = ('auto', 'cuda', 'numba')


def choose_backend(wanted: str = 'auto') -> str:
    """Name the backend to use: `wanted`, or for ``auto`` the fastest that is there.

    Raises
    ------
    InputError
        If `wanted` is unknown or cannot be used on this machine.
    """
    if wanted not in BACKENDS:
        raise InputError(
            f"unknown acoustic backend '{wanted}': choose one of {', '.join(BACKENDS)}"
        )
    if wanted == 'auto':
        return 'cuda' if cuda_available() else 'numba'
    if wanted == 'cuda' and not cuda_available():
        raise InputError(
            "acoustic backend 'cuda' cannot be used here: no CUDA device that torch can use; use "
            "backend 'auto'"
        )
    return wanted


def compiled(function: Callable) -> Callable:
    """Compile a function of arrays that numba understands."""
    return njit(cache=True, nogil=True)(function)


def torch_available() -> bool:
    """Tell whether torch is installed."""
    return find_spec('torch') is not None


def cuda_available() -> bool:
    """Tell whether torch is installed and sees a CUDA device.

    Without the driver torch is not asked: to import it takes seconds and 200 MB.
    """
    if not (torch_available() and _has_driver()):
        return False
    import torch

    return torch.cuda.is_available()


def _has_driver() -> bool:
    try:
        ctypes.CDLL('libcuda.so.1')
    except OSError:
        return False
    return True
