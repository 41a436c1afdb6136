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

"""Which rigs models are compared in front of, and what happens there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.geometry.rig_description import NoiseSource, RigMotion
from av_tracker_nodes.research.simulation.rig_conditions import AV163, RigCondition
from av_tracker_nodes.research.simulation.rig_scene import RigScene

FIRST_SEED = {'validation': 1700, 'test': 2700}
"""Scenes of a split count up from here, the same in front of every rig."""

SCENES, MOST_SCENES = 5, 50
SECONDS = 12.0

SCRIPTS = 'two_talking', 'near_and_far', 'passing', 'turned_away', 'hiding'
"""What happens in one scene of a rig after the other."""

_AV163_SCRIPT = 'multi_speaker'
_FAN = NoiseSource('fan', np.array([0.2, 0.7, 0.9]), -8.0)


@dataclass(frozen=True)
class Trial:
    """A rig, as it stands or moves, and noise about it."""

    name: str
    rig: str
    motion: RigMotion = field(default_factory=RigMotion)
    noise: tuple[NoiseSource, ...] = ()

    def draw(self, seed: int, seconds: float) -> RigScene:
        """Draw the scene of a seed; which script it has follows from the seed."""
        script = SCRIPTS[seed % len(SCRIPTS)]
        if self.rig == AV163:
            script = _AV163_SCRIPT
        condition = RigCondition(self.name, self.rig, script, noise=self.noise, motion=self.motion)
        return condition.draw(seed, seconds)


TRIALS = (
    Trial('ReSpeaker, webcam', 'respeaker_usb_webcam'),
    Trial('ReSpeaker, webcam of 78 degrees, turning', 'respeaker_usb_webcam_78',
          RigMotion('pan', np.radians(15.0), 8.0)),
    Trial('UMA-8, webcam, fan', 'uma8_webcam', noise=(_FAN,)),
    Trial('Azure Kinect', 'azure_kinect'),
    Trial('Kinect v2', 'kinect_v2'),
    Trial('two microphones, webcam', 'pair_webcam'),
    Trial('AV16.3', AV163),
)  # fmt: skip
