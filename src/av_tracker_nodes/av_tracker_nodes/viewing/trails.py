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

"""Where people have been."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from av_tracker_nodes.types import Track

_LENGTH = 75
"""Cycles, about three seconds."""


class Trails:
    """The last positions of every track."""

    def __init__(self) -> None:
        self._trails: dict[int, deque[np.ndarray]] = {}

    def __getitem__(self, number: int) -> np.ndarray:
        """Return the positions of a track (m), oldest first, shape (n, 3)."""
        return np.stack(list(self._trails[number]))

    def follow(self, tracks: Iterable[Track]) -> list[int]:
        """Add the positions of a cycle; forget the tracks that have gone, and return their ids."""
        here = {track.id: track.position for track in tracks}
        gone = sorted(set(self._trails) - set(here))
        for number in gone:
            del self._trails[number]
        for number, position in here.items():
            self._trails.setdefault(number, deque(maxlen=_LENGTH)).append(position)
        return gone
