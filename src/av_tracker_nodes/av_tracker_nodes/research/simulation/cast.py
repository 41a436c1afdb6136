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

"""What a scenario puts into the room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.simulation.conditions import USUAL, Conditions
from av_tracker_nodes.research.simulation.decor import Decor
from av_tracker_nodes.research.simulation.scene import Occluder, Person, SoundSource


@dataclass(frozen=True)
class Cast:
    """What a scenario puts into the room."""

    people: list[Person]
    occluders: tuple[Occluder, ...] = ()
    dead_microphones: tuple[int, ...] = ()
    fan: np.ndarray | None = None
    sources: tuple[SoundSource, ...] = ()
    decor: Decor | None = None
    conditions: Conditions = USUAL
