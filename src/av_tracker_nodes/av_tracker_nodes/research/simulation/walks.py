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

"""Ways about the room that scripts share; places are world x and y (m)."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.simulation.people_source import Stage
from av_tracker_nodes.research.simulation.trajectories import Itinerary

NEAR_LANE, FAR_LANE = 0.72, 1.25
"""World x of two lines behind the table, along it."""
NORTH, SOUTH = 1.05, -0.95
"""World y of their ends."""


def draw_place(stage: Stage) -> np.ndarray:
    """Draw a place behind the table."""
    return np.array([stage.rng.uniform(0.65, 1.3), stage.rng.uniform(-0.9, 1.05)])


def shuffle(stage: Stage, x: float, y: float) -> Itinerary:
    """Stand about a place and change it by a step now and then."""
    route = Itinerary.start(stage.near(x, y), -1.0)
    while route.end < stage.duration + 1.0:
        route.wait(stage.rng.uniform(1.5, 4.0)).walk(stage.near(x, y, 0.15), 0.4)
    return route


def stroll(stage: Stage, x: float) -> Itinerary:
    """Walk up and down near a line along the table, with pauses."""
    route = Itinerary.start((x, stage.rng.uniform(SOUTH, NORTH)), -1.0)
    while route.end < stage.duration + 1.0:
        y = stage.rng.uniform(SOUTH, NORTH)
        route.walk(stage.near(x, y), stage.rng.uniform(0.4, 0.75))
        route.wait(stage.rng.uniform(0.5, 2.5))
    return route
