# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
