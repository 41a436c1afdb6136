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
from av_tracker_nodes.geometry.head import (
    box_centre,
    face_box,
    facing,
    mouth_pixel,
    overlap,
    range_of_box,
)

CAMERA = Camera(400, 400, 180, 144, (360, 288))
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
