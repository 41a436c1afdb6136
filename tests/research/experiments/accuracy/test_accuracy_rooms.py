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

"""Rooms that are listened to, and the directions that are found in them."""

import numpy as np
import pytest

from av_tracker_nodes.geometry import Camera, Rig, RigidTransform
from av_tracker_nodes.geometry.grid import image_grid
from av_tracker_nodes.geometry.head import face_box, mouth_pixel, overlap
from av_tracker_nodes.research.evaluation.matching import angle_between
from av_tracker_nodes.research.experiments.accuracy import listeners as listening
from av_tracker_nodes.research.experiments.accuracy.boxes import BoxDetector
from av_tracker_nodes.research.experiments.accuracy.directions import (
    NOTHING_FOUND,
    direction_errors,
)
from av_tracker_nodes.research.experiments.accuracy.listeners import (
    METHODS,
    PeerListener,
    listeners,
)
from av_tracker_nodes.research.experiments.accuracy.map_peaks import MapView, highest, peak_of_face
from av_tracker_nodes.research.experiments.accuracy.plan import (
    FIRST_SEED,
    RecordingTask,
    full_plan,
    quick_plan,
)
from av_tracker_nodes.research.experiments.accuracy.rooms import (
    PEOPLE,
    Condition,
    draw_scene,
    level,
    rig_of,
)
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.types import AcousticMap, Face, FaceFrame, FaceSound

TIMES = np.linspace(0, 4, 21)


@pytest.mark.parametrize('moving', [False, True])
@pytest.mark.parametrize('seed', range(1310, 1316))
def test_people_stand_apart_in_view_and_in_the_room(moving, seed):
    scene = draw_scene(Condition(0.4, 10.0, moving, 3), seed)
    rig = rig_of(scene)
    assert len(scene.people) == PEOPLE
    assert [bool(person.segments) for person in scene.people] == [True, True, True, False]
    mouths = np.stack([person.at(TIMES, person.mouth) for person in scene.people])
    assert rig.camera.contains(rig.camera.project(mouths)).all()
    assert scene.room.contains(mouths).all()
    ears = rig.microphones.centre
    for first in range(PEOPLE):
        for second in range(first):
            apart = angle_between(mouths[first] - ears, mouths[second] - ears)
            assert np.degrees(apart).min() > 8
    moved = np.linalg.norm(np.diff(mouths, axis=1), axis=-1).sum(axis=1)
    assert (moved > 0.5).all() if moving else (moved < 0.6).all()


def test_microphones_are_not_quite_where_the_listener_is_told():
    scene = draw_scene(Condition(0.4, 10.0, False, 1), 1310)
    off = np.abs(scene.microphones.positions - rig_of(scene).microphones.positions)
    assert 0 < off.max() <= 0.002


def test_weaker_voice_differs_in_level_alone():
    scenes = {
        db: draw_scene(Condition(0.4, 20.0, False, 2, db), 1311) for db in (-6.0, -12.0, -18.0)
    }
    for db, scene in scenes.items():
        strong, weak = scene.people[:2]
        assert 20 * np.log10(level(weak.speech) / level(strong.speech)) == pytest.approx(
            db, abs=0.01
        )
        ranges = [np.linalg.norm(person.mouth[:, :2], axis=1).mean() for person in (strong, weak)]
        assert ranges[0] == pytest.approx(ranges[1], abs=0.2)
    first, *others = scenes.values()
    for other in others:
        assert np.array_equal(first.people[0].speech, other.people[0].speech)
        assert np.array_equal(first.people[1].mouth, other.people[1].mouth)
        assert np.array_equal(first.microphones.positions, other.microphones.positions)


def test_boxes_are_as_unsteady_as_those_of_the_detector():
    rig = rig_of(draw_scene(Condition(0.4, 10.0, False, 1), 1312))
    mouth = rig.camera.centre + rig.camera.rays(np.array([[300.0, 200.0]])) * 1.5
    true = face_box(rig.camera, mouth)
    detector = BoxDetector(rig.camera, [1.0], np.random.default_rng(0))
    boxes = np.array([detector.detect(mouth)[0].box for _ in range(2000)])
    heights = boxes[:, 3]
    assert heights.std() / heights.mean() == pytest.approx(0.048, rel=0.1)
    off = (mouth_pixel(boxes) - mouth_pixel(true)) / heights.mean()
    assert np.abs(off.mean(axis=0)).max() < 0.01
    assert off.std(axis=0) == pytest.approx([0.06, 0.06], rel=0.1)
    assert np.median(overlap(true, boxes)) > 0.6


@pytest.mark.parametrize('split', FIRST_SEED)
def test_no_scene_serves_two_conditions(split):
    tasks = full_plan(split, 3)
    assert {Split.of_seed(task.seed) for task in tasks} == {Split(split)}
    ordinary = [
        task.seed
        for task in tasks
        if isinstance(task, RecordingTask) or task.condition.weaker_db is None
    ]
    assert len(ordinary) == len(set(ordinary)) == 54 * 3 + 9
    weaker = {task.seed for task in tasks} - set(ordinary)
    assert len(weaker) == 12


