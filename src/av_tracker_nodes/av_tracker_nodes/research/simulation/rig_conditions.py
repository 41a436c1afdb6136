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

"""Scenes in front of a rig, or of that of AV16.3, in a room and noise that are given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.rig_description import NoiseSource, RigDescription, RigMotion
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.geometry.uncertainty import RigUncertainty
from av_tracker_nodes.recordings.bag import ARRAY_FRAME, CAMERA_FRAME, WORLD_FRAME
from av_tracker_nodes.research.simulation.rig_scene import RigScene, build_rig_scene
from av_tracker_nodes.research.simulation.scenarios import Scenario, draw_scene, script_of
from av_tracker_nodes.research.simulation.scene import Scene

AV163 = 'av163'
"""The rig of AV16.3: two circles of eight microphones on a table, its camera 1."""

_LONGER_SIDE = 640
"""Of pictures (pixels)."""


@dataclass(frozen=True)
class RigCondition:
    """What scenes of a kind have in common.

    Attributes
    ----------
    name : str
    rig : str
        Of the package, or `AV163`.
    scenario : str
        One of `rig_scripts.RIG_SCRIPTS`; in front of `AV163` one of `scenarios.SCENARIOS`.
    rt60 : float or None
        Reverberation time (s); None leaves it to the scenario.
    noise : tuple of NoiseSource
    motion : RigMotion
        Of the base of the rig.
    """

    name: str
    rig: str
    scenario: str
    rt60: float | None = None
    noise: tuple[NoiseSource, ...] = ()
    motion: RigMotion = field(default_factory=RigMotion)

    def draw(self, seed: int, seconds: float) -> RigScene:
        """Draw a scene.

        Conditions of one rig and scenario have the same people for one seed, who say the same.
        """
        if self.rig == AV163:
            scenario = Scenario(self.scenario, seconds, script_of(self.scenario))
            drawn = _before_camera_1(draw_scene(scenario, self.scenario, seed))
        else:
            rig = replace(load_rig_description(self.rig), noise=self.noise, motion=self.motion)
            drawn = build_rig_scene(_with_small_pictures(rig), self.scenario, seed, seconds)
        if self.rt60 is not None:
            drawn = replace(drawn, scene=replace(drawn.scene, rt60=self.rt60))
        return drawn


def _with_small_pictures(rig: RigDescription) -> RigDescription:
    width, height = rig.camera.size
    scale = min(_LONGER_SIDE / max(width, height), 1.0)
    return rig.for_images((round(scale * width), round(scale * height)))


def _before_camera_1(scene: Scene) -> RigScene:
    """Describe AV16.3's microphones and its camera 1 as a rig."""
    camera, array = scene.calibrated_cameras[0], scene.calibrated_microphones
    rig = RigDescription(
        path=Path(AV163),
        name=AV163,
        description="AV16.3's arrays and its camera 1",
        source='',
        approximate=False,
        parent=WORLD_FRAME,
        base=RigidTransform(),
        camera=camera,
        camera_frame=CAMERA_FRAME,
        microphones=array,
        array_frame=ARRAY_FRAME,
        target_from_array=RigidTransform(),
        room=scene.room,
        card_channels=len(array.positions),
        processed_channels=(),
        playback_channels=(),
        uncertainty=RigUncertainty(),
        motion=RigMotion(),
        noise=(),
        has_field_of_view=False,
    )
    return RigScene(replace(scene, cameras=scene.cameras[:1]), RigidTransform(), rig)
