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

"""How large the rooms about a rig are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry import Room
from av_tracker_nodes.research.simulation.meeting_room import TABLE_HEIGHT

Limits = tuple[float, float]


@dataclass(frozen=True)
class RoomLimits:
    """Limits of distances from the camera to the walls (m), and of the height of the ceiling.

    Attributes
    ----------
    behind, ahead, beside : (float, float)
    ceiling : (float, float)
        Above the floor.
    """

    behind: Limits = (0.6, 1.5)
    ahead: Limits = (4.0, 5.5)
    beside: Limits = (2.0, 3.2)
    ceiling: Limits = (2.4, 2.9)

    def draw(self, camera: np.ndarray, rng: np.random.Generator) -> Room:
        """Draw a room about a camera (3,) that looks along x, in the frame of a scene."""
        behind, ahead = rng.uniform(*self.behind), rng.uniform(*self.ahead)
        left, right = rng.uniform(*self.beside, 2)
        ceiling = rng.uniform(*self.ceiling)
        return Room(
            np.array([camera[0] - behind, camera[1] - right, -TABLE_HEIGHT]),
            np.array([camera[0] + ahead, camera[1] + left, ceiling - TABLE_HEIGHT]),
        )


USUAL_ROOM = RoomLimits()
"""Space for people who talk to a robot."""

ANY_ROOM = RoomLimits((0.5, 3.0), (2.5, 13.0), (1.6, 5.0), (2.2, 3.5))
"""From a closet to a hall."""
