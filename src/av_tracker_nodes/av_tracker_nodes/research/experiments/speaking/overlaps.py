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

"""How many of several simultaneous voices are found at a time, by sound alone.

Two or three people stand 45 degrees apart and talk without pauses. A voice is found where a peak
that is more likely speech than not is within 15 degrees of its azimuth; peaks farther from every
voice are ghosts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics import AcousticStage
from av_tracker_nodes.geometry import Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.research.evaluation.statistics import interval_over, summed_ratio, written
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.people_source import STANDING, Stage
from av_tracker_nodes.research.simulation.rig_conditions import AV163
from av_tracker_nodes.research.simulation.rig_sound import images_of_sound
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scene import Person, Scene
from av_tracker_nodes.research.simulation.speech import RATE, Voice
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.research.simulation.trajectories import Itinerary, Look

RIGS = ('respeaker_usb_webcam', 'respeaker_6mic_webcam', 'uma8_webcam', 'uma16_webcam', AV163)
VOICES = 2, 3
SCENES = 4
"""Of each rig and number of voices."""
SECONDS = 8.0

_APART, _WITHIN = np.radians(45.0), np.radians(15.0)
_HEADING = np.radians(30.0)
"""The middle of the voices is this far from straight ahead at most: upright arrays hear front and
back alike."""
_DISTANCE = 1.2, 2.2
_HEIGHT = 1.2 - meeting_room.TABLE_HEIGHT
_SPEECH = 0.5
_FIRST_IMAGE = 10
_RT60, _SNR_DB = 0.3, 25.0


@dataclass(frozen=True)
class OverlapTask:
    """Voices about a rig."""

    rig: str
    voices: int
    seed: int
    seconds: float = SECONDS

    @property
    def name(self) -> str:
        """Of its files."""
        return f'{self.rig}-{self.voices}'


@dataclass(frozen=True)
class OverlapCounts:
    """What is counted in a scene.

    Attributes
    ----------
    microphones, images : int
    heard : int
        Images with speech from anywhere.
    found : int
        Voices found, summed over those images.
    voices : int
        All voices, summed over those images.
    peaks, ghosts : int
        Speech from anywhere, and from where nobody talks.
    """

    microphones: int
    images: int
    heard: int
    found: int
    voices: int
    peaks: int
    ghosts: int


def overlap_tasks(first_seed: int) -> list[OverlapTask]:
    """Plan the scenes of every rig and number of voices."""
    return [
        OverlapTask(rig, voices, first_seed + number)
        for rig in RIGS
        for voices in VOICES
        for number in range(SCENES)
    ]


def overlap_scene(task: OverlapTask) -> OverlapCounts:
    """Listen to a scene and count the voices that are found at each image."""
    array, parent_from_array = _array(task.rig)
    scene, azimuths = _draw(task, array, parent_from_array)
    stage = AcousticStage(array)
    heard = found = peaks = ghosts = images = 0
    for number, (_, stamp, block) in enumerate(images_of_sound(record(scene))):
        stage.add(block)
        if number < _FIRST_IMAGE:
            continue
        images += 1
        towards = np.array(
            [peak.direction for peak in stage.listen(stamp).peaks if peak.speech >= _SPEECH]
        ).reshape(-1, 3)
        if not len(towards):
            continue
        towards = towards @ parent_from_array.rotation.T
        off = _angle(np.arctan2(towards[:, 1], towards[:, 0])[:, None] - azimuths) <= _WITHIN
        heard += 1
        found += int(off.any(axis=0).sum())
        peaks += len(towards)
        ghosts += int((~off.any(axis=1)).sum())
    microphones = len(array.positions)
    return OverlapCounts(microphones, images, heard, found, heard * task.voices, peaks, ghosts)


def overlap_row(scenes: Sequence[OverlapCounts]) -> dict[str, float | None]:
    """Take the scenes of a rig and number of voices together."""

    def found(chosen: Sequence[OverlapCounts]) -> float:
        return summed_ratio(chosen, 'found', 'voices')

    low, high = interval_over(scenes, found)
    figures = {
        'found': found(scenes),
        'found_low': low,
        'found_high': high,
        'ghosts': summed_ratio(scenes, 'ghosts', 'peaks'),
        'heard': summed_ratio(scenes, 'heard', 'images'),
    }
    known = {name: written(value) for name, value in figures.items()}
    return {'microphones': scenes[0].microphones, **known, 'scenes': len(scenes)}


def _angle(difference: np.ndarray) -> np.ndarray:
    return np.abs((difference + np.pi) % (2 * np.pi) - np.pi)


def _array(rig: str) -> tuple[MicrophoneArray, RigidTransform]:
    """Microphones as they are rendered, in their own frame, and how that is turned: z up."""
    if rig == AV163:
        return meeting_room.microphones(), RigidTransform()
    described = load_rig_description(rig)
    positions = described.microphones.positions
    turned = RigidTransform(described.target_from_array.rotation)
    return MicrophoneArray(positions, described.microphones.groups, rate=RATE), turned


def _draw(
    task: OverlapTask, told: MicrophoneArray, parent_from_array: RigidTransform
) -> tuple[Scene, np.ndarray]:
    """Draw a scene about an array, and the azimuths (rad) of its voices."""
    rng = np.random.default_rng([task.seed, task.voices, 0x0FE])
    stage = Stage(Split.of_seed(task.seed), task.seconds, rng)
    spread = _APART * (np.arange(task.voices) - (task.voices - 1) / 2)
    azimuths = rng.uniform(-_HEADING, _HEADING) + spread
    ears = np.array([0.0, 0.0, _HEIGHT])
    placed = MicrophoneArray(parent_from_array @ told.positions + ears, told.groups, rate=RATE)
    people = [
        _talker(stage, azimuth, voice, ears)
        for azimuth, voice in zip(azimuths, stage.voices(task.voices), strict=True)
    ]
    camera = Camera(500.0, 500.0, 319.5, 239.5, (640, 480))
    minimum = np.array([-rng.uniform(1.5, 3.0), -rng.uniform(2.6, 3.5), -0.73])
    size = np.array([rng.uniform(5.0, 6.5), rng.uniform(5.2, 6.5), rng.uniform(2.5, 3.0)])
    size[:2] = np.maximum(size[:2], 2.6 - minimum[:2])
    scene = Scene(
        name=f'sim{task.seed}-{task.voices}p-overlap',
        seed=task.seed,
        duration=task.seconds,
        people=tuple(people),
        cameras=(camera,),
        calibrated_cameras=(camera,),
        video_starts=(0.0,),
        audio_video_offset=0.0,
        microphones=meeting_room.disturb_microphones(placed, rng),
        calibrated_microphones=placed,
        gains=10 ** (rng.uniform(-2, 2, len(placed.positions)) / 20),
        room=Room(minimum, minimum + size),
        rt60=_RT60,
        snr_db=_SNR_DB,
    )
    return scene, azimuths


def _talker(stage: Stage, azimuth: float, voice: Voice, ears: np.ndarray) -> Person:
    distance = stage.rng.uniform(*_DISTANCE)
    place = distance * np.array([np.cos(azimuth), np.sin(azimuth)])
    axis = stage.axis(Itinerary.start(place, -1.0), stage.height(STANDING))
    return stage.person(axis, [Look(0.0, ears)], voice, [(0.0, stage.duration)])
