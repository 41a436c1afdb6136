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

"""Robots of all kinds, and who and what is in front of them."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from av_tracker_nodes.geometry.rig_description import RigMotion
from av_tracker_nodes.research.simulation.rig_scene import build_rig_scene
from av_tracker_nodes.research.simulation.robots import draw_robot
from av_tracker_nodes.research.simulation.trajectories import facing_vector

ROBOTS = [draw_robot(seed) for seed in range(60)]


@lru_cache
def scenes_of(scenario, count=5):
    """Scenes of robots that stand still."""
    robots = [replace(robot, motion=RigMotion()) for robot in ROBOTS[:count]]
    return [build_rig_scene(robot, scenario, k, 4.0).scene for k, robot in enumerate(robots)]


def test_robots_differ_in_all_that_robots_differ_in():
    widths = {robot.camera.size[0] for robot in ROBOTS}
    assert min(widths) == 320
    assert max(widths) >= 640
    angles = np.array(
        [2 * np.arctan(r.camera.size[0] / 2 / r.camera.fx) for r in ROBOTS if r.camera]
    )
    assert np.degrees(angles.min()) < 60
    assert np.degrees(angles.max()) > 100
    heights = np.array([robot.camera.centre[2] for robot in ROBOTS])
    assert heights.min() < 0.6
    assert heights.max() > 1.3
    assert {len(robot.microphones.positions) for robot in ROBOTS} >= {2, 4, 7}
    assert {robot.motion.kind for robot in ROBOTS} == {'static', 'pan', 'drive'}
    assert {noise.kind for robot in ROBOTS for noise in robot.noise} >= {'fan', 'motor'}


def test_robots_look_ahead_and_hear_beside_their_camera():
    for robot in ROBOTS:
        forward = robot.camera.pose.rotation[:, 2]
        assert np.degrees(np.arccos(forward[0])) < 35
        assert abs(robot.camera.pose.rotation[2, 0]) < 0.05
        ears = robot.target_from_array @ robot.microphones.positions
        assert np.linalg.norm(ears - robot.camera.centre, axis=1).max() < 0.45


def test_a_robot_is_that_of_its_seed():
    again = draw_robot(7)
    assert again.camera.fx == ROBOTS[7].camera.fx != ROBOTS[8].camera.fx
    np.testing.assert_array_equal(again.camera.pose.rotation, ROBOTS[7].camera.pose.rotation)


@pytest.mark.thorough
@pytest.mark.parametrize('scenario', ['near_and_far', 'passing', 'hiding', 'anybody'])
def test_people_stand_in_the_room_and_not_in_each_other(scenario):
    for scene in scenes_of(scenario):
        inside = scene.room.maximum[:2] - scene.room.minimum[:2]
        mouths = [person.mouth for person in scene.people]
        for mouth in mouths:
            assert scene.room.contains(mouth).all()
            from_walls = np.minimum(
                mouth[:, :2] - scene.room.minimum[:2], scene.room.maximum[:2] - mouth[:, :2]
            )
            assert from_walls.min() > 0.2
            away = np.linalg.norm((mouth - scene.cameras[0].centre)[:, :2], axis=1)
            assert away.min() > 0.2
            assert away.max() < np.linalg.norm(inside)
        for k, mouth in enumerate(mouths):
            for other in mouths[:k]:
                assert np.linalg.norm((mouth - other)[:, :2], axis=1).min() > 0.2


@pytest.mark.thorough
def test_people_pass_over_the_border_of_the_picture():
    crossed = 0
    for scene in scenes_of('passing'):
        camera, times = scene.cameras[0], scene.frame_times(0)
        for person in scene.people:
            pixels = np.nan_to_num(camera.project(person.at(times, person.mouth)), nan=-1e4)
            seen = (pixels[:, 0] > 0) & (pixels[:, 0] < camera.size[0])
            crossed += np.abs(np.diff(seen.astype(int))).any()
    assert crossed >= 3


@pytest.mark.thorough
def test_people_turn_their_backs_and_bow_their_heads():
    averted, bowed = [], []
    for scene in scenes_of('turned_away'):
        for person in scene.people:
            sight = person.mouth - scene.cameras[0].centre
            sight[:, 2] = 0
            sight /= np.linalg.norm(sight, axis=1, keepdims=True)
            averted.append((facing_vector(person.orientation) * sight).sum(axis=1) > 0.5)
            bowed.append(person.orientation[:, 1] > np.radians(25))
    assert np.concatenate(averted).mean() > 0.15
    assert np.concatenate(bowed).mean() > 0.03


@pytest.mark.thorough
def test_what_is_taken_for_people_is_in_view_and_in_nobodys_way():
    pictures, balls = [], []
    for scene in scenes_of('near_and_far', 12):
        camera = scene.cameras[0]
        for picture in scene.decor.pictures:
            pictures.append(picture)
            u, v = camera.project(picture.centre)
            right = camera.project(picture.centre + 0.1 * picture.across)
            down = camera.project(picture.centre + 0.1 * picture.along)
            assert right[0] > u
            assert down[1] > v
            # It hangs on a wall.
            gap = np.minimum(
                picture.centre - scene.room.minimum, scene.room.maximum - picture.centre
            )
            assert gap[:2].min() == pytest.approx(0.04)
        for ball in scene.decor.balls:
            balls.append(ball)
            assert scene.room.contains(ball.centre)
            for person in scene.people:
                apart = np.linalg.norm((person.mouth - ball.centre)[:, :2], axis=1).min()
                assert apart > 0.3
    assert len(pictures) > 3
    assert len(balls) > 2
