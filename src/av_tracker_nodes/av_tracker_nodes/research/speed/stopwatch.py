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

"""Timing of functions side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

Result = TypeVar('Result')


def median_ms(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Time functions in turn, so that whatever else the machine does meets all of them alike.

    Parameters
    ----------
    functions : mapping of str to callable
        Called once before, to compile and to fill caches.
    rounds : int

    Returns
    -------
    dict
        Median of each (ms).
    """
    for function in functions.values():
        function()
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(milliseconds(function))
    return {name: float(np.median(values)) for name, values in times.items()}


def milliseconds(function: Callable[[], object]) -> float:
    """Time one call (ms)."""
    return timed(function)[1]


def timed(function: Callable[..., Result], *arguments: object) -> tuple[Result, float]:
    """Call a function; return what it returns, and how long it took (ms)."""
    start = time.perf_counter()
    result = function(*arguments)
    return result, 1e3 * (time.perf_counter() - start)
