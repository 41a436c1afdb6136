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
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.crops import face_crop, square_crop
from av_tracker_nodes.geometry.face import completed, mouth_from_face, shares_outside
from av_tracker_nodes.geometry.head import (
    box_centre,
    face_box,
    facing,
    mouth_pixel,
    overlap,
    range_of_box,
)

CAMERA = Camera(400, 400, 180, 144, (360, 288))
# Eyes, nose, mouth corners and lips of a head that looks at the camera (m; x right, y down,
# z away), about its own middle.
HEAD = np.array(
    [
        [-0.032, -0.03, 0.0],
        [0.032, -0.03, 0.0],
        [0.0, 0.005, -0.035],
        [-0.025, 0.04, -0.006],
        [0.025, 0.04, -0.006],
        [0.0, 0.044, -0.022],
    ]
)


@pytest.mark.parametrize('yaw', [-60, -30, 0, 30, 60])
def test_mouth_of_a_head_that_turns(yaw):
    cosine, sine = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    points = CAMERA.project(HEAD @ turn.T + [0.1, -0.1, 2.0])
    height = 400 * 0.192 / 2
    box = np.array([*(points[:5].mean(axis=0) - height / 2), 0.8 * height, height])
    mouth = mouth_from_face(box, points[:5])
    assert np.abs(mouth - points[5]).max() < 0.03 * height


def test_mouth_without_landmarks_is_a_quarter_up_the_box():
    assert mouth_from_face(np.array([10, 20, 30, 40])).tolist() == [25, 50]


# Of a face from the front, 100 pixels high: box, and landmarks from its upper left corner.
WHOLE = np.array([0.0, 0.0, 75.0, 100.0])
PARTS = np.array([[20.0, 40.0], [57.0, 40.0], [38.5, 58.0], [24.0, 75.7], [53.0, 75.7]])
SIZE = 360, 288


@pytest.mark.parametrize('cut', [0.1, 0.3, 0.5])
@pytest.mark.parametrize(
    ('side', 'corner'),
    [('left', (0, 90)), ('top', (140, 0)), ('right', (359, 90)), ('bottom', (140, 287))],
)
def test_a_face_cut_by_the_border_is_completed(side, corner, cut):
    """The detector ends its box at the border; eyes and mouth tell how large it is."""
    whole = WHOLE + np.array([*corner, 0, 0])
    whole[:2] -= {
        'left': [cut * 75, 0],
        'top': [0, cut * 100],
        'right': [75 - cut * 75, 0],
        'bottom': [0, 100 - cut * 100],
    }[side]
    start = np.clip(whole[:2], 0, None)
    end = np.minimum(whole[:2] + whole[2:], np.array(SIZE) - 1)
    found = np.concatenate([start, end - start])
    landmarks = PARTS + whole[:2]
    box, points = completed(found, landmarks, SIZE)
    np.testing.assert_allclose(box, whole, atol=1.5)
    np.testing.assert_allclose(points, landmarks, atol=1.0)
    expected = np.zeros(4)
    expected[['left', 'top', 'right', 'bottom'].index(side)] = cut
    np.testing.assert_allclose(shares_outside(box, SIZE), expected, atol=0.03)


def test_a_mouth_moved_up_by_the_lower_border_goes_down_again():
    whole = WHOLE + np.array([140, 227, 0, 0])
    landmarks = PARTS + whole[:2]
    raised = landmarks.copy()
    raised[3:, 1] -= 12
    box, points = completed(np.array([140, 227, 75, 75]), raised, SIZE)
    np.testing.assert_allclose(points[3:], landmarks[3:], atol=1.0)
    np.testing.assert_allclose(points[:3], raised[:3])
    assert box[3] == pytest.approx(100, abs=1)


@pytest.mark.parametrize('corner', [(20, 10), (140, 90), (270, 170)])
def test_faces_inside_and_faces_without_landmarks_stay(corner):
    box = WHOLE + np.array([*corner, 0, 0])
    landmarks = PARTS + corner
    same, points = completed(box, landmarks, SIZE)
    assert same is box
    assert points is landmarks
    assert not shares_outside(box, SIZE).any()
    at_border = np.array([-3.0, -3.0, 40.0, 50.0])
    assert completed(at_border, None, SIZE) == (at_border, None)


def test_landmarks_at_one_point_complete_nothing():
    box, points = completed(np.array([0.0, 0.0, 40, 50]), np.full((5, 2), 7.0), SIZE)
    assert np.isfinite(box).all()
    assert np.isfinite(points).all()
    assert box[3] == 50


@pytest.fixture
def ramp():
    """Blue tells the column, green the row."""
    rows, columns = np.mgrid[0:100, 0:120]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def test_crop_without_scaling_is_the_image(ramp):
    crop = square_crop(ramp, np.array([50.0, 40.0]), side=21, size=21)
    np.testing.assert_array_equal(crop, ramp[30:51, 40:61])


def test_half_pixels_are_interpolated(ramp):
    crop = square_crop(ramp, np.array([50.5, 40.0]), side=3, size=3).astype(int)
    assert set(crop[:, 1, 0].tolist()) <= {50, 51}
    assert (crop[:, 1, 1] == [39, 40, 41]).all()


