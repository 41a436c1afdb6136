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

"""How hard a room makes it to hear and to see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.geometry import Room
from av_tracker_nodes.research.simulation.scene import Scene

Limits = tuple[float, float]


@dataclass(frozen=True)
class Conditions:
    """Limits between which the conditions of a scene are drawn.

    Attributes
    ----------
    rt60 : (float, float)
        Reverberation time (s).
    snr_db : (float, float)
        Speech against background noise at the microphones (dB).
    defocus : (float, float)
        Blur beyond that of a lens in focus (standard deviation, pixels).
    widening : (float, float)
        How far (m) each wall, and the ceiling half as far, stands behind where a tracker is told.
    """

    rt60: Limits = (0.25, 0.5)
    snr_db: Limits = (15.0, 25.0)
    defocus: Limits = (0.0, 0.0)
    widening: Limits = (0.0, 0.0)

    def apply(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """Put what is drawn last, blur and walls, into a scene."""
        outward = rng.uniform(*self.widening, (2, 3)) * [1.0, 1.0, 0.5]
        outward[0, 2] = 0.0
        room = Room(scene.room.minimum - outward[0], scene.room.maximum + outward[1])
        return replace(scene, room=room, defocus=float(rng.uniform(*self.defocus)))


USUAL = Conditions()
"""A quiet room and a sharp picture."""
