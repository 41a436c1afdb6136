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

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.camera_checks import (
    check_image_size,
    check_lens,
    optical_axis_problem,
)

WIDTH, HEIGHT = 360, 288


def make_camera(focal, aspect, centre, distortion, rotation, translation, skew=0.0):
    return Camera(
        fx=focal,
        fy=focal * aspect,
        cx=centre[0],
        cy=centre[1],
        size=(WIDTH, HEIGHT),
        distortion=np.array(distortion),
        skew=skew,
        pose=RigidTransform(Rotation.from_rotvec(rotation).as_matrix(), np.array(translation)),
    )


@st.composite
def cameras(draw, skewed=True):
    """Lenses from wide to narrow, barrel and pincushion, that see every pixel of the image."""
    camera = make_camera(
        focal=draw(st.floats(250, 900)),
        aspect=draw(st.floats(0.95, 1.1)),
        centre=(draw(st.floats(160, 200)), draw(st.floats(120, 165))),
        distortion=(
            draw(st.floats(-0.35, 0.2)),
            draw(st.floats(0.0, 0.15)),
            draw(st.floats(-0.005, 0.005)),
            draw(st.floats(-0.005, 0.005)),
            draw(st.floats(-0.02, 0.02)),
        ),
        rotation=[draw(st.floats(-3, 3)) for _ in range(3)],
        translation=[draw(st.floats(-5, 5)) for _ in range(3)],
        skew=draw(st.floats(-0.01, 0.01)) if skewed else 0.0,
    )
    assume(sees_every_pixel(camera))
    return camera


def sees_every_pixel(camera):
    """Tell whether the distorted radius grows until beyond the corners."""
    k1, k2, _, _, k3 = camera.distortion
    radius = np.linspace(0, 2, 400)
    growth = 1 + 3 * k1 * radius**2 + 5 * k2 * radius**4 + 7 * k3 * radius**6
    turns = np.flatnonzero(growth < 0.1)
    last = radius[turns[0]] if turns.size else radius[-1]
    reach = last * (1 + k1 * last**2 + k2 * last**4 + k3 * last**6)
    return reach > 1.1 * np.hypot(WIDTH - 160, HEIGHT - 120) / camera.fx


def grid_of_pixels():
    u, v = np.meshgrid(np.linspace(0, WIDTH - 1, 9), np.linspace(0, HEIGHT - 1, 7))
    return np.stack([u, v], axis=-1)


@pytest.fixture
def camera():
    return make_camera(
        400.0, 1.07, (178.0, 140.0), [-0.3, 0.12, 1e-3, -2e-3, 0.0], [0.4, -2, 0.7], [1, 2, 1.5]
    )


@given(cameras(), st.floats(0.3, 12))
def test_pixel_to_point_and_back(camera, depth):
    pixels = grid_of_pixels()
    error = camera.project(camera.back_project(pixels, depth)) - pixels
    assert np.abs(error).max() < 1e-6


@given(cameras(), st.integers(0, 2**32 - 1))
def test_point_to_pixel_and_back(camera, seed):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 8, 20)
    points = camera.back_project(rng.uniform((0, 0), (WIDTH, HEIGHT), (20, 2)), depth)
    again = camera.back_project(camera.project(points), camera.depth(points))
    np.testing.assert_allclose(again, points, atol=1e-8)


@given(cameras(skewed=False))
def test_projection_is_that_of_opencv(camera):
    points = camera.back_project(grid_of_pixels(), 2.5).reshape(-1, 3)
    inverse = camera.pose.inverse
    rotation_vector = Rotation.from_matrix(inverse.rotation).as_rotvec()
    expected, _ = cv2.projectPoints(
        points, rotation_vector, inverse.translation, camera.matrix, camera.distortion
    )
    np.testing.assert_allclose(camera.project(points), expected[:, 0], atol=1e-8)


@given(cameras(skewed=False))
def test_rays_are_those_of_opencv(camera):
    pixels = grid_of_pixels().reshape(-1, 2)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 5000, 1e-12)
    plane = cv2.undistortPointsIter(
        pixels[:, None], camera.matrix, camera.distortion, np.eye(3), np.eye(3), criteria
    )[:, 0]
    expected = np.column_stack([plane, np.ones(len(plane))])
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    rays = camera.pose.inverse.rotate(camera.rays(pixels))
    np.testing.assert_allclose(rays, expected, atol=1e-7)


def test_skew_shifts_a_pixel_by_its_share_of_the_row():
    plain = Camera(400, 500, 180, 144, (WIDTH, HEIGHT))
    skewed = Camera(400, 500, 180, 144, (WIDTH, HEIGHT), skew=0.01)
    point = np.array([0.1, 0.2, 1.0])
    np.testing.assert_allclose(skewed.project(point) - plain.project(point), [400 * 0.002, 0])
    homogeneous = skewed.matrix @ point
    np.testing.assert_allclose(homogeneous[:2], skewed.project(point))


def test_point_on_the_axis_projects_to_the_principal_point(camera):
    ahead = camera.pose @ np.array([0, 0, 3.0])
    np.testing.assert_allclose(camera.project(ahead), [camera.cx, camera.cy])
    assert camera.depth(ahead) == pytest.approx(3.0)


