# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The scenarios: who walks where, looks where and talks when, and what no tracker can know."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.conditions import USUAL, Conditions
from av_tracker_nodes.research.simulation.gathering import (
    CROWD,
    HARD,
    VARIED,
    Gathering,
    board_before,
)
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Occluder, Person, Scene
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.research.simulation.stage import SEATED, STANDING, TABLE, Stage, round_robin
from av_tracker_nodes.research.simulation.trajectories import (
    Itinerary,
    Look,
    look_ahead,
    look_away,
)

_NEAR_LANE, _FAR_LANE = 0.72, 1.25
_NORTH, _SOUTH = 1.05, -0.95
_HIDDEN, _SHOWN = (0.75, 0.6), (1.25, -0.35)
_ODD_MICROPHONES = tuple(range(0, 16, 2))
_FANS = ((1.5, -2.6, -0.4), (-1.5, 1.2, -0.5), (0.2, -4.5, -0.3), (-1.4, -1.2, 0.9))


@dataclass(frozen=True)
class Cast:
    """What a scenario puts into the room."""

    people: list[Person]
    occluders: tuple[Occluder, ...] = ()
    dead_microphones: tuple[int, ...] = ()
    fan: np.ndarray | None = None
    conditions: Conditions = USUAL


@dataclass(frozen=True)
class Scenario:
    """A scenario: its length (s), and the script that fills it."""

    description: str
    duration: float
    script: Callable[[Stage], Cast]