@pytest.mark.parametrize('size', [16, 64])
def test_scaling_keeps_the_middle(ramp, size):
    crop = square_crop(ramp, np.array([60.0, 50.0]), side=32, size=size).astype(float)
    assert crop.shape == (size, size, 3)
    np.testing.assert_allclose(crop[..., 0].mean(), 60, atol=1)
    np.testing.assert_allclose(crop[..., 1].mean(), 50, atol=1)


def test_border_is_repeated(ramp):
    crop = square_crop(ramp, np.array([0.0, 99.0]), side=21, size=21)
    assert (crop[:, :11, 0] == 0).all()
    assert (crop[10:, :, 1] == 99).all()
    far = square_crop(ramp, np.array([500.0, 500.0]), side=21, size=21)
    assert (far[..., 0] == 119).all()


def test_face(ramp):
    box = np.array([50, 30, 10, 12])
    np.testing.assert_array_equal(
        face_crop(ramp, box, size=18), square_crop(ramp, np.array([55, 36]), 18, 18)
    )


boxes = st.tuples(
    st.floats(-50, 350), st.floats(-50, 250), st.floats(1, 100), st.floats(1, 100)
).map(np.array)


def test_face_straight_ahead_by_hand():
    # 0.15 x 0.20 m at 2 m: 30 x 40 pixels, the mouth three quarters down.
    np.testing.assert_allclose(face_box(CAMERA, [0, 0, 2.0]), [165, 114, 30, 40])


def test_face_to_the_side_turns_towards_the_camera():
    # At 45 degrees the plane runs from (1.9470, 2.0530) to (2.0530, 1.9470) in x, z.
    half = 0.075 * np.sqrt(0.5)
    left = 180 + 400 * (2 - half) / (2 + half)
    right = 180 + 400 * (2 + half) / (2 - half)
    top, bottom = 144 - 400 * 0.15 / (2 + half), 144 + 400 * 0.05 / (2 - half)
    box = face_box(CAMERA, [2.0, 0, 2.0])
    np.testing.assert_allclose(box, [left, top, right - left, bottom - top])


def test_face_behind_the_camera_has_no_box():
    assert np.isnan(face_box(CAMERA, [0, 0, -2.0])).all()


def test_many_mouths_at_once():
    mouths = np.array([[[0, 0, 2.0], [0.3, 0.1, 3.0]]])
    together = face_box(CAMERA, mouths)
    assert together.shape == (1, 2, 4)
    np.testing.assert_allclose(together[0, 1], face_box(CAMERA, mouths[0, 1]))


def test_mouth_of_a_box_is_the_mouth_that_drew_it():
    mouth = np.array([0.0, 0.2, 2.5])
    np.testing.assert_allclose(mouth_pixel(face_box(CAMERA, mouth)), CAMERA.project(mouth))
    np.testing.assert_allclose(mouth_pixel([10, 20, 30, 40]), [25, 50])


def test_centre_of_a_box():
    np.testing.assert_allclose(box_centre([10, 20, 30, 40]), [25, 40])


@pytest.mark.parametrize('distance', [0.7, 2.0, 6.0])
def test_range_from_the_height_of_a_face(distance):
    # The centre of the face straight ahead: half the height above and below the axis.
    box = face_box(CAMERA, [0, 0.05, distance])
    assert range_of_box(CAMERA, box) == pytest.approx(distance, rel=1e-9)
    assert range_of_box(CAMERA, box, height=0.1) == pytest.approx(distance / 2, rel=1e-9)


def test_overlap_by_hand():
    first = [[0, 0, 10, 10], [0, 0, 4, 4]]
    second = [[5, 0, 10, 10], [20, 20, 5, 5], [0, 0, 10, 10]]
    np.testing.assert_allclose(overlap(first, second), [[1 / 3, 0, 1], [0, 0, 0.16]])


def test_overlap_of_nothing():
    assert overlap(np.empty((0, 4)), [[0, 0, 1, 1]]).shape == (0, 1)
    assert overlap([[0, 0, 0, 0]], [[0, 0, 0, 0]]) == 0


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_share(first, second):
    value = overlap(first, second)[0, 0]
    assert 0 <= value <= 1 + 1e-9
    assert value == pytest.approx(overlap(second, first)[0, 0])
    assert overlap(first, first)[0, 0] == pytest.approx(1)


@pytest.mark.parametrize('position', [[3.0, 2, 3], [0, 0, 1.5], [1.0, 2, 1]])
def test_a_face_looks_at_the_viewpoint_and_stands_upright(position):
    viewpoint = np.array([1.0, 2.0, 1.5])
    pose = facing(np.array(position), viewpoint)
    forward, left, up = pose.rotation.T
    towards = viewpoint - position
    np.testing.assert_allclose(pose.translation, position)
    np.testing.assert_allclose(forward, towards / np.linalg.norm(towards), atol=1e-9)
    np.testing.assert_allclose(np.cross(forward, left), up, atol=1e-9)
    assert left[2] == pytest.approx(0, abs=1e-9)
    assert up[2] >= -1e-9
