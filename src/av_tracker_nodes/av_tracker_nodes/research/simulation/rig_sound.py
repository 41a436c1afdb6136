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

"""The sound of simulated scenes for the acoustic stage, without a bag and without pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.research.simulation.rig_scene import RigScene
from av_tracker_nodes.research.simulation.scene import FRAME_RATE
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.types import NANOSECONDS, AudioBlock


def rig_of_sound(drawn: RigScene) -> Rig:
    """Return the rig of a scene, its channels those that `room_acoustics.record` renders."""
    rig = drawn.rig.rig()
    return replace(rig, microphones=replace(rig.microphones, channels=None, rate=RATE))


def images_of_sound(sound: np.ndarray) -> Iterator[tuple[float, int, AudioBlock]]:
    """Cut sound (samples, microphones) at 25 Hz; yield the end of each block (s, ns) and it."""
    size = RATE // FRAME_RATE
    for first in range(0, len(sound) - size + 1, size):
        block = AudioBlock(first * NANOSECONDS // RATE, first, RATE, sound[first : first + size])
        end = first + size
        yield end / RATE, end * NANOSECONDS // RATE, block
