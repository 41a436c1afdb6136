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

"""Rooms drawn at random, with a robot and four people, for figures of direction.

The robot stands in the origin: the two circles of eight microphones of AV16.3 on a table, turned
at random, and a wide-angle camera above them. Four people are in its view, each in a sector of
their own, at least 12 degrees apart as seen from the microphones; some of them talk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.people_source import SEATED, STANDING, TABLE, Stage
from av_tracker_nodes.research.simulation.scene import Person, Scene
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.research.simulation.trajectories import Itinerary, Look

PEOPLE = 4
DURATION = 4.0
"""Seconds."""

_SMALLEST, _LARGEST = np.array([4.5, 4.0, 2.4]), np.array([8.0, 6.5, 3.5])
_TO_WALL = 1.5
_PERSON_TO_WALL = 0.4
_NEAREST, _FARTHEST = 0.9, 2.8
_SECTORS = np.radians([-36.0, -12.0, 12.0, 36.0])
_HALF_SECTOR = np.radians(6.0)
_SPEED = 0.4, 0.9
_SEATED_SHARE = 0.4
_CAMERA_HEIGHT = 0.48
_IMAGE, _FOCAL = (640, 480), 224.0


@dataclass(frozen=True)
class Condition:
    """What figures are kept apart by.

    Attributes
    ----------
    rt60 : float
        Reverberation time (s).
    snr_db : float
        Speech against noise at the microphones (dB).
    moving : bool
        Whether the people walk or stand.
    voices : int
        People who talk at the same time.
    weaker_db : float or None
        Level (dB) of the second voice relative to the first, which is as far away; None leaves
        levels and places to chance.
    """

    rt60: float
    snr_db: float
    moving: bool
    voices: int
    weaker_db: float | None = None


def draw_scene(condition: Condition, seed: int) -> Scene:
    """Draw a scene; the people who talk come first.

    Parameters
    ----------
    condition : Condition
    seed : int
        Decides everything else, and by its split the voices.

    Returns
    -------
    Scene
        With one camera, which starts with the sound. Microphones stand up to 2 mm aside and sound
        is up to 3 m/s faster or slower than told, as in the recordings that the simulator writes.
    """
    rng = np.random.default_rng([seed, 0xACC])
    stage = Stage(Split.of_seed(seed), DURATION, rng)
    room, heading = _draw_room(rng), rng.uniform(-np.pi, np.pi)
    told = _turned(meeting_room.microphones(), rng.uniform(-np.pi, np.pi))
    camera = _camera(heading)
    people = _draw_people(condition, stage, room, heading, camera.centre)
    return Scene(
        name=f'sim{seed}-{PEOPLE}p-room',
        seed=seed,
        duration=DURATION,
        people=tuple(people),
        cameras=(camera,),
        calibrated_cameras=(camera,),
        video_starts=(0.0,),
        audio_video_offset=0.0,
        microphones=meeting_room.disturb_microphones(told, rng),
        calibrated_microphones=told,
        gains=10 ** (rng.uniform(-2, 2, len(told.positions)) / 20),
        room=room,
        rt60=condition.rt60,
        snr_db=condition.snr_db,
    )


def rig_of(scene: Scene) -> Rig:
    """Return what the acoustic stage is told of a scene."""
    return Rig(scene.calibrated_cameras[0], scene.calibrated_microphones, room=scene.room)


def _draw_room(rng: np.random.Generator) -> Room:
    size = rng.uniform(_SMALLEST, _LARGEST)
    before = rng.uniform(_TO_WALL, size[:2] - _TO_WALL)
    minimum = -np.array([*before, rng.uniform(0.70, 0.80)])
    return Room(minimum, minimum + size)


def _turned(array: MicrophoneArray, angle: float) -> MicrophoneArray:
    return replace(
        array, positions=array.positions @ Rotation.from_euler('z', angle).as_matrix().T
    )


def _camera(heading: float) -> Camera:
    """Upright camera of 110 degrees above the microphones, which looks to a heading (rad)."""
    forward = np.array([np.cos(heading), np.sin(heading), 0.0])
    down = np.array([0.0, 0.0, -1.0])
    axes = np.stack([np.cross(down, forward), down, forward], axis=-1)
    width, height = _IMAGE
    pose = RigidTransform(axes, np.array([0.0, 0.0, _CAMERA_HEIGHT]))
    return Camera(_FOCAL, _FOCAL, (width - 1) / 2, (height - 1) / 2, _IMAGE, pose=pose)


def _draw_people(
    condition: Condition, stage: Stage, room: Room, heading: float, camera: np.ndarray
) -> list[Person]:
    rng, same_place = stage.rng, condition.weaker_db is not None
    sectors = heading + rng.permutation(_SECTORS)
    heights = [_draw_height(condition, stage) for _ in sectors]
    ranges = rng.uniform(_NEAREST, [_reach(room, sector) for sector in sectors])
    if same_place:
        heights[1], ranges[:2] = heights[0], ranges[:2].min()
    routes = [_stand(*place, rng) for place in zip(sectors, ranges, strict=True)]
    if condition.moving:
        for route, sector in zip(routes, sectors, strict=True):
            _walk(route, sector, room, rng)
    axes = [stage.axis(*body) for body in zip(routes, heights, strict=True)]
    voices = [*stage.voices(condition.voices), *[None] * (PEOPLE - condition.voices)]
    people = [
        stage.person(axis, _looks(stage, [camera, TABLE, *axes]), voice, [(0.1, DURATION)])
        for axis, voice in zip(axes, voices, strict=True)
    ]
    if same_place:
        gain = 10 ** (condition.weaker_db / 20) * level(people[0].speech) / level(people[1].speech)
        people[1] = replace(people[1], speech=people[1].speech * np.float32(gain))
    return people


def _draw_height(condition: Condition, stage: Stage) -> float:
    seated = not condition.moving and stage.rng.uniform() < _SEATED_SHARE
    return stage.height(SEATED if seated else STANDING)


def _reach(room: Room, sector: float) -> float:
    """How far from the origin (m) somebody in a sector can stand."""
    azimuth = sector + np.array([-_HALF_SECTOR, 0.0, _HALF_SECTOR])
    towards = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=-1)
    walls = np.where(towards > 0, room.maximum[:2], room.minimum[:2])
    clearance = walls - np.copysign(_PERSON_TO_WALL, walls)
    return min(float((clearance / towards).min()), _FARTHEST)


def _stand(sector: float, distance: float, rng: np.random.Generator) -> Itinerary:
    azimuth = sector + rng.uniform(-_HALF_SECTOR, _HALF_SECTOR)
    return Itinerary.start(distance * np.array([np.cos(azimuth), np.sin(azimuth)]), -1.0)


def _walk(route: Itinerary, sector: float, room: Room, rng: np.random.Generator) -> None:
    """Walk to and fro between places of a sector."""
    while route.end < DURATION + 1.0:
        distance = rng.uniform(_NEAREST, _reach(room, sector))
        route.walk(_stand(sector, distance, rng).place, rng.uniform(*_SPEED))


def _looks(stage: Stage, targets: list[np.ndarray]) -> list[Look]:
    """Draw what somebody looks at: mostly the camera, also the table and the people."""
    weights = np.array([0.6, 0.2, *[0.2 / (len(targets) - 2)] * (len(targets) - 2)])
    looks, start = [], 0.0
    while start < DURATION:
        looks.append(Look(start, targets[stage.rng.choice(len(targets), p=weights)]))
        start += stage.rng.uniform(1.0, 2.5)
    return looks


def level(speech: np.ndarray) -> float:
    """Root mean square of dry speech (n,), its pauses left out."""
    return float(np.sqrt(np.mean(np.square(speech[speech != 0], dtype=float))))
