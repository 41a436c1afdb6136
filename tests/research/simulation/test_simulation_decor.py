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

"""Portraits, balls and raised hands, and what they hide."""

from dataclasses import replace

import numpy as np
import pytest
from visual_scenes import PLACE, person_at, scene_of, yaw_towards

from av_tracker_nodes.geometry.rig_description import RigMotion
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.models.zoo import YUNET
from av_tracker_nodes.research.simulation.balls import surface_of
from av_tracker_nodes.research.simulation.decor import Ball, Decor, Picture, Portrait
from av_tracker_nodes.research.simulation.finishes import draw_ceiling, draw_floor, draw_wall
from av_tracker_nodes.research.simulation.portraits import paint
from av_tracker_nodes.research.simulation.posing import Actor
from av_tracker_nodes.research.simulation.scene import Occluder, SensorMotion
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.research.simulation.visibility import visible_share
from av_tracker_nodes.vision.yunet import YuNet

VIEW = scene_of().cameras[0]
HEAD = PLACE + np.array([0.0, 0.0, 0.05])


def between(share):
    """A place on the way from the camera to the head, or beyond it."""
    return VIEW.centre + share * (HEAD - VIEW.centre)


def board_at(centre, half=0.3):
    right = np.cross(HEAD - VIEW.centre, [0, 0, 1.0])
    right *= half / np.linalg.norm(right)
    up = np.array([0, 0, half])
    return Occluder(
        np.array([centre - right + up, centre + right + up, centre + right - up,
                  centre - right - up])
    )  # fmt: skip


def ball_at(centre, radius=0.2):
    return Ball(centre, np.full(3, radius), np.full((2, 3), 0.5), 0.0)


@pytest.mark.parametrize(('share', 'seen'), [(0.3, 0.0), (0.8, 0.0), (1.2, 1.0), (-0.3, 1.0)])
@pytest.mark.parametrize('thing', [board_at, ball_at])
def test_only_what_is_before_a_head_hides_it(thing, share, seen):
    scene = scene_of(person_at())
    hider = thing(between(share))
    if isinstance(hider, Ball):
        scene = replace(scene, decor=Decor(balls=(hider,)))
    else:
        scene = replace(scene, occluders=(hider,))
    assert visible_share(scene, 0, 1.0) == pytest.approx([seen], abs=0.05)


def test_a_head_on_the_border_of_the_picture_is_seen_in_part():
    middle = VIEW.project(HEAD)
    shares = []
    for column in (0.0, middle[0]):
        edge = VIEW.back_project(np.array([column, middle[1]]), VIEW.depth(HEAD))
        scene = scene_of(person_at(edge - [0.0, 0.0, 0.05]))
        shares.append(float(visible_share(scene, 0, 1.0)[0]))
    assert 0.1 < shares[0] < 0.9
    assert shares[1] == 1.0


def test_a_camera_that_moves_sees_who_is_before_it_now():
    about = RigidTransform(translation=VIEW.centre)
    motion = SensorMotion(about, RigMotion('pan', np.radians(80.0), 4.0))
    scene = replace(scene_of(person_at()), motion=motion)
    assert visible_share(scene, 0, 0.0)[0] == 1.0
    assert visible_share(scene, 0, 1.0)[0] == 0.0


def test_nobody_is_seen_where_nobody_is():
    assert visible_share(scene_of(), 0, 0.0).shape == (0,)


@pytest.mark.thorough
def test_a_portrait_shows_a_face_of_the_size_that_was_asked_for():
    detector = YuNet(YUNET.verified())
    heights = []
    for share in (0.3, 0.5):
        picture = paint(Portrait((3,), share, 1.0, 1)).astype(np.uint8)
        (face,) = detector.detect(picture)
        heights.append(face.box[3] / picture.shape[0])
    np.testing.assert_allclose(heights, [0.3, 0.5], rtol=0.25)
    couple = paint(Portrait((3, 8), 0.3, 1.6, 1)).astype(np.uint8)
    assert len(detector.detect(couple)) == 2


