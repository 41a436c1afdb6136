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

"""What stands and hangs in rooms, what it hides, and raised hands."""

from dataclasses import replace

import numpy as np
import pytest
from visual_scenes import PLACE, person_at, scene_of, yaw_towards

from av_tracker_nodes import FaceStage
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT
from av_tracker_nodes.geometry.head import FACE_HEIGHT
from av_tracker_nodes.geometry.rig_description import RigMotion
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.models.zoo import YUNET
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.backdrop import draw_backdrop
from av_tracker_nodes.research.simulation.balls import surface_of
from av_tracker_nodes.research.simulation.decor import Ball, Decor, Picture, Portrait
from av_tracker_nodes.research.simulation.finishes import draw_ceiling, draw_floor, draw_wall
from av_tracker_nodes.research.simulation.furniture import furnish
from av_tracker_nodes.research.simulation.lighting import Lighting
from av_tracker_nodes.research.simulation.portraits import paint
from av_tracker_nodes.research.simulation.posing import Actor
from av_tracker_nodes.research.simulation.scene import Occluder, SensorMotion
from av_tracker_nodes.research.simulation.studio import Studio, View
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.research.simulation.visibility import visible_share
from av_tracker_nodes.types import Face
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


# ---- walls and furniture


LIGHTING = Lighting.draw(np.random.default_rng(0))


@pytest.fixture(scope='module', params=[0, 1, 2])
def view(request):
    """A camera, and the points (m) that its pixels show."""
    scene = scene_of()
    camera = scene.cameras[request.param]
    image, nearness = draw_backdrop(scene, camera, LIGHTING)
    y, x = np.mgrid[0:288:7, 0:360:7]
    pixels = np.stack([x, y], axis=-1).astype(float)
    points = camera.back_project(pixels, 1 / nearness[y, x].astype(float))
    return camera, image, points


def test_every_pixel_shows_something_in_the_room(view):
    _, image, points = view
    assert image.shape == (288, 360, 3)
    room = meeting_room.ROOM
    assert (points > room.minimum - 1e-3).all()
    assert (points < room.maximum + 1e-3).all()


def test_table_top_is_seen_at_its_height(view):
    _, _, points = view
    inside = (np.abs(points[..., 0] + 0.1) < 0.45) & (np.abs(points[..., 1]) < 1.1)
    on_table = inside & (points[..., 2] > -0.2)
    assert on_table.sum() > 20
    assert np.median(points[on_table][:, 2]) == pytest.approx(0.0, abs=2e-3)


def test_pixels_see_the_board_where_the_camera_projects_it():
    camera = scene_of().cameras[0]
    u, v = np.array([100, 260, 250, 110.0]), np.array([60, 70, 200, 190.0])
    corners = camera.back_project(np.stack([u, v], axis=-1), 1.2)
    scene = scene_of(occluders=(Occluder(corners, (0.0, 1.0, 0.0)),))
    image, nearness = draw_backdrop(scene, camera, LIGHTING)
    assert 1 / nearness[130, 180] == pytest.approx(1.2, rel=1e-3)
    green = (image[..., 1] > 60) & (image[..., 0] < 30) & (image[..., 2] < 30)
    rows, columns = np.nonzero(green)
    assert [columns.min(), columns.max()] == pytest.approx([100, 260], abs=2)
    assert [rows.min(), rows.max()] == pytest.approx([60, 200], abs=2)


def test_one_furniture_for_all_cameras_and_another_for_another_seed():
    def corners(scene):
        return np.array([panel.corner for panel in furnish(scene)])

    np.testing.assert_array_equal(corners(scene_of()), corners(scene_of()))
    assert corners(scene_of()).shape != corners(scene_of(seed=6)).shape


def test_who_sits_has_a_chair():
    seat = person_at(mouth=np.array([0.9, 0.1, 0.47]))
    places = np.array([panel.corner for panel in furnish(scene_of(seat))])
    near = np.linalg.norm(places[:, :2] - [0.8, 0.1], axis=1) < 0.35
    seat_height = meeting_room.ROOM.minimum[2] + 0.43
    assert (np.abs(places[near, 2] - seat_height) < 0.01).any()


# ---- the studio draws people where it says that they are


# The mouth is at pixel (100, 120), 2 m away, where 0.20 m are 40 pixels.
CAMERA = Camera(400.0, 400.0, 100.0, 120.0, (200, 240))
MOUTH = np.array([0.0, 0.0, 2.0])
OWN = View(np.zeros((240, 200, 3), np.uint8), CAMERA, MOUTH, 1.1)


def face_at(across, down, height=40.0):
    """A face whose mouth is so many pixels off the true one."""
    width = 0.75 * height
    return Face(
        np.array([100 + across - width / 2, 120 + down - 0.75 * height, width, height]), 0.9
    )


@pytest.mark.parametrize(
    ('faces', 'mine'),
    [
        ([], None),
        ([(0, 0)], 0),
        ([(19, -19)], 0),
        ([(21, 0)], None),
        ([(0, 21)], None),
        ([(60, 0), (5, 0), (0, 0)], 1),
        ([(21, 0, 60.0)], 0),
    ],
)
def test_a_face_is_somebodys_where_the_mouth_is(faces, mine):
    faces = [face_at(*face) for face in faces]
    assert OWN.face_among(faces) is (None if mine is None else faces[mine])


def test_larger_heads_have_larger_faces():
    assert OWN.face_height == pytest.approx(44.0)


@pytest.mark.thorough
def test_people_are_detected_where_and_as_large_as_they_were_drawn():
    detector = FaceStage().detector
    rng = np.random.default_rng(3)
    studio = Studio(1003, rng)
    ratios = []
    for number in range(6):
        view = studio.portray(number, rng)
        assert view.picture.shape == (*view.camera.size[::-1], 3)
        face = view.face_among(detector.detect(view.picture))
        if face is not None:
            lips = face.landmarks[3:].mean(axis=0)
            assert np.abs(lips - view.camera.project(view.mouth)).max() < 0.2 * view.face_height
            ratios.append(face.box[3] / view.face_height)
    assert len(ratios) >= 4
    assert np.median(ratios) == pytest.approx(DETECTOR_FACE_HEIGHT / FACE_HEIGHT, rel=0.12)
