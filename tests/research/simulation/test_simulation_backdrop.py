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
from visual_scenes import person_at, scene_of

from av_tracker_nodes import FaceStage
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT
from av_tracker_nodes.geometry.head import FACE_HEIGHT
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.backdrop import draw_backdrop
from av_tracker_nodes.research.simulation.furniture import furnish
from av_tracker_nodes.research.simulation.lighting import Lighting
from av_tracker_nodes.research.simulation.scene import Occluder
from av_tracker_nodes.research.simulation.studio import Studio, View
from av_tracker_nodes.types import Face

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
VIEW = View(np.zeros((240, 200, 3), np.uint8), CAMERA, MOUTH, 1.1)


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
    assert VIEW.face_among(faces) is (None if mine is None else faces[mine])


def test_larger_heads_have_larger_faces():
    assert VIEW.face_height == pytest.approx(44.0)


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
