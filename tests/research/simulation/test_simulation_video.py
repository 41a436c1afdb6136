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

"""Pictures: triangles, and people as the cameras see them."""

from functools import cache

import numpy as np
import pytest
from visual_scenes import LAST_FRAME, PLACE, person_at, scene_of, with_light, yaw_towards

from av_tracker_nodes.geometry.head import box_centre, face_box
from av_tracker_nodes.models.zoo import YUNET
from av_tracker_nodes.research.simulation.posing import Actor
from av_tracker_nodes.research.simulation.rasteriser import draw_triangles
from av_tracker_nodes.research.simulation.scene import Occluder
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.vision.yunet import YuNet

EMPTY = scene_of()
BOARD_COLOUR = (0.1, 0.9, 0.1)


def picture(scene, camera=0, frame=25):
    return next(render_frames(scene, camera, [frame]))


@cache
def empty_picture(camera):
    return picture(EMPTY, camera)


def changed(first, second, least=25):
    return np.abs(first.astype(int) - second).max(axis=2) > least


@pytest.fixture(scope='module')
def detector():
    return YuNet(YUNET.verified())


def facing(camera, turned=0.0, **more):
    return person_at(yaw=yaw_towards(EMPTY, camera) + turned, **more)


def board_before(camera, share):
    """A board 0.5 m wide on the way from a camera to the mouth."""
    view = EMPTY.cameras[camera]
    centre = view.centre + share * (PLACE - view.centre)
    right = np.cross(PLACE - view.centre, [0, 0, 1.0])
    right *= 0.25 / np.linalg.norm(right)
    up = np.array([0, 0, 0.3])
    corners = [centre - right + up, centre + right + up, centre + right - up, centre - right - up]
    return Occluder(np.array(corners), BOARD_COLOUR)


@pytest.mark.thorough
def test_frames_are_those_of_the_scene_whichever_are_asked_for():
    scene = scene_of(facing(1))
    first = list(render_frames(scene, 1, [0, 7, LAST_FRAME]))
    assert [frame.shape for frame in first] == [(288, 360, 3)] * 3
    assert first[0].dtype == np.uint8
    np.testing.assert_array_equal(picture(scene, 1, 7), first[1])
    assert (first[0] != first[1]).any()
    frames = render_frames(scene, 1)
    np.testing.assert_array_equal(next(frames), first[0])
    assert sum(1 for _ in frames) == LAST_FRAME


def test_another_seed_is_another_room():
    here, there = empty_picture(0), picture(scene_of(seed=6))
    assert changed(here, there).mean() > 0.2


@pytest.mark.thorough
@pytest.mark.parametrize('camera', [0, 1, 2])
def test_people_are_drawn_where_the_camera_projects_them(camera):
    person = facing(camera, pitch=0.1)
    actor = Actor(person, EMPTY.room.minimum[2])
    pixels = EMPTY.cameras[camera].project(actor.pose(1.0)[0])
    pixels = pixels[EMPTY.cameras[camera].contains(pixels)]
    rows, columns = np.nonzero(changed(picture(scene_of(person), camera), empty_picture(camera)))
    assert rows.min() == pytest.approx(pixels[:, 1].min(), abs=2)
    head = pixels[pixels[:, 1] < pixels[:, 1].min() + 20, 0]
    seen = columns[rows < rows.min() + 20]
    assert seen.min() == pytest.approx(head.min(), abs=2)
    assert seen.max() == pytest.approx(head.max(), abs=2)


@pytest.mark.thorough
def test_people_beside_and_behind_the_camera_are_not_in_the_picture():
    view = EMPTY.cameras[1]
    right, forward = view.pose.rotation[:, 0], view.pose.rotation[:, 2]
    for place in (
        view.centre + 0.5 * right,
        view.centre - 0.5 * forward,
        view.centre + 0.8 * right,
    ):
        assert not changed(picture(scene_of(person_at(place)), 1), empty_picture(1)).any()


def test_jaw_moves_the_picture_about_the_mouth():
    closed, opened = picture(scene_of(facing(0))), picture(scene_of(facing(0, jaw=1.0)))
    rows, columns = np.nonzero(changed(closed, opened, 15))
    assert rows.size >= 8
    left, top, width, height = face_box(EMPTY.cameras[0], PLACE)
    assert rows.min() > top + 0.5 * height
    assert rows.max() < top + 1.4 * height
    assert columns.min() > left
    assert columns.max() < left + width


@pytest.mark.thorough
def test_board_hides_whoever_is_behind_and_nobody_before():
    u, v = EMPTY.cameras[0].project(PLACE).round().astype(int)
    behind = scene_of(facing(0), occluders=(board_before(0, 0.5),))
    only_board = scene_of(occluders=(board_before(0, 0.5),))
    window = (slice(v - 12, v + 12), slice(u - 12, u + 12))
    assert not changed(picture(behind)[window], picture(only_board)[window], 5).any()
    before = scene_of(facing(0), occluders=(board_before(0, 1.3),))
    in_the_open = scene_of(facing(0))
    assert not changed(picture(before)[window], picture(in_the_open)[window], 60).mean() > 0.5
    assert changed(picture(before)[window], picture(only_board)[window]).any()