def test_largest_plan_stays_in_its_split():
    assert {Split.of_seed(task.seed) for task in full_plan('validation', 10)} == {Split.VALIDATION}
    assert {Split.of_seed(task.seed) for task in quick_plan()} == {Split.VALIDATION}


# ---- directions


RATE = 16_000


def turned(degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)


def test_directions_are_matched_with_the_least_sum():
    errors = direction_errors(turned(np.array([48.0, 2.0])), 3 * turned(np.array([0.0, 50.0])))
    assert np.degrees(errors) == pytest.approx([2, 2])


def test_what_was_not_found_is_as_wrong_as_can_be():
    true = turned(np.array([0.0, 50.0]))
    assert direction_errors(np.empty((0, 3)), true).tolist() == [NOTHING_FOUND] * 2
    assert np.degrees(direction_errors(turned(np.array([47.0])), true)) == pytest.approx([180, 3])


def test_highest_values_keep_apart():
    towards = turned(np.array([0.0, 5.0, 20.0, 40.0]))
    assert highest(np.array([1.0, 0.9, 0.5, 0.7]), towards, 3) == [0, 3, 2]
    assert highest(np.array([1.0, 0.9, -np.inf, -np.inf]), towards, 3) == [0]


@pytest.fixture
def rig():
    return rig_of(draw_scene(Condition(0.4, 10.0, False, 1), 1312))


def test_map_is_read_at_its_depth(rig):
    pitch, depth = 8.0, 1.7
    grid = image_grid(rig.camera.size, pitch)
    values = np.zeros(grid.shape[:2], np.float32)
    values[12, 30], values[25, 60] = 0.5, 0.4
    sound = AcousticMap(0, 0, 'gcf', values, pitch, depth, 1.0)
    peaks = MapView(rig).peaks(sound, 2)
    assert np.allclose(rig.camera.project(peaks), [grid[12, 30], grid[25, 60]], atol=1e-6)
    assert np.allclose(rig.camera.depth(peaks), depth)


def test_map_is_not_read_below_the_table(rig):
    pitch = 8.0
    values = np.zeros(image_grid(rig.camera.size, pitch).shape[:2], np.float32)
    values[-1, 40], values[20, 40] = 1.0, 0.1
    peak = MapView(rig).peaks(AcousticMap(0, 0, 'gcf', values, pitch, 2.0, 1.0), 1)[0]
    assert peak[2] > -0.05


def test_face_is_read_in_its_box():
    camera = Camera(400.0, 400.0, 180.0, 144.0, (360, 288), pose=RigidTransform())
    values = np.zeros((12, 12), np.float32)
    values[3, 6] = 1.0
    sound = FaceSound(1, values, 1.0, 0.1, np.zeros(3), 2.0, 0.1, 1.0)
    point = peak_of_face(camera, Face(np.array([100.0, 80.0, 24.0, 36.0]), 0.9), sound)
    assert np.linalg.norm(point) == pytest.approx(2)
    assert camera.project(point) == pytest.approx([113, 90.5])


@pytest.mark.parametrize('method', ['srp', 'music'])
def test_peers_find_a_source_nearby(method):
    told = rig_of(draw_scene(Condition(0.4, 10.0, False, 1), 1312))
    rig = Rig(told.camera, meeting_room.microphones(), room=told.room)
    place = rig.camera.centre + 1.3 * rig.camera.rays(np.array([250.0, 200.0]))
    assert rig.room.contains(place)
    listener = PeerListener(rig, method, heard_from(place, rig.microphones))
    found = listener.listen(FaceFrame(1_000_000_000, rig.camera.size), 1)[method]
    assert np.degrees(direction_errors(found, place[None])) < 1


def heard_from(place, array, seconds=1.0):
    """Noise from one place in a free field, with a little noise of the microphones."""
    rng = np.random.default_rng(3)
    count = round(seconds * RATE)
    frequency = np.fft.rfftfreq(2 * count, 1 / RATE)
    distance = np.linalg.norm(array.positions - place, axis=1)
    delayed = np.fft.rfft(rng.normal(size=2 * count))[:, None] * np.exp(
        -2j * np.pi * frequency[:, None] * distance / array.speed_of_sound
    )
    sound = np.fft.irfft(delayed, axis=0)[-count:]
    return (0.05 * (sound + 0.1 * rng.normal(size=sound.shape))).astype(np.float32)


def test_peers_are_left_out_where_they_are_not_installed(rig, monkeypatch):
    silence = np.zeros((RATE, 16), np.float32)
    assert {type(listener).__name__ for listener in listeners(rig, silence)} == {
        'StageListener',
        'PeerListener',
    }
    monkeypatch.setattr(listening, 'have_pyroomacoustics', lambda: False)
    assert {type(listener).__name__ for listener in listeners(rig, silence)} == {'StageListener'}
    assert set(METHODS) >= {'gcf', 'stgcf', 'vggcf', 'vwswe', 'srp', 'music'}
