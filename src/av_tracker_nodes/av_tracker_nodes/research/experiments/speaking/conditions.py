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

"""Who talks in front of which rig, in which noise: decided before anything is measured."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.rig_description import NoiseSource, RigMotion
from av_tracker_nodes.research.simulation.rig_conditions import AV163, RigCondition

FIRST_SEED = {'validation': 1600, 'test': 2600}
"""Scenes of a split count up from here, the same in every condition."""

SCENES = 6
"""Scenes of a condition, unless said otherwise."""
MOST_SCENES = 40

SECONDS = 15.0

_FAN_NEARBY = NoiseSource('fan', np.array([0.2, 0.7, 0.9]), -5.0)
_FAN = NoiseSource('fan', np.array([0.2, 0.9, 0.9]), -10.0)
_TELEVISION = NoiseSource('television', np.array([3.0, -1.7, 1.1]), -5.0)

CONDITIONS = (
    RigCondition('one person', 'respeaker_usb_webcam', 'one_talking'),
    RigCondition('two people', 'respeaker_usb_webcam', 'two_talking'),
    RigCondition('three people', 'respeaker_usb_webcam', 'three_talking'),
    RigCondition('three people, UMA-8', 'uma8_webcam', 'three_talking'),
    RigCondition('two people, Azure Kinect', 'azure_kinect', 'two_talking'),
    RigCondition(
        'one person, turning base',
        'respeaker_usb_webcam',
        'one_talking',
        motion=RigMotion('pan', np.radians(15.0), 8.0),
    ),
    RigCondition('two people, RT60 0.8 s', 'respeaker_usb_webcam', 'two_talking', rt60=0.8),
    RigCondition(
        'two people, fan at 5 dB', 'respeaker_usb_webcam', 'two_talking', noise=(_FAN_NEARBY,)
    ),
    RigCondition(
        'one person, television and fan',
        'respeaker_usb_webcam',
        'one_talking',
        noise=(_TELEVISION, _FAN),
    ),
    RigCondition('two people, two microphones', 'pair_webcam', 'two_talking'),
    RigCondition('two silent people', 'respeaker_usb_webcam', 'two_silent'),
    RigCondition('multi_speaker, AV16.3', AV163, 'multi_speaker'),
)