def build_scene(name: str, seed: int) -> Scene:
    """Draw one scene of a scenario.

    The same name and seed give the same scene. What a tracker is told (`told_cameras`,
    `told_microphones`) is the same in all scenes.

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
        told_cameras=cameras,
        video_starts=_draw_video_starts(rng),
        audio_video_offset=rng.uniform(-0.02, 0.02),
        microphones=meeting_room.disturb_microphones(microphones, rng),
        told_microphones=microphones,
        gains=10 ** (rng.uniform(-2, 2, len(microphones.positions)) / 20),
        room=meeting_room.ROOM,
        rt60=rng.uniform(*cast.conditions.rt60),
        snr_db=rng.uniform(*cast.conditions.snr_db),
        fan=cast.fan,
        occluders=cast.occluders,
        light=_draw_light(scenario.duration, rng),
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


def _draw_light(duration: float, rng: np.random.Generator) -> np.ndarray:
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


def _one_walking(stage: Stage) -> Cast:
    """Stroll and talk, stand silent; once, talk and walk with the back to camera 1."""
    rng = stage.rng
    route = Itinerary.start(stage.near(1.0, 0.0), -1.0)
    looks_away, turns = [], []
    for turns_away in (False, True, False, False, False):
        talk_from = max(route.end, 0.0) + 0.4
        for _ in range(2):
            route.walk(_draw_place(stage), rng.uniform(0.45, 0.75)).wait(rng.uniform(0.3, 0.8))
        turns += stage.turns(talk_from, route.end, (3.0, 5.0), (0.5, 1.0))
        route.wait(rng.uniform(1.8, 2.6))
        if not turns_away:
            continue
        route.walk(stage.near(_NEAR_LANE, _NORTH), 0.75)
        away_from = route.end - 0.3
        _zigzag_south(stage, route, seconds=rng.uniform(7.2, 8.0))
        looks_away.append((away_from, route.end))
        turns += stage.turns(away_from - 0.6, route.end + 0.5, (6.0, 9.0), (0.4, 0.5))
    route.walk(stage.near(0.9, -0.2), 0.6).wait(stage.duration)
    axis = stage.axis(route, stage.height())
    looks = stage.glances(axis)
    back = look_away(axis, stage.camera(1))
    for start, end in looks_away:
        before = [look for look in looks if look.start < start]
        after = [look for look in looks if look.start > end]
        looks = [*before, Look(start, back), Look(end, stage.camera(1)), *after]
    voice = stage.voices(1)[0]
    turns = [turn for turn in turns if turn[0] < stage.duration - 1.0]
    return Cast([stage.person(axis, looks, voice, turns)])


def _zigzag_south(stage: Stage, route: Itinerary, seconds: float) -> None:
    """Walk from the north end to the south end in a zigzag that nobody could extrapolate."""
    places = [stage.near(1.28, 0.5), stage.near(0.72, -0.15), stage.near(1.28, -0.8)]
    legs = np.diff(np.stack([route.place, *places]), axis=0)
    speed = np.linalg.norm(legs, axis=1).sum() / seconds
    for place in places:
        route.walk(place, speed)


def _two_crossing(stage: Stage) -> Cast:
    """Two people walk up and down behind the table against each other, both talking."""
    rng = stage.rng
    first = Itinerary.start(stage.near(_NEAR_LANE, _NORTH, 0.05), -1.0)
    second = Itinerary.start(stage.near(_FAR_LANE, _SOUTH, 0.05), -1.0)
    northward = False
    while min(first.end, second.end) < stage.duration + 1.0:
        leg_end = max(first.end, second.end) + rng.uniform(3.3, 4.4)
        for route, lane, north in (
            (first, _NEAR_LANE, northward),
            (second, _FAR_LANE, not northward),
        ):
            target = stage.near(lane, _NORTH if north else _SOUTH)
            route.wait(rng.uniform(0.1, 0.6))
            distance = np.linalg.norm(target - route.place)
            route.walk(target, distance / (leg_end - route.end))
        northward = not northward
    axes = [stage.axis(route, stage.height()) for route in (first, second)]
    voices = stage.voices(2)
    people = []
    for index, axis in enumerate(axes):
        looks = stage.glances(axis, [axes[1 - index]])
        turns = stage.turns(rng.uniform(0.3, 1.2), stage.duration - 0.3)
        people.append(stage.person(axis, looks, voices[index], turns))
    return Cast(people)


def _three_leave_return(stage: Stage) -> Cast:
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
    stayers = [_shuffle(stage, 0.72, 0.95), _shuffle(stage, 1.25, 0.25)]
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


def _silent(stage: Stage) -> Cast:
    """Two people stroll and stand and say nothing; a fan hums."""
    place = _fan_place(stage)
    axes = [
        stage.axis(_stroll(stage, _NEAR_LANE), stage.height()),
        stage.axis(_stroll(stage, _FAR_LANE), stage.height()),
    ]
    people = [
        stage.person(axis, stage.glances(axis, [axes[1 - index]]))
        for index, axis in enumerate(axes)
    ]
    return Cast(people, fan=_near_fan(stage, place))


def _voice_out_of_view(stage: Stage) -> Cast:
    """One is in view and hardly talks; the other talks and is never in view of camera 1."""
    rng = stage.rng
    hidden = Itinerary.start((rng.uniform(-1.35, -1.15), rng.uniform(-0.9, 0.2)), -1.0)
    while hidden.end < stage.duration + 1.0:
        hidden.wait(rng.uniform(1.5, 3.0))
        hidden.walk((rng.uniform(-1.35, -1.15), rng.uniform(-0.9, 0.2)), 0.35)
    seen_axis = stage.axis(_stroll(stage, 1.0), stage.height())
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


def _occlusion_half_mics(stage: Stage) -> Cast:
    """One talks and walks behind boards that hide the middle third of each picture.

    Microphones 1, 3, 5 and 7 of both arrays are dead, as in GLDTracker's incomplete set.
    """
    rng = stage.rng
    route = Itinerary.start(stage.near(0.95, _NORTH), -1.0)
    north = False
    while route.end < stage.duration + 1.0:
        route.walk(stage.near(0.95, 0.1, 0.25), rng.uniform(0.4, 0.65)).wait(rng.uniform(0.4, 1.5))
        route.walk(stage.near(0.95, _NORTH if north else _SOUTH), rng.uniform(0.4, 0.65))
        route.wait(rng.uniform(0.2, 0.8))
        north = not north
    axis = stage.axis(route, stage.height())
    turns = stage.turns(0.4, stage.duration - 0.3, pause=(0.6, 1.2))
    person = stage.person(axis, stage.glances(axis), stage.voices(1)[0], turns)
    boards = tuple(board_before(camera, 1 / 3, 2 / 3) for camera in meeting_room.cameras())
    return Cast([person], occluders=boards, dead_microphones=_ODD_MICROPHONES)


def _static_single(stage: Stage) -> Cast:
    """One person stands at five marked places in turn and talks only there, facing the table."""
    marks = [(0.72, 0.85), (1.25, 0.95), (1.30, 0.05), (0.72, -0.05), (0.80, -0.85)]
    order = stage.rng.permutation(len(marks))
    route = Itinerary.start(stage.near(*marks[order[0]]), -1.0)
    turns = []
    for index in order[1:]:
        turns.append((max(route.end, 0.0) + 0.5, route.wait(5.0).end - 0.5))
        route.walk(stage.near(*marks[index]), 0.8)
    turns.append((route.end + 0.5, stage.duration - 0.3))
    axis = stage.axis(route, stage.height())
    return Cast([stage.person(axis, [Look(0.0, TABLE)], stage.voices(1)[0], turns)])


def _three_talking(stage: Stage) -> Cast:
    """Three people around the table talk in turn and sometimes at the same time."""
    seated = stage.rng.integers(3)
    axes = []
    for index, (x, y) in enumerate([(0.75, 0.95), (1.15, 0.1), (0.80, -0.80)]):
        if index == seated:
            place = stage.near(x, y)
            axes.append(stage.axis(Itinerary.start(place).wait(1.0), stage.height(SEATED)))
        else:
            axes.append(stage.axis(_shuffle(stage, x, y), stage.height()))
    voices = stage.voices(3)
    turns = round_robin(stage, 3, 0.4, stage.duration - 0.3)
    return Cast(
        [
            stage.person(
                axis,
                stage.glances(axis, [other for other in axes if other is not axis]),
                voices[index],
                turns[index],
            )
            for index, axis in enumerate(axes)
        ]
    )


def _look_alikes(stage: Stage) -> Cast:
    """Two people of the same looks cross as in `_two_crossing`."""
    cast = _two_crossing(stage)
    first, second = cast.people
    return replace(cast, people=[first, replace(second, identity=first.identity)])


def _absences(stage: Stage) -> Cast:
    """One goes behind boards again and again, for 1 s to 10 s; another stays beside them."""
    rng = stage.rng
    route = Itinerary.start(stage.near(*_SHOWN), -1.0).wait(rng.uniform(3.0, 4.0))
    while route.end < stage.duration + 1.0:
        route.walk(stage.near(*_HIDDEN), 0.7).wait(rng.uniform(0.0, 8.0))
        route.walk(stage.near(*_SHOWN), 0.7).wait(rng.uniform(2.0, 4.0))
    axes = [stage.axis(each, stage.height()) for each in (route, _shuffle(stage, 0.75, -0.85))]
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


def _nobody_there(stage: Stage) -> Cast:
    """Nobody in view and nobody who talks: one person stands far off; a fan hums."""
    axis = stage.axis(Itinerary.start(stage.near(0.3, -4.7), -1.0).wait(1.0), stage.height())
    return Cast([stage.person(axis, [Look(0.0, TABLE)])], fan=_near_fan(stage, _fan_place(stage)))


def _gathering(stage: Stage, gathering: Gathering) -> Cast:
    return Cast(
        gathering.draw_people(stage),
        gathering.draw_boards(stage),
        gathering.draw_dead_microphones(stage),
        conditions=gathering.conditions,
    )


def _fan_place(stage: Stage) -> np.ndarray:
    return np.array(_FANS[stage.rng.integers(len(_FANS))])


def _near_fan(stage: Stage, place: np.ndarray) -> np.ndarray:
    return place + stage.rng.uniform(-0.15, 0.15, 3)


def _draw_place(stage: Stage) -> np.ndarray:
    """Somewhere behind the table."""
    return np.array([stage.rng.uniform(0.65, 1.3), stage.rng.uniform(-0.9, 1.05)])


def _shuffle(stage: Stage, x: float, y: float) -> Itinerary:
    """Stand about a place and change it by a step now and then."""
    route = Itinerary.start(stage.near(x, y), -1.0)
    while route.end < stage.duration + 1.0:
        route.wait(stage.rng.uniform(1.5, 4.0)).walk(stage.near(x, y, 0.15), 0.4)
    return route


def _stroll(stage: Stage, x: float) -> Itinerary:
    """Walk up and down near a line along the table, with pauses."""
    route = Itinerary.start((x, stage.rng.uniform(_SOUTH, _NORTH)), -1.0)
    while route.end < stage.duration + 1.0:
        y = stage.rng.uniform(_SOUTH, _NORTH)
        route.walk(stage.near(x, y), stage.rng.uniform(0.4, 0.75))
        route.wait(stage.rng.uniform(0.5, 2.5))
    return route


_SCENARIOS = {
    'one_walking': Scenario(
        'one walking speaker who pauses, and once talks and walks with the back to camera 1',
        40.0,
        _one_walking,
    ),
    'two_crossing': Scenario(
        'two people who cross several times while both talk, with pauses', 24.0, _two_crossing
    ),
    'three_leave_return': Scenario(
        'three people who talk; one leaves the view of all cameras and returns',
        30.0,
        _three_leave_return,
    ),
    'silent': Scenario('two people, nobody talks; room noise and a fan', 20.0, _silent),
    'voice_out_of_view': Scenario(
        'one person in view who hardly talks, and a talker whom camera 1 never sees',
        25.0,
        _voice_out_of_view,
    ),
    'occlusion_half_mics': Scenario(
        'one walking speaker behind a board in the middle third, half of the microphones dead',
        25.0,
        _occlusion_half_mics,
    ),
    'static_single': Scenario(
        'one speaker who stands at marked places and talks only there', 30.0, _static_single
    ),
    'three_talking': Scenario(
        'three people around the table, one of them seated, who talk and interrupt',
        25.0,
        _three_talking,
    ),
    'look_alikes': Scenario(
        'two people of the same looks who cross several times while both talk', 24.0, _look_alikes
    ),
    'six_people': Scenario(
        'six people who sit and stand, talk in turn and hide each other',
        25.0,
        partial(_gathering, gathering=CROWD),
    ),
    'absences': Scenario(
        'one who hides behind boards for 1 s to 10 s and returns, and another who stays',
        40.0,
        _absences,
    ),
    'nobody_there': Scenario('nobody in view, nobody talks; noise and a fan', 60.0, _nobody_there),
    'multi_speaker': Scenario(
        'two or three people who turn away, hide and talk over each other, in noise and blur',
        25.0,
        partial(_gathering, gathering=HARD),
    ),
    'varied': Scenario(
        'one to four people who do anything, in conditions from easy to hard; short',
        5.0,
        partial(_gathering, gathering=VARIED),
    ),
}

SCENARIOS = {name: scenario.description for name, scenario in _SCENARIOS.items()}
"""One line about each scenario."""
