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

"""Simulated scenes for any rig: its camera and microphones in a room, people in front of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import MicrophoneArray, RigidTransform
from av_tracker_nodes.geometry.rig_description import NoiseSource, RigDescription
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.noises import NOISES, switched, television_sound
from av_tracker_nodes.research.simulation.rig_scripts import RIG_SCRIPTS
from av_tracker_nodes.research.simulation.rig_stage import RigStage
from av_tracker_nodes.research.simulation.scenarios import draw_light
from av_tracker_nodes.research.simulation.scene import (
    FRAME_RATE,
    Scene,
    SensorMotion,
    SoundSource,
)
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.research.simulation.splits import Split

_HEIGHTS = 0.25, 2.2
"""Heights (m) of a rig above the origin of its parent frame that can be heights above a floor."""
_USUAL_HEIGHT = 1.2


@dataclass(frozen=True)
class RigScene:
    """A scene, and how its frame lies.

    Attributes
    ----------
    scene : Scene
        In a frame of its own: the camera of the rig looks along x, z is up.
    scene_from_parent : RigidTransform
        From the frame that the rig is mounted in.
    rig : RigDescription
    """

    scene: Scene
    scene_from_parent: RigidTransform
    rig: RigDescription


def build_rig_scene(rig: RigDescription, scenario: str, seed: int, duration: float) -> RigScene:
    """Draw one scene in front of a rig.

    Parameters
    ----------
    rig : RigDescription
        With a camera and microphones. It stands on the floor of its parent frame if it is as high
        as things are, and else 1.2 m above a floor.
    scenario : str
        One of `RIG_SCRIPTS`.
    seed : int
        As in `scenarios.build_scene`.
    duration : float
        Seconds.

    Raises
    ------
    InputError
        For an unknown scenario, a rig that lacks something or sees nobody, or missing speech.
    """
    if scenario not in RIG_SCRIPTS:
        raise InputError(f"unknown scenario '{scenario}'; with a rig: {', '.join(RIG_SCRIPTS)}")
    for sensor, part in (('camera', rig.camera), ('array', rig.microphones)):
        if part is None:
            raise InputError(f'{rig.path}: {sensor}: is missing: a simulation needs both sensors')
    split = Split.of_seed(seed)
    rng = np.random.default_rng([seed, zlib.crc32(f'{rig.name} {scenario}'.encode())])
    scene_from_parent = _standing_in_the_room(rig)
    calibrated_camera = rig.camera.in_frame(scene_from_parent)
    calibrated_microphones = _placed(rig.microphones, scene_from_parent @ rig.target_from_array)
    script = RIG_SCRIPTS[scenario]
    room = script.room.draw(calibrated_camera.centre, rng)
    stage = RigStage(
        split,
        duration,
        rng,
        calibrated_camera,
        calibrated_microphones.centre,
        room,
        len(calibrated_microphones.positions),
    )
    cast = script.cast(stage)
    scene = Scene(
        name=f'sim{seed}-{len(cast.people)}p-{scenario}-{rig.name}',
        seed=seed,
        duration=duration,
        people=tuple(cast.people),
        cameras=(meeting_room.disturb_camera(calibrated_camera, rng),),
        calibrated_cameras=(calibrated_camera,),
        video_starts=(float(rng.integers(2, 12)) / FRAME_RATE,),
        audio_video_offset=rng.uniform(-0.02, 0.02),
        microphones=meeting_room.disturb_microphones(calibrated_microphones, rng),
        calibrated_microphones=calibrated_microphones,
        gains=10 ** (rng.uniform(-2, 2, len(calibrated_microphones.positions)) / 20),
        room=room,
        rt60=rng.uniform(*cast.conditions.rt60),
        snr_db=rng.uniform(*cast.conditions.snr_db),
        light=draw_light(duration, rng),
        occluders=cast.occluders,
        dead_microphones=cast.dead_microphones,
        sources=(
            *(_source(noise, scene_from_parent, stage, cast) for noise in rig.noise),
            *cast.sources,
        ),
        table=False,
        decor=cast.decor,
        motion=_motion(rig, scene_from_parent),
    )
    return RigScene(cast.conditions.apply(scene, rng), scene_from_parent, rig)


def _standing_in_the_room(rig: RigDescription) -> RigidTransform:
    """Put the rig over the origin of the scene, looking along x, above the floor."""
    height = rig.base.translation[2]
    floor = 0.0 if _HEIGHTS[0] <= height <= _HEIGHTS[1] else height - _USUAL_HEIGHT
    forward = rig.camera.pose.rotation[:, 2]
    yaw = np.arctan2(forward[1], forward[0])
    cosine, sine = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    origin = np.array([*rig.base.translation[:2], floor + meeting_room.TABLE_HEIGHT])
    return RigidTransform(turn, -turn @ origin)


def _placed(array: MicrophoneArray, scene_from_array: RigidTransform) -> MicrophoneArray:
    """Describe an array in the frame of the scene, at the rate that sound is rendered at."""
    return replace(array, positions=scene_from_array @ array.positions, rate=RATE)


def _motion(rig: RigDescription, scene_from_parent: RigidTransform) -> SensorMotion | None:
    if rig.motion.kind == 'static':
        return None
    return SensorMotion(scene_from_parent @ rig.base, rig.motion)


def _source(
    noise: NoiseSource, scene_from_parent: RigidTransform, stage: RigStage, cast: Cast
) -> SoundSource:
    place = scene_from_parent @ noise.position
    if not stage.room.contains(place):
        raise InputError(
            f'the {noise.kind} of the rig at {noise.position.tolist()} m is outside the room: '
            'put it within 2 m to the sides and 4 m in front'
        )
    samples = round(stage.duration * RATE)
    if noise.kind == 'television':
        # A voice that nobody in the room has.
        sound = television_sound(samples, stage.voices(len(cast.people) + 1)[-1], stage.rng)
    else:
        sound = NOISES[noise.kind](samples, stage.rng)
    if noise.switched:
        sound = switched(sound, stage.rng)
    return SoundSource(place, sound, noise.level_db, noise.mounted)