@pytest.mark.thorough
def test_nearer_person_hides_the_farther_in_either_order():
    camera = EMPTY.cameras[0]
    farther = camera.centre + 1.25 * (PLACE - camera.centre)
    near, far = facing(0, identity=8), facing(0, mouth=farther, identity=11)
    alone = picture(scene_of(near))
    u, v = camera.project(PLACE).round().astype(int)
    window = (slice(v - 10, v + 6), slice(u - 8, u + 8))
    for people in ((near, far), (far, near)):
        assert not changed(picture(scene_of(*people))[window], alone[window], 5).any()


def test_light_changes_the_brightness():
    scene = with_light(EMPTY, (0.0, 1.0), (0.9, 1.0), (1.0, 0.5), (3.0, 0.5))
    bright, dim = render_frames(scene, 0, [0, 30])
    # Light halved, stored with a gamma of 2.
    ratio = np.median(dim) / np.median(bright)
    assert ratio == pytest.approx(np.sqrt(0.5), abs=0.05)


@pytest.mark.thorough
@pytest.mark.parametrize('camera', [0, 1, 2])
def test_face_detector_finds_faces_and_not_backs_of_heads(detector, camera):
    places = {3: [0.85, -0.75, 0.80], 8: [1.0, 0.1, 0.95], 11: [0.85, 0.85, 0.76]}
    turned = {3: 0.0, 8: 0.5, 11: -0.5}

    def scene_facing(away):
        return scene_of(
            *(
                person_at(place, yaw_towards(EMPTY, camera, place) + turned[k] + away, identity=k)
                for k, place in places.items()
            )
        )

    faces = detector.detect(picture(scene_facing(0.0), camera))
    assert len(faces) == 3
    centres = np.array([box_centre(face.box) for face in faces])
    for place in places.values():
        expected = face_box(EMPTY.cameras[camera], np.array(place))
        error = np.abs(centres - box_centre(expected)).max(axis=1)
        assert error.min() < 0.35 * expected[3]
    assert not detector.detect(picture(scene_facing(np.pi), camera))
    assert not detector.detect(empty_picture(camera))


# ---- triangles


RED, GREEN, BLUE = [0, 0, 200], [0, 200, 0], [200, 0, 0]
# Counter-clockwise as seen, with rows that run downwards.
CORNERS = np.array([[2, 2], [2, 17], [17, 2]], np.float32)


def draw(pixels, nearness, colours, triangles, size=20):
    image = np.zeros((size, size, 3), np.uint8)
    buffer = np.zeros((size, size), np.float32)
    draw_triangles(
        image,
        buffer,
        np.asarray(pixels, np.float32),
        np.asarray(nearness, np.float32),
        np.asarray(colours, np.float32),
        np.asarray(triangles, np.int32),
    )
    return image, buffer


def test_triangle_covers_the_pixels_inside_and_no_others():
    image, buffer = draw(CORNERS, [1, 1, 1], [RED] * 3, [[0, 1, 2]])
    y, x = np.mgrid[:20, :20]
    inside = (x > 2) & (y > 2) & (x + y < 19)
    outside = (x < 2) | (y < 2) | (x + y > 19)
    assert (image[inside] == RED).all()
    assert (image[outside] == 0).all()
    assert (buffer[outside] == 0).all()


@pytest.mark.parametrize('order', [[0, 1], [1, 0]])
def test_nearer_triangle_hides_the_farther_in_either_order(order):
    pixels = np.concatenate([CORNERS, CORNERS])
    triangles = np.array([[0, 1, 2], [3, 4, 5]])[order]
    image, buffer = draw(pixels, [0.5] * 3 + [0.8] * 3, [RED] * 3 + [GREEN] * 3, triangles)
    assert (image[5, 5] == GREEN).all()
    assert buffer[5, 5] == pytest.approx(0.8)


def test_triangles_that_turn_away_or_lie_behind_the_camera_are_not_drawn():
    image, _ = draw(CORNERS, [1, 1, 1], [RED] * 3, [[0, 2, 1]])
    assert not image.any()
    behind = CORNERS.copy()
    behind[1] = np.nan
    image, _ = draw(behind, [1, 1, 1], [RED] * 3, [[0, 1, 2]])
    assert not image.any()


def test_triangles_reach_beyond_the_picture():
    pixels = [[-50, -50], [-50, 90], [90, -50]]
    image, _ = draw(pixels, [1, 1, 1], [BLUE] * 3, [[0, 1, 2]])
    assert (image == BLUE).all()


def test_nearness_inside_is_that_of_the_plane():
    # The plane z = 2 + 0.05 X + 0.03 Y seen by a camera of focal length 10 at pixel (10, 10).
    points = np.array([[-1.0, -1.0], [-1.0, 1.2], [1.4, -1.0]])
    z = 2 + points @ [0.05, 0.03]
    pixels = 10 * points / z[:, None] + 10
    _, buffer = draw(pixels, 1 / z, [RED] * 3, [[0, 1, 2]])
    y, x = np.nonzero(buffer)
    assert y.size > 10
    ray = (np.stack([x, y], axis=-1) - 10) / 10
    depth = 2 / (1 - ray @ [0.05, 0.03])
    np.testing.assert_allclose(1 / buffer[y, x], depth, rtol=1e-4)
