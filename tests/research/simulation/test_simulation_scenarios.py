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

from functools import lru_cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.research.simulation.conditions import USUAL
from av_tracker_nodes.research.simulation.gathering import CROWD, HARD, VARIED
from av_tracker_nodes.research.simulation.meeting_room import ROOM
from av_tracker_nodes.research.simulation.scenarios import SCENARIOS, build_scene
from av_tracker_nodes.research.simulation.scene import Person, Scene
from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE
from av_tracker_nodes.research.simulation.trajectories import (
    MOUTH_REACH,
    Itinerary,
    Look,
    jaw_opening,
    look_ahead,
    look_away,
    mouth_of,
    smooth,
    turn_head,
    wander,
)
from av_tracker_nodes.research.simulation.visibility import visible_share

SEEDS = (0, 1, 1001)
GATHERINGS = {'multi_speaker': HARD, 'varied': VARIED, 'six_people': CROWD}
scene_of = lru_cache(build_scene)
every_scene = pytest.mark.parametrize(
    ('name', 'seed'), [(name, seed) for name in SCENARIOS for seed in SEEDS]
)
every_seed = pytest.mark.parametrize('seed', [*SEEDS, 2, 3, 1002])


def frames(scene: Scene) -> np.ndarray:
    return np.arange(0, scene.duration, 0.04)


def talking(person: Person, times: np.ndarray) -> np.ndarray:
    return np.any([(times >= a) & (times < b) for a, b in person.segments], axis=0)


def in_view(scene: Scene, person: Person, camera: int) -> np.ndarray:
    view = scene.cameras[camera]
    box = face_box(view, person.at(frames(scene), person.mouth))
    return view.contains(box[:, :2]) & view.contains(box[:, :2] + box[:, 2:])


def turned_from(scene: Scene, person: Person, camera: int) -> np.ndarray:
    """Angle (degrees) between the nose and the direction to a camera, in plan."""
    times = frames(scene)
    towards = scene.cameras[camera].centre - person.at(times, person.mouth)
    yaw = person.at(times, person.orientation)[:, 0]
    angle = np.arctan2(towards[:, 1], towards[:, 0]) - yaw
    return np.abs(np.degrees(np.arctan2(np.sin(angle), np.cos(angle))))


def longest_run(condition: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], condition, [0]])))
    return int(np.diff(edges.reshape(-1, 2), axis=1).max(initial=0))


@pytest.mark.thorough
@every_scene
def test_people_move_like_people_inside_the_room(name, seed):
    scene = scene_of(name, seed)
    for person in scene.people:
        assert scene.room.contains(person.mouth).all()
        standing = (person.mouth[:, 2] > 0.65) & (person.mouth[:, 2] < 1.1)
        seated = (person.mouth[:, 2] > 0.35) & (person.mouth[:, 2] < 0.6)
        assert standing.all() or seated.all()
        step = np.diff(person.times)
        np.testing.assert_allclose(step, step[0])
        speed = np.linalg.norm(np.diff(person.mouth, axis=0), axis=1) / step
        assert speed.max() < 1.2
        assert np.abs(np.diff(person.orientation[:, 0]) / step).max() < np.radians(300)
        assert person.times[0] < min(scene.video_starts) + scene.audio_video_offset
        assert person.times[-1] > scene.duration + scene.audio_video_offset
    gathering = GATHERINGS.get(name)
    apart = 0.43 if gathering is None else gathering.apart
    for one, other in combinations(scene.people, 2):
        assert np.linalg.norm(one.mouth - other.mouth, axis=1).min() >= apart - 0.18


@every_scene
def test_speech_is_silent_outside_its_segments_and_moves_the_jaw(name, seed):
    scene = scene_of(name, seed)
    for person in scene.people:
        loud = np.zeros(person.speech.size, bool)
        for start, end in person.segments:
            loud[round(start * RATE) : round(end * RATE)] = True
        assert person.speech.size == round(scene.duration * RATE)
        assert not person.speech[~loud].any()
        assert person.jaw.min() >= 0
        assert person.jaw.max() <= 1
        for (_, end), (start, _) in zip(person.segments, person.segments[1:], strict=False):
            assert start - end >= 0.3 - 1e-9
        if person.segments:
            at_jaw = talking(person, person.times)
            assert person.jaw[at_jaw].mean() > 10 * person.jaw[~at_jaw].mean()


