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

"""Assignment of detections to tracks."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.assignment import assign

_FORBIDDEN = 1e6
"""Cost of a gated pair: finite, since an infinite one makes some assignments infeasible, and so
large that one forbidden pair is never worth any number of allowed ones."""


def optimal(cost: np.ndarray, allowed: np.ndarray) -> list[tuple[int, int]]:
    """Match with the least total cost, as many allowed pairs as possible.

    Parameters
    ----------
    cost, allowed : np.ndarray, shape (tracks, detections)

    Returns
    -------
    list of (track, detection)
    """
    rows, columns = assign(np.where(allowed, cost, _FORBIDDEN))
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(i, j) for i, j in pairs if allowed[i, j]]


def greedy(cost: np.ndarray, allowed: np.ndarray) -> list[tuple[int, int]]:
    """Take the cheapest allowed pair again and again, as AVCLNet publishes it."""
    cost = np.where(allowed, cost, np.inf)
    matches = []
    while cost.size and np.isfinite(cost.min()):
        i, j = np.unravel_index(cost.argmin(), cost.shape)
        matches.append((int(i), int(j)))
        cost[i, :] = cost[:, j] = np.inf
    return matches


ASSIGNMENTS = {'optimal': optimal, 'greedy': greedy}
