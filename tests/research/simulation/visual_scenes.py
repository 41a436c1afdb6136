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

"""Small scenes for tests of what the cameras see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Occluder, Person, Scene

PLACE = np.array([0.85, 0.10, 0.86])
"""Where the mouth of a person is who stands in the view of all cameras (m)."""


def person_at(
    mouth: np.ndarray = PLACE,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    jaw: float = 0.0,
    identity: int = 3,
    head_scale: float = 1.0,
) -> Person:
    """Somebody who stands still for 2 s."""
    times = np.arange(-0.5, 2.5, 0.01)
    return Person(
        identity=identity,
        head_scale=head_scale,
        times=times,
        mouth=np.tile(np.asarray(mouth, float), (times.size, 1)),
        orientation=np.tile([yaw, pitch, roll], (times.size, 1)),
        jaw=np.full(times.size, jaw),
        speech=np.zeros(32_000, np.float32),
        segments=(),
        voice='silent',
    )


def scene_of(*people: Person, occluders: tuple[Occluder, ...] = (), seed: int = 5) -> Scene:
    """The meeting room with these people, seen without any error of calibration."""
    cameras, microphones = meeting_room.cameras(), meeting_room.microphones()
    return Scene(
        name='test',
        seed=seed,
        duration=2.0,
        people=people,
        cameras=cameras,
        calibrated_cameras=cameras,
        video_starts=(0.0, 0.0, 0.0),
        audio_video_offset=0.0,
        microphones=microphones,
        calibrated_microphones=microphones,
        gains=np.ones(16),
        room=meeting_room.ROOM,
        rt60=0.3,
        snr_db=20.0,
        occluders=occluders,
    )


def yaw_towards(scene: Scene, camera: int, mouth: np.ndarray = PLACE) -> float:
    """Yaw of somebody who looks at a camera (rad)."""
    offset = scene.cameras[camera].centre - np.asarray(mouth)
    return float(np.arctan2(offset[1], offset[0]))


def with_light(scene: Scene, *levels: tuple[float, float]) -> Scene:
    """The same scene with other light: scene time (s) and brightness."""
    return replace(scene, light=np.array(levels))


LAST_FRAME = 2 * FRAME_RATE - 1
