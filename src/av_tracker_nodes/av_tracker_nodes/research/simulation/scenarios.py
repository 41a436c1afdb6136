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

"""The scenarios: what happens in each, and the scenes that are drawn of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.research.simulation import complete_scripts, incomplete_scripts, meeting_room
from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.gathering import CROWD, HARD, VARIED
from av_tracker_nodes.research.simulation.people_source import Stage
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Scene
from av_tracker_nodes.research.simulation.splits import Split


@dataclass(frozen=True)
class Scenario:
    """A scenario: its length (s), and the script that fills it."""

    description: str
    duration: float
    script: Callable[[Stage], Cast]


def build_scene(name: str, seed: int) -> Scene:
    """Draw one scene of a scenario.

    The same name and seed give the same scene. What a tracker is told (`calibrated_cameras`,
    `calibrated_microphones`) is the same in all scenes.

    Parameters
    ----------
    name : str
        One of `SCENARIOS`.
    seed : int
        Below 1000 for training, below 2000 for validation, above for tests: other voices and
        other faces in each.

    Raises
    ------
    InputError
        For an unknown scenario or a negative seed, or where recorded speech is not installed.
    """
    if name not in _SCENARIOS:
        raise InputError(f"unknown scenario '{name}'; there are: {', '.join(SCENARIOS)}")
    return draw_scene(_SCENARIOS[name], name, seed)


def draw_scene(scenario: Scenario, name: str, seed: int) -> Scene:
    """Draw one scene of a scenario that need not be one of `SCENARIOS`; see `build_scene`."""
    split = Split.of_seed(seed)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    cast = scenario.script(Stage(split, scenario.duration, rng))
    cameras, microphones = meeting_room.cameras(), meeting_room.microphones()
    scene = Scene(
        name=f'sim{seed}-{len(cast.people)}p-{name}',
        seed=seed,
        duration=scenario.duration,
        people=tuple(cast.people),
        cameras=tuple(meeting_room.disturb_camera(camera, rng) for camera in cameras),
        calibrated_cameras=cameras,
        video_starts=_draw_video_starts(rng),
        audio_video_offset=rng.uniform(-0.02, 0.02),
        microphones=meeting_room.disturb_microphones(microphones, rng),
        calibrated_microphones=microphones,
        gains=10 ** (rng.uniform(-2, 2, len(microphones.positions)) / 20),
        room=meeting_room.ROOM,
        rt60=rng.uniform(*cast.conditions.rt60),
        snr_db=rng.uniform(*cast.conditions.snr_db),
        fan=cast.fan,
        occluders=cast.occluders,
        light=draw_light(scenario.duration, rng),
        dead_microphones=cast.dead_microphones,
    )
    return cast.conditions.apply(scene, rng)


def script_of(name: str) -> Callable[[Stage], Cast]:
    """Return the script of one of `SCENARIOS`, which may be given another length."""
    return _SCENARIOS[name].script


def _draw_video_starts(rng: np.random.Generator) -> tuple[float, float, float]:
    """Cameras start by hand, one after the other; camera 2 often before the audio."""
    frames = rng.integers([2, -25, 12], [12, 2, 40])
    return tuple(float(frame) / FRAME_RATE for frame in frames)


def draw_light(duration: float, rng: np.random.Generator) -> np.ndarray:
    """Daylight that drifts, and in some scenes a lamp that is switched."""
    times = np.arange(-2.0, duration + 6.0, 4.0)
    light = np.column_stack([times, rng.uniform(0.85, 1.1, times.size)])
    if rng.uniform() < 0.3:
        switched = rng.uniform(0.2, 0.8) * duration
        level = np.interp(switched, times, light[:, 1])
        dimmed = light[times > switched] * [1.0, 0.75]
        edge = [[switched, level], [switched + 0.08, 0.75 * level]]
        light = np.concatenate([light[times <= switched], edge, dimmed])
    return light


_SCENARIOS = {
    'one_walking': Scenario(
        'one walking speaker who pauses, and once talks and walks with the back to camera 1',
        40.0,
        complete_scripts.one_walking,
    ),
    'two_crossing': Scenario(
        'two people who cross several times while both talk, with pauses',
        24.0,
        complete_scripts.two_crossing,
    ),
    'three_leave_return': Scenario(
        'three people who talk; one leaves the view of all cameras and returns',
        30.0,
        incomplete_scripts.three_leave_return,
    ),
    'silent': Scenario(
        'two people, nobody talks; room noise and a fan', 20.0, incomplete_scripts.silent
    ),
    'voice_out_of_view': Scenario(
        'one person in view who hardly talks, and a talker whom camera 1 never sees',
        25.0,
        incomplete_scripts.voice_out_of_view,
    ),
    'occlusion_half_mics': Scenario(
        'one walking speaker behind a board in the middle third, half of the microphones dead',
        25.0,
        incomplete_scripts.occlusion_half_mics,
    ),
    'static_single': Scenario(
        'one speaker who stands at marked places and talks only there',
        30.0,
        complete_scripts.static_single,
    ),
    'three_talking': Scenario(
        'three people around the table, one of them seated, who talk and interrupt',
        25.0,
        complete_scripts.three_talking,
    ),
    'look_alikes': Scenario(
        'two people of the same looks who cross several times while both talk',
        24.0,
        complete_scripts.look_alikes,
    ),
    'six_people': Scenario(
        'six people who sit and stand, talk in turn and hide each other',
        25.0,
        CROWD.draw_cast,
    ),
    'absences': Scenario(
        'one who hides behind boards for 1 s to 10 s and returns, and another who stays',
        40.0,
        incomplete_scripts.absences,
    ),
    'nobody_there': Scenario(
        'nobody in view, nobody talks; noise and a fan', 60.0, incomplete_scripts.nobody_there
    ),
    'multi_speaker': Scenario(
        'two or three people who turn away, hide and talk over each other, in noise and blur',
        25.0,
        HARD.draw_cast,
    ),
    'varied': Scenario(
        'one to four people who do anything, in conditions from easy to hard; short',
        5.0,
        VARIED.draw_cast,
    ),
}

SCENARIOS = {name: scenario.description for name, scenario in _SCENARIOS.items()}
"""One line about each scenario."""
