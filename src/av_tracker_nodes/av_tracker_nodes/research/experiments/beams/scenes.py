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

"""Talkers in front of an array, in a room and noise drawn at random."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry import MicrophoneArray, Room
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.people_source import SEATED, STANDING, Stage
from av_tracker_nodes.research.simulation.scene import Person, Scene
from av_tracker_nodes.research.simulation.speech import RATE, Voice
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.research.simulation.trajectories import Itinerary, Look

AV163 = 'av163'
"""Name of the array of the meeting room, beside the rigs of the package."""

DURATION, QUIET = 6.0, 1.5
"""Of a scene, and of its beginning, in which nobody speaks (s)."""

_RT60 = 0.2, 0.8
_SNR_DB = 0.0, 20.0
_APART = 20.0, 90.0
"""Angle between neighbouring talkers, seen from the array (degrees)."""

_SMALLEST, _LARGEST = np.array([4.5, 5.0, 2.4]), np.array([7.0, 7.0, 3.2])
_BEHIND = 1.0, 2.0
_NEAREST, _FARTHEST = 0.8, 2.0
_LOUDNESS_DB = -3.0, 3.0
_FAN_SHARE = 0.5
"""Of the scenes in which half of the noise is that of a fan."""
_FROM_WALLS = 0.4


def array_of(name: str) -> MicrophoneArray:
    """Return an array about the origin, x forward and z up, at the rate of simulated sound."""
    if name == AV163:
        return meeting_room.microphones()
    rig = load_rig_description(name)
    positions = rig.target_from_array @ rig.microphones.positions
    groups = rig.microphones.groups
    return MicrophoneArray(positions - positions.mean(axis=0), groups, rate=RATE, name=name)


def draw_scene(name: str, voices: int, seed: int, duration: float = DURATION) -> Scene:
    """Draw a scene in which, after a silence, everybody talks at the same time.

    Parameters
    ----------
    name : str
        A rig of the package, or `AV163`.
    voices : int
        Talkers, 20 to 90 degrees apart (40 for three at most), within 2 m in front.
    seed : int
        Decides everything else, and by its split the voices.
    duration : float
        Seconds.

    Returns
    -------
    Scene
        Microphones stand up to 2 mm aside, gains differ by up to 4 dB, and sound is up to 3 m/s
        faster or slower than told.
    """
    rng = np.random.default_rng([seed, 0xBEA])
    stage = Stage(Split.of_seed(seed), duration, rng)
    told = array_of(name)
    room = _draw_room(rng)
    fan = rng.uniform(room.minimum + _FROM_WALLS, room.maximum - _FROM_WALLS)
    return Scene(
        name=f'sim{seed}-{voices}p-beams-{name}',
        seed=seed,
        duration=duration,
        people=tuple(_draw_people(stage, voices)),
        cameras=(),
        calibrated_cameras=(),
        video_starts=(),
        audio_video_offset=0.0,
        microphones=meeting_room.disturb_microphones(told, rng),
        calibrated_microphones=told,
        gains=10 ** (rng.uniform(-2, 2, len(told.positions)) / 20),
        room=room,
        rt60=rng.uniform(*_RT60),
        snr_db=rng.uniform(*_SNR_DB),
        fan=fan if rng.uniform() < _FAN_SHARE else None,
    )


def _draw_room(rng: np.random.Generator) -> Room:
    size = rng.uniform(_SMALLEST, _LARGEST)
    minimum = -np.array([rng.uniform(*_BEHIND), size[1] / 2, meeting_room.TABLE_HEIGHT])
    return Room(minimum, minimum + size)


def _draw_people(stage: Stage, count: int) -> list[Person]:
    rng = stage.rng
    gaps = np.radians(rng.uniform(_APART[0], _APART[1] / max(count - 1, 1), count - 1))
    azimuths = np.concatenate([[0.0], np.cumsum(gaps)])
    azimuths += rng.uniform(-0.2, 0.2) - azimuths.mean()
    return [
        _draw_person(stage, azimuth, voice)
        for azimuth, voice in zip(azimuths, stage.voices(count), strict=True)
    ]


def _draw_person(stage: Stage, azimuth: float, voice: Voice) -> Person:
    distance = stage.rng.uniform(_NEAREST, _FARTHEST)
    spot = distance * np.array([np.cos(azimuth), np.sin(azimuth)])
    height = stage.height(SEATED if stage.rng.uniform() < 0.5 else STANDING)
    axis = stage.axis(Itinerary.start(spot, -1.0), height)
    return stage.person(
        axis, [Look(0.0, np.zeros(3))], voice, [(QUIET, stage.duration)], _LOUDNESS_DB
    )
