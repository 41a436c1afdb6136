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

"""Scripts of scenes in which people leave, hide, talk out of view, or say nothing."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.gathering import board_before
from av_tracker_nodes.research.simulation.people_source import STANDING, TABLE, Stage, round_robin
from av_tracker_nodes.research.simulation.scene import Occluder
from av_tracker_nodes.research.simulation.trajectories import Itinerary, Look, look_ahead
from av_tracker_nodes.research.simulation.walks import (
    FAR_LANE,
    NEAR_LANE,
    NORTH,
    SOUTH,
    shuffle,
    stroll,
)

_HIDDEN, _SHOWN = (0.75, 0.6), (1.25, -0.35)
_ODD_MICROPHONES = tuple(range(0, 16, 2))
_FANS = ((1.5, -2.6, -0.4), (-1.5, 1.2, -0.5), (0.2, -4.5, -0.3), (-1.4, -1.2, 0.9))


def three_leave_return(stage: Stage) -> Cast:
    """Two stay and talk; the third leaves the view of every camera and comes back."""
    rng = stage.rng
    leaver = Itinerary.start(stage.near(0.75, -0.8), -1.0)
    leaver.wait(rng.uniform(6.5, 8.0))
    out = [stage.near(1.3, -1.6), stage.near(0.9, -3.4), stage.near(0.3, -4.7)]
    gone = leaver.end
    for place in out:
        leaver.walk(place, 0.8)
    leaver.wait(rng.uniform(4.0, 5.5))
    for place in [out[1], out[0], stage.near(0.8, -0.7)]:
        leaver.walk(place, 0.8)
    back = leaver.end
    stayers = [shuffle(stage, 0.72, 0.95), shuffle(stage, 1.25, 0.25)]
    axes = [stage.axis(route, stage.height()) for route in (*stayers, leaver)]
    voices = stage.voices(3)
    early = round_robin(stage, 3, 0.4, gone)
    middle = round_robin(stage, 2, gone + 0.5, back - 0.5)
    late = round_robin(stage, 3, back - 0.3, stage.duration - 0.3)
    turns = [early[0] + middle[0] + late[0], early[1] + middle[1] + late[1], early[2] + late[2]]
    people = []
    for index, axis in enumerate(axes):
        looks = stage.glances(axis, [other for other in axes if other is not axis])
        if index == 2:
            on_the_way = Look(gone, look_ahead(axis, stage.times))
            looks = [look for look in looks if not gone <= look.start < back]
            looks = sorted([*looks, on_the_way], key=lambda look: look.start)
        people.append(stage.person(axis, looks, voices[index], turns[index]))
    return Cast(people)


def voice_out_of_view(stage: Stage) -> Cast:
    """One is in view and hardly talks; the other talks and is never in view of camera 1."""
    rng = stage.rng
    hidden = Itinerary.start((rng.uniform(-1.35, -1.15), rng.uniform(-0.9, 0.2)), -1.0)
    while hidden.end < stage.duration + 1.0:
        hidden.wait(rng.uniform(1.5, 3.0))
        hidden.walk((rng.uniform(-1.35, -1.15), rng.uniform(-0.9, 0.2)), 0.35)
    seen_axis = stage.axis(stroll(stage, 1.0), stage.height())
    hidden_axis = stage.axis(hidden, stage.height())
    voices = stage.voices(2)
    reply = rng.uniform(0.4, 0.6) * stage.duration
    before = stage.turns(rng.uniform(0.8, 1.5), reply - 0.3, pause=(1.0, 2.0))
    after = stage.turns(reply + 3.0, stage.duration - 0.3, pause=(1.0, 2.0))
    turn_to_each_other = [Look(reply - 1.0, hidden_axis), Look(reply + 2.5, stage.camera(1))]
    looks = stage.glances(seen_axis)
    looks = [look for look in looks if not reply - 1.0 <= look.start < reply + 2.5]
    looks = sorted([*looks, *turn_to_each_other], key=lambda look: look.start)
    return Cast(
        [
            stage.person(seen_axis, looks, voices[1], [(reply, reply + 2.4)]),
            stage.person(hidden_axis, [Look(0.0, TABLE)], voices[0], before + after),
        ]
    )


def occlusion_half_mics(stage: Stage) -> Cast:
    """One talks and walks behind boards that hide the middle third of each picture.

    Microphones 1, 3, 5 and 7 of both arrays are dead, as in GLDTracker's incomplete set.
    """
    rng = stage.rng
    route = Itinerary.start(stage.near(0.95, NORTH), -1.0)
    north = False
    while route.end < stage.duration + 1.0:
        route.walk(stage.near(0.95, 0.1, 0.25), rng.uniform(0.4, 0.65)).wait(rng.uniform(0.4, 1.5))
        route.walk(stage.near(0.95, NORTH if north else SOUTH), rng.uniform(0.4, 0.65))
        route.wait(rng.uniform(0.2, 0.8))
        north = not north
    axis = stage.axis(route, stage.height())
    turns = stage.turns(0.4, stage.duration - 0.3, pause=(0.6, 1.2))
    person = stage.person(axis, stage.glances(axis), stage.voices(1)[0], turns)
    boards = tuple(board_before(camera, 1 / 3, 2 / 3) for camera in meeting_room.cameras())
    return Cast([person], occluders=boards, dead_microphones=_ODD_MICROPHONES)


def absences(stage: Stage) -> Cast:
    """One goes behind boards again and again, for 1 s to 10 s; another stays beside them."""
    rng = stage.rng
    route = Itinerary.start(stage.near(*_SHOWN), -1.0).wait(rng.uniform(3.0, 4.0))
    while route.end < stage.duration + 1.0:
        route.walk(stage.near(*_HIDDEN), 0.7).wait(rng.uniform(0.0, 8.0))
        route.walk(stage.near(*_SHOWN), 0.7).wait(rng.uniform(2.0, 4.0))
    axes = [stage.axis(each, stage.height()) for each in (route, shuffle(stage, 0.75, -0.85))]
    voices = stage.voices(2)
    people = []
    for index, axis in enumerate(axes):
        turns = stage.turns(rng.uniform(0.3, 1.2), stage.duration - 0.3, pause=(1.5, 5.0))
        looks = stage.glances(axis, [axes[1 - index]])
        people.append(stage.person(axis, looks, voices[index], turns))
    return Cast(
        people, occluders=tuple(_board_hiding(*_HIDDEN, c) for c in meeting_room.cameras())
    )


def _board_hiding(x: float, y: float, camera: Camera) -> Occluder:
    """Board that hides a fifth of a picture about somebody who stands somewhere."""
    mouth = np.array([[x, y, np.mean(STANDING)]])
    middle = camera.project(mouth)[0, 0] / camera.size[0]
    return board_before(camera, middle - 0.1, middle + 0.1)


def silent(stage: Stage) -> Cast:
    """Two people stroll and stand and say nothing; a fan hums."""
    place = _fan_place(stage)
    axes = [
        stage.axis(stroll(stage, NEAR_LANE), stage.height()),
        stage.axis(stroll(stage, FAR_LANE), stage.height()),
    ]
    people = [
        stage.person(axis, stage.glances(axis, [axes[1 - index]]))
        for index, axis in enumerate(axes)
    ]
    return Cast(people, fan=_near_fan(stage, place))


def nobody_there(stage: Stage) -> Cast:
    """Nobody in view and nobody who talks: one person stands far off; a fan hums."""
    axis = stage.axis(Itinerary.start(stage.near(0.3, -4.7), -1.0).wait(1.0), stage.height())
    return Cast([stage.person(axis, [Look(0.0, TABLE)])], fan=_near_fan(stage, _fan_place(stage)))


def _fan_place(stage: Stage) -> np.ndarray:
    return np.array(_FANS[stage.rng.integers(len(_FANS))])


def _near_fan(stage: Stage, place: np.ndarray) -> np.ndarray:
    return place + stage.rng.uniform(-0.15, 0.15, 3)
