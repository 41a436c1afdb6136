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

import numpy as np
import pytest

from av_tracker_nodes.geometry.head import face_box, mouth_pixel, overlap
from av_tracker_nodes.research.evaluation.matching import angle_between
from av_tracker_nodes.research.experiments.accuracy.boxes import BoxDetector
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
from av_tracker_nodes.research.simulation.splits import Split

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
