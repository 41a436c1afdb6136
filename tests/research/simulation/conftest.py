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

"""Scenes for the tests of the simulation."""

from dataclasses import replace

import pytest

from av_tracker_nodes.research.simulation.scenarios import build_scene
from av_tracker_nodes.research.simulation.scene import Scene
from av_tracker_nodes.research.simulation.speech import RATE, speech_segments


def cut(scene: Scene, start: float, end: float) -> Scene:
    """Keep a part of a scene."""
    people = []
    for person in scene.people:
        speech = person.speech[round(start * RATE) : round(end * RATE)]
        moved = replace(person, times=person.times - start, speech=speech)
        people.append(replace(moved, segments=speech_segments(speech)))
    return replace(scene, duration=end - start, people=tuple(people))


@pytest.fixture(scope='session')
def short_scene() -> Scene:
    scene = cut(build_scene('two_crossing', 5), 2.0, 3.0)
    return replace(scene, video_starts=(0.2, -0.12, 0.44))


@pytest.fixture(scope='session')
def brief_scene(short_scene) -> Scene:
    return cut(short_scene, 0.0, 0.5)