def test_nothing_behind_the_camera_has_a_pixel():
    camera = Camera(400, 400, 180, 144, (WIDTH, HEIGHT))
    points = np.array([[0, 0, -1.0], [0.1, 0.1, 0.0], [0, 0, 1.0]])
    seen = np.isfinite(camera.project(points)).all(axis=1)
    assert seen.tolist() == [False, False, True]
    assert camera.contains(camera.project(points)).tolist() == [False, False, True]


def test_image_ends_with_its_last_pixel():
    camera = Camera(400, 400, 180, 144, (WIDTH, HEIGHT))
    pixels = np.array([[0, 0], [359, 287], [359.01, 287], [359, 287.01], [-0.01, 0], [0, -0.01]])
    assert camera.contains(pixels).tolist() == [True, True, False, False, False, False]


def test_rays_start_at_the_centre_and_hit_the_point(camera):
    point = camera.pose @ np.array([0.4, -0.3, 2.0])
    ray = camera.rays(camera.project(point))
    offset = point - camera.centre
    np.testing.assert_allclose(np.linalg.norm(ray), 1)
    np.testing.assert_allclose(ray * np.linalg.norm(offset), offset, atol=1e-9)


def test_same_camera_in_another_frame(camera):
    room_from_world = RigidTransform(
        Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix(), np.array([3.0, 2, 1])
    )
    points = camera.back_project(grid_of_pixels(), 2.0)
    moved = camera.in_frame(room_from_world)
    np.testing.assert_allclose(
        moved.project(room_from_world @ points), camera.project(points), atol=1e-8
    )


@given(camera=cameras(), across=st.integers(80, 4000), down=st.integers(60, 3000))
def test_scaled_pictures_show_a_point_at_the_same_share_of_width_and_height(camera, across, down):
    """The picture spans -0.5 to its size less 0.5."""
    resized = camera.resized((across, down))
    point = camera.pose @ np.array([0.1, -0.07, 2.0])
    share = (camera.project(point) + 0.5) / camera.size
    np.testing.assert_allclose((resized.project(point) + 0.5) / resized.size, share, atol=1e-9)


CAMERA = Camera(400, 400, 320, 240, (640, 480))
BODY_FROM_OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


def looking(yaw=0.0, pitch=0.0, roll=0.0, optical=True):
    """A camera turned from level (degrees; pitch is down), in its optical or its body frame."""
    turn = Rotation.from_euler('ZYX', [yaw, pitch, roll], degrees=True).as_matrix()
    return CAMERA.in_frame(RigidTransform(turn @ BODY_FROM_OPTICAL if optical else turn))


def test_images_of_the_calibrated_size():
    check_image_size(CAMERA, (640, 480), 'camera')


@pytest.mark.parametrize(
    ('size', 'remedy'),
    [
        ((320, 240), 'binning_y of camera_info to 2 if'),
        ((160, 120), 'binning_y of camera_info to 4 if'),
        ((1280, 960), 'to 1 if it is for binned images already'),
        ((640, 360), 'set roi of camera_info if'),
        ((600, 480), 'set roi of camera_info if'),
        ((427, 320), 'set roi of camera_info if'),
        ((800, 480), ': calibrate at the size that is used'),
    ],
)
def test_images_of_another_size_are_refused(size, remedy):
    with pytest.raises(InputError, match=remedy) as caught:
        check_image_size(CAMERA, size, "camera 'front'")
    for named in ("camera 'front'", f'{size[0]} x {size[1]}', '640 x 480'):
        assert named in str(caught.value)
    assert '\n' not in str(caught.value)


def test_lens_that_hardly_images_anything_is_refused():
    check_lens(Camera(400, 400, 320, 240, (640, 480), np.array([-0.4, 0.1, 0, 0, 0])), 'camera')
    with pytest.raises(InputError, match=r"distortion of camera 'front' .* fills \d %"):
        check_lens(
            Camera(400, 400, 320, 240, (640, 480), np.array([-40.0, 0, 0, 0, 0])), "camera 'front'"
        )


@pytest.mark.parametrize('frame', ['camera_link', 'head_camera', 'oak_rgb_camera_frame'])
@given(st.floats(-180, 180), st.floats(-40, 40), st.floats(-5, 5))
def test_body_frames_are_told(frame, yaw, pitch, roll):
    problem = optical_axis_problem(looking(yaw, pitch, roll, optical=False), frame)
    assert f"'{frame}'" in problem
    assert '_optical_frame' in problem
    assert '\n' not in problem


@pytest.mark.parametrize('frame', ['camera_optical_frame', 'camera_color_optical', 'cam', ''])
@given(st.floats(-180, 180), st.floats(-65, 65), st.floats(-180, 180))
def test_cameras_that_look_at_people_are_not(frame, yaw, pitch, roll):
    """However they are rolled, as long as one that looks far up is not lying on its side too."""
    if pitch < -25 and 'optical' not in frame:
        roll /= 3
    assert optical_axis_problem(looking(yaw, pitch, roll), frame) is None


@given(st.floats(-180, 180), st.floats(72, 108))
def test_a_camera_at_the_ceiling_is_doubted_by_the_name_of_its_frame(yaw, pitch):
    camera = looking(yaw, pitch)
    assert optical_axis_problem(camera, 'ceiling_optical_frame') is None
    assert 'looks down' in optical_axis_problem(camera, 'ceiling_link')


def test_an_optical_frame_without_its_turn_is_told():
    problem = optical_axis_problem(CAMERA, 'camera_optical_frame')
    assert 'looks up' in problem
    assert 'turn from body to optical axes' in problem