@every_scene
def test_unknowns_stay_within_their_limits(name, seed):
    scene = scene_of(name, seed)
    true, told = scene.microphones, scene.calibrated_microphones
    assert np.abs(true.positions - told.positions).max() <= 0.002
    assert abs(true.speed_of_sound - told.speed_of_sound) <= 3
    assert np.abs(20 * np.log10(scene.gains)).max() <= 2
    assert abs(scene.audio_video_offset) <= 0.02
    limits = GATHERINGS[name].conditions if name in GATHERINGS else USUAL
    assert limits.rt60[0] <= scene.rt60 <= limits.rt60[1]
    assert limits.snr_db[0] <= scene.snr_db <= limits.snr_db[1]
    assert limits.defocus[0] <= scene.defocus <= limits.defocus[1]
    outward = np.stack([ROOM.minimum - scene.room.minimum, scene.room.maximum - ROOM.maximum])
    assert (outward >= limits.widening[0] / 2 - 1e-9)[outward != 0].all()
    assert (outward <= limits.widening[1] + 1e-9).all()
    for camera, calibrated in zip(scene.cameras, scene.calibrated_cameras, strict=True):
        turn = camera.pose.rotation.T @ calibrated.pose.rotation
        assert np.degrees(np.arccos(min((np.trace(turn) - 1) / 2, 1))) <= 0.3 + 1e-6
        assert np.linalg.norm(camera.centre - calibrated.centre) <= 0.01
    starts = 25 * np.array(scene.video_starts)
    np.testing.assert_allclose(starts, starts.round(), atol=1e-9)
    assert len(set(scene.video_starts)) > 1
    assert all(0.92 <= person.head_scale <= 1.08 for person in scene.people)
    split = 1000 * (seed // 1000)
    assert all(split <= person.identity < split + 1000 for person in scene.people)


@every_scene
def test_faces_are_as_wide_as_in_the_corpus(name, seed):
    scene = scene_of(name, seed)
    for person in scene.people:
        for camera, view in enumerate(scene.cameras):
            width = face_box(view, person.at(frames(scene), person.mouth))[:, 2]
            seen = in_view(scene, person, camera)
            assert not seen.any() or (width[seen].min() > 11 and width[seen].max() < 43)


def test_same_seed_gives_the_same_scene_and_another_seed_another():
    first, again, other = (build_scene('two_crossing', seed) for seed in (7, 7, 8))
    for one, same, different in zip(first.people, again.people, other.people, strict=True):
        np.testing.assert_array_equal(one.mouth, same.mouth)
        np.testing.assert_array_equal(one.speech, same.speech)
        assert not np.array_equal(one.mouth, different.mouth)
    assert first.rt60 == again.rt60 != other.rt60


@every_seed
def test_one_walking_talks_and_walks_with_the_back_to_camera_1_for_5_s(seed):
    scene = scene_of('one_walking', seed)
    person, times = scene.people[0], frames(scene)
    assert in_view(scene, person, 0).all()
    away = turned_from(scene, person, 0) > 140
    assert longest_run(away) * 0.04 > 5
    assert talking(person, times)[away].mean() > 0.6
    place = person.at(times, person.mouth)[:, :2]
    speed = np.linalg.norm(np.gradient(place, 0.04, axis=0), axis=1)
    assert np.median(speed[away]) > 0.25
    assert longest_run(~talking(person, times)) * 0.04 > 1.5


@every_seed
def test_two_crossing_cross_in_view_of_camera_1_and_both_talk(seed):
    scene = scene_of('two_crossing', seed)
    pixels = [
        scene.cameras[0].project(person.at(frames(scene), person.mouth)) for person in scene.people
    ]
    crossings = np.count_nonzero(np.diff(np.sign(pixels[0][:, 0] - pixels[1][:, 0])))
    assert crossings >= 4
    talks = [talking(person, frames(scene)) for person in scene.people]
    assert all(in_view(scene, person, 0).all() for person in scene.people)
    assert all(0.4 < talk.mean() < 0.9 for talk in talks)
    assert (talks[0] & talks[1]).mean() > 0.15
    for person in scene.people:
        assert (turned_from(scene, person, 0) < 90).mean() > 0.65


@every_seed
def test_three_leave_return(seed):
    scene = scene_of('three_leave_return', seed)
    anywhere = [
        np.any([in_view(scene, person, camera) for camera in range(3)], axis=0)
        for person in scene.people
    ]
    assert anywhere[0].all()
    assert anywhere[1].all()
    assert longest_run(~anywhere[2]) * 0.04 > 4
    assert anywhere[2][:100].all()
    assert anywhere[2][-50:].all()


@every_seed
def test_silent_people_say_nothing_while_a_fan_hums(seed):
    scene = scene_of('silent', seed)
    assert scene.fan is not None
    assert scene.room.contains(scene.fan)
    assert all(not person.segments and not person.jaw.any() for person in scene.people)


@every_seed
def test_voice_out_of_view_is_never_in_view_of_camera_1(seed):
    scene = scene_of('voice_out_of_view', seed)
    seen, hidden = scene.people
    margin = 30
    width, height = scene.cameras[0].size
    u, v = scene.cameras[0].project(hidden.mouth).T
    outside = (u < -margin) | (u > width + margin) | (v < -margin) | (v > height + margin)
    # NaN, behind the camera, is outside too; distortion folds nobody back into the picture.
    local = scene.cameras[0].pose.inverse @ hidden.mouth
    assert (outside | np.isnan(u)).all()
    assert (np.degrees(np.abs(np.arctan2(local[:, 0], local[:, 2]))) > 27).all()
    assert in_view(scene, seen, 0).all()
    assert talking(hidden, frames(scene)).mean() > 0.35
    assert talking(seen, frames(scene)).mean() < 0.15


@every_seed
def test_occlusion_hides_the_middle_third_and_kills_every_second_microphone(seed):
    scene = scene_of('occlusion_half_mics', seed)
    assert scene.dead_microphones == (0, 2, 4, 6, 8, 10, 12, 14)
    for camera, board in zip(scene.cameras, scene.occluders, strict=True):
        width, height = camera.size
        pixels = camera.project(board.corners)
        left, right = pixels[[0, 3], 0], pixels[[1, 2], 0]
        np.testing.assert_allclose(left, width / 3, atol=20)
        np.testing.assert_allclose(right, 2 * width / 3, atol=20)
        assert pixels[:2, 1].max() < 0
        assert pixels[2:, 1].min() > height


@every_seed
def test_static_single_stands_still_while_talking_at_five_places(seed):
    scene = scene_of('static_single', seed)
    person = scene.people[0]
    places = []
    for start, end in person.segments:
        path = person.at(np.arange(start, end, 0.02), person.mouth)
        assert np.linalg.norm(path - path.mean(axis=0), axis=1).max() < 0.12
        places.append(path.mean(axis=0))
    apart = np.linalg.norm(np.diff(places, axis=0), axis=1) > 0.3
    assert np.count_nonzero(apart) == 4


@every_seed
def test_three_talking_all_talk_and_one_sits(seed):
    scene = scene_of('three_talking', seed)
    assert all(person.segments for person in scene.people)
    assert sum(person.mouth[:, 2].mean() < 0.6 for person in scene.people) == 1


@every_seed
def test_look_alikes_look_alike(seed):
    one, other = scene_of('look_alikes', seed).people
    assert one.identity == other.identity
    assert one.voice != other.voice


@pytest.mark.thorough
@every_seed
@pytest.mark.parametrize('camera', [0, 1, 2])
def test_absences_last_1_s_to_10_s_and_the_other_stays(seed, camera):
    scene = scene_of('absences', seed)
    seen = np.array(
        [visible_share(scene, camera, time) > 0.4 for time in np.arange(0, scene.duration, 0.1)]
    )
    assert seen[:, 1].mean() > 0.9
    assert 0.2 < seen[:, 0].mean() < 0.8
    assert seen[:25, 0].all()
    assert 1 < 0.1 * longest_run(~seen[:, 0]) < 11
    assert np.count_nonzero(np.diff(seen[:, 0].astype(int)) == 1) >= 3


@every_seed
def test_nobody_is_there_to_be_seen_or_heard(seed):
    scene = scene_of('nobody_there', seed)
    assert scene.fan is not None
    assert not any(person.segments for person in scene.people)
    for camera in range(3):
        assert not visible_share(scene, camera, 10.0).any()


def test_unknown_scenario_and_negative_seed_are_refused():
    with pytest.raises(InputError, match="unknown scenario 'opera'; there are: one_walking"):
        build_scene('opera', 0)
    with pytest.raises(InputError, match='seed -1'):
        build_scene('silent', -1)


TIMES = np.arange(-1.0, 12.0, 0.01)
points = st.tuples(st.floats(-1.5, 1.5), st.floats(-5, 2))


@settings(max_examples=30)
@given(st.lists(points, min_size=1, max_size=5), st.floats(0.2, 1.1))
def test_walks_are_never_faster_than_asked_and_reach_their_end(places, speed):
    route = Itinerary.start((0.0, 0.0), 0.0)
    for place in places:
        route.walk(place, speed)
    times = np.arange(-1.0, route.end + 1.0, 0.01)
    path = route.positions(times)
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() / 0.01 <= speed + 1e-6
    np.testing.assert_allclose(path[-1], places[-1], atol=1e-9)


def test_smoothing_keeps_constants_and_straight_lines():
    line = 2.0 * TIMES - 1.0
    inner = slice(60, -60)
    np.testing.assert_allclose(smooth(line, TIMES, 0.8)[inner], line[inner], atol=1e-9)
    np.testing.assert_allclose(smooth(np.full((TIMES.size, 2), 3.0), TIMES, 0.8), 3.0)


def test_wander_has_the_deviation_asked_for():
    times = np.arange(0, 2000, 0.01)
    path = wander(times, 0.3, 2.0, np.random.default_rng(0))
    assert path.std() == pytest.approx(0.3, rel=0.1)


def test_head_turns_to_what_it_looks_at_and_keeps_its_yaw_continuous():
    axis = np.tile([1.0, 0.0, 0.8], (TIMES.size, 1))
    looks = [Look(0.0, np.array([0.0, 0.1, 0.8])), Look(5.0, np.array([0.0, -0.1, 0.0]))]
    yaw, pitch, roll = turn_head(axis, looks, TIMES, np.random.default_rng(0)).T
    before, after = TIMES < 4.0, TIMES > 6.0
    assert np.degrees(yaw[before].mean()) == pytest.approx(180 - 5.7, abs=4)
    assert np.degrees(yaw[after].mean()) == pytest.approx(180 + 5.7, abs=4)
    assert np.abs(np.diff(yaw)).max() < 0.05
    assert np.degrees(pitch[after].mean()) == pytest.approx(20, abs=4)
    assert np.abs(np.degrees(roll)).max() < 15


def test_looking_away_shows_the_back_and_looking_ahead_follows_the_walk():
    camera = np.array([-1.5, 2.0, 1.4])
    route = Itinerary.start((0.5, 1.0), 0.0).wait(2.0).walk((1.0, -1.0), 0.5)
    axis = np.column_stack([route.positions(TIMES), np.full(TIMES.size, 0.8)])
    to_camera, away = camera - axis, look_away(axis.copy(), camera) - axis
    cosine = np.einsum('ij,ij->i', to_camera[:, :2], away[:, :2])
    cosine /= np.linalg.norm(to_camera[:, :2], axis=1) * np.linalg.norm(away[:, :2], axis=1)
    np.testing.assert_allclose(cosine, -1.0)
    ahead = look_ahead(axis, TIMES) - axis
    np.testing.assert_allclose(
        ahead[TIMES > 4.0][0, :2] / 2, np.array([0.5, -2.0]) / np.hypot(0.5, 2.0), atol=1e-6
    )


def test_mouth_lies_before_the_axis_where_the_head_points():
    orientation = np.radians([[0.0, 0.0, 0.0], [90.0, 0.0, 5.0], [0.0, 90.0, 0.0]])
    expected = MOUTH_REACH * np.array([[1, 0, 0], [0, 1, 0], [0, 0, -1.0]])
    np.testing.assert_allclose(mouth_of(np.zeros((3, 3)), orientation), expected, atol=1e-12)


def test_jaw_follows_the_energy_of_speech():
    speech = np.zeros(10 * RATE, np.float32)
    loud = slice(3 * RATE, 5 * RATE)
    speech[loud] = ACTIVE_LEVEL * np.random.default_rng(0).normal(size=2 * RATE)
    jaw = jaw_opening(speech, TIMES)
    assert jaw[(TIMES > 3.2) & (TIMES < 4.8)].min() > 0.4
    assert jaw[(TIMES < 2.8) | (TIMES > 5.2)].max() == 0
    assert jaw.max() <= 1