@pytest.mark.thorough
def test_a_portrait_on_the_wall_is_seen_where_it_hangs():
    right = np.array([0.0, -1.0, 0.0])
    corner = np.array([1.75, 0.6, 0.9])
    picture = Picture(corner, 0.8 * right, np.array([0, 0, -0.8]), Portrait((3,), 0.5, 1.0, 1))
    scene = replace(scene_of(), decor=Decor(pictures=(picture,)))
    (face,) = YuNet(YUNET.verified()).detect(next(render_frames(scene, 0, [0])))
    outline = VIEW.project(corner + np.array([0.8 * right, [0, 0, -0.8], np.zeros(3)]))
    centre = face.box[:2] + face.box[2:] / 2
    assert (centre > outline.min(axis=0)).all()
    assert (centre < outline.max(axis=0)).all()


def test_the_surface_of_a_ball_is_closed_and_turned_outwards():
    ball = Ball(np.array([1.0, 2, 3]), np.array([0.1, 0.2, 0.02]), np.eye(3)[:2], 0.0)
    vertices, normals, albedo, triangles = surface_of(ball)
    outwards = vertices - ball.centre
    np.testing.assert_allclose((outwards / ball.radii).__pow__(2).sum(axis=1), 1.0)
    assert ((normals * outwards).sum(axis=1) > 0).all()
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    solid = np.linalg.norm(across, axis=1) > 1e-9
    middle = (a + b + c)[solid] / 3 - ball.centre
    assert ((across[solid] * middle).sum(axis=1) > 0).all()
    upper = outwards[:, 2] > 0.01
    assert upper.any()
    assert (albedo[upper] == [0, 0, 1]).all()
    assert (albedo[outwards[:, 2] < 0] == [0, 1, 0]).all()


@pytest.mark.thorough
def test_a_ball_is_drawn_where_it_is():
    ball = replace(ball_at(between(0.5), 0.1), colours=np.array([[1.0, 0, 0]] * 2))
    empty = replace(scene_of(), decor=Decor())
    pictures = [
        next(render_frames(scene, 0, [0])).astype(int)
        for scene in (empty, replace(empty, decor=Decor(balls=(ball,))))
    ]
    rows, columns = np.nonzero(np.abs(pictures[1] - pictures[0]).max(axis=2) > 40)
    # Its rod hangs below it.
    rows, columns = rows[rows < rows.min() + 30], columns[rows < rows.min() + 30]
    u, _ = VIEW.project(ball.centre)
    assert columns.mean() == pytest.approx(u, abs=2)
    top = ball.centre + np.array([0.0, 0.0, 0.1])
    assert rows.min() == pytest.approx(VIEW.project(top)[1], abs=3)


@pytest.mark.thorough
def test_a_hand_is_raised_beside_the_head():
    person = person_at(yaw=yaw_towards(scene_of(), 0))
    raised = replace(person, raised=np.ones(person.times.size))
    rest, up = (Actor(each, -0.73).pose(0.0)[0] for each in (person, raised))
    moved = np.linalg.norm(up - rest, axis=1) > 0.3
    assert rest[moved, 2].mean() < person.mouth[0, 2] - 0.4
    tip = up[moved][np.argmax(up[moved, 2])]
    assert abs(tip[2] - person.mouth[0, 2]) < 0.3
    assert 0.15 < np.linalg.norm(tip - person.mouth[0]) < 0.7


@pytest.mark.parametrize('draw', [draw_floor, draw_wall, draw_ceiling])
def test_no_two_rooms_have_the_same_finish(draw):
    drawn = [draw((5.0, 4.0), np.random.default_rng(seed)) for seed in range(12)]
    assert all(each.min() >= 0 and each.max() <= 255 for each in drawn)
    assert np.ptp([each.mean() for each in drawn]) > 20
    assert len({round(float(each.std()), 1) for each in drawn}) > 6
