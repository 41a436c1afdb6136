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

"""Lens models against OpenCV, there and back, and up to where they end."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.geometry.ray_map import RayMap

SIZE = (640, 480)
FOCAL = 420.0
LEAST_GROWTH = 1e-3


def make(model, coefficients):
    return Camera(FOCAL, 1.03 * FOCAL, 317.0, 243.0, SIZE, np.array(coefficients), model=model)


def listed(*limits):
    return st.tuples(*(st.floats(-limit, limit) for limit in limits))


plumb_bob = listed(0.5, 0.3, 0.01, 0.01, 0.1).map(lambda terms: make('plumb_bob', terms))
rational = listed(1, 0.5, 0.005, 0.005, 0.2, 1, 0.5, 0.2).map(
    lambda terms: make('rational_polynomial', terms)
)
prism = listed(1, 0.5, 0.005, 0.005, 0.2, 1, 0.5, 0.2, *[0.01] * 4).map(
    lambda terms: make('rational_polynomial', terms)
)
equidistant = listed(0.2, 0.1, 0.05, 0.02).map(lambda terms: make('equidistant', terms))
lenses = plumb_bob | rational | prism | equidistant
# Zeros and poles that nearly cancel, as a stereo camera writes them from the factory; a depth
# camera of 120 degrees; a fisheye lens.
FACTORY = make('rational_polynomial', [-5.61, 12.9, -3e-4, 7e-4, 4.2, -5.72, 13.4, 3.1])
WIDE = make(
    'rational_polynomial', [0.546, -0.0257, -2.1e-5, -8.7e-5, -0.00218, 0.885, 0.0253, -0.00913]
)
FISHEYE = make('equidistant', [-0.0213, 0.0037, -0.0046, 0.0008])
RADIAL = make('plumb_bob', [-0.3, 0.0, 0.0, 0.0, 0.0])
TANGENTIAL = make('plumb_bob', [0.1, -0.2, 1e-3, -2e-3, 0.0])


def directions(camera, seed=0, count=200):
    """Points on the plane at unit depth, as far out as the lens reaches, angles evenly."""
    rng = np.random.default_rng(seed)
    radius = np.tan(np.arctan(camera.lens.reach) * rng.uniform(0, 1 - 1e-9, count))
    turn = rng.uniform(0, 2 * np.pi, count)
    plane = radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    return np.column_stack([plane, np.ones(count)])


def in_opencv(camera, points):
    still = np.zeros(3)
    if camera.model == 'equidistant':
        return cv2.fisheye.projectPoints(
            points[:, None], still, still, camera.matrix, camera.distortion
        )[0][:, 0]
    return cv2.projectPoints(points, still, still, camera.matrix, camera.distortion)[0][:, 0]


@given(lenses)
@example(FACTORY)
@example(WIDE)
@example(FISHEYE)
@example(RADIAL)
def test_projection_is_that_of_opencv(camera):
    points = directions(camera)
    np.testing.assert_allclose(
        camera.project(points), in_opencv(camera, points), rtol=1e-9, atol=1e-6
    )


@given(lenses, st.integers(0, 1000))
@example(FACTORY, 0)
@example(WIDE, 0)
@example(FISHEYE, 0)
@example(RADIAL, 0)
def test_pixels_there_and_back(camera, seed):
    pixels = camera.project(directions(camera, seed))
    pixels = pixels[np.abs(pixels).max(axis=-1) < 1e4]
    assert np.isfinite(pixels).all()
    np.testing.assert_allclose(camera.project(camera.rays(pixels)), pixels, rtol=0, atol=1e-6)


@given(lenses, st.integers(0, 1000))
@example(FACTORY, 0)
@example(WIDE, 0)
@example(FISHEYE, 0)
def test_directions_there_and_back(camera, seed):
    points = directions(camera, seed)
    rays = camera.rays(camera.project(points))
    expected = points / np.linalg.norm(points, axis=-1, keepdims=True)
    # A lens that hardly grows at its end magnifies errors by at most 1000.
    np.testing.assert_allclose(rays, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    'camera', [WIDE, FISHEYE, RADIAL, make('plumb_bob', [0.1, -0.2, 1e-3, -2e-3, 0])]
)
def test_rays_are_those_of_opencv(camera):
    pixels = np.random.default_rng(0).uniform((150, 100), (480, 380), (200, 1, 2))
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 5000, 1e-13)
    if camera.model == 'equidistant':
        plane = cv2.fisheye.undistortPoints(
            pixels, camera.matrix, camera.distortion, criteria=criteria
        )[:, 0]
    else:
        plane = cv2.undistortPointsIter(
            pixels, camera.matrix, camera.distortion, np.eye(3), np.eye(3), criteria
        )[:, 0]
    found = camera.back_project(pixels[:, 0])[:, :2]
    np.testing.assert_allclose(FOCAL * found, FOCAL * plane, rtol=0, atol=1e-6)


@given(lenses, st.floats(0, 2 * np.pi))
@example(FACTORY, 0.3)
@example(WIDE, 0.3)
def test_whoever_goes_outwards_does_so_in_the_image_until_the_lens_ends(camera, turn):
    outwards = np.array([np.cos(turn), np.sin(turn)])
    radius = np.tan(np.linspace(0, 0.499 * np.pi, 3000))
    points = np.column_stack([radius[:, None] * outwards, np.ones(len(radius))])
    pixels = (camera.project(points) - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
    seen = np.isfinite(pixels).all(axis=-1)
    np.testing.assert_array_equal(seen, radius <= camera.lens.reach)
    assert (np.diff(pixels[seen] @ outwards) > 0).all()


@given(lenses, listed(3, 3), st.floats(0.05, 5))
def test_a_face_has_a_box_with_two_sides_or_none(camera, across, depth):
    box = face_box(camera, np.array([*across, depth]))
    assert np.isnan(box).all() or (box[2:] > 0).all()


def test_lens_ends_where_it_folds_over():
    """1 - 0.9 r^2 is the growth of k1 = -0.3, and that of the same fisheye by the angle."""
    fold = np.sqrt((1 - LEAST_GROWTH) / 0.9)
    assert RADIAL.lens.reach == pytest.approx(fold)
    assert make('equidistant', [-0.3, 0, 0, 0]).lens.reach == pytest.approx(np.tan(fold))
    assert make('rational_polynomial', [0, 0, 0, 0, 0, 0.5, 0, 0]).lens.reach == pytest.approx(
        1.41, abs=0.01
    )


def test_lens_ends_before_its_pole():
    """The radial part of k4 = -1 is 1 / (1 - r^2)."""
    assert make('rational_polynomial', [0, 0, 0, 0, 0, -1, 0, 0]).lens.reach == pytest.approx(
        1, abs=1e-3
    )


def test_no_distortion_has_no_end():
    camera = make('plumb_bob', np.zeros(5))
    assert np.isfinite(camera.project(np.array([1e4, 0, 1.0]))).all()


@pytest.mark.parametrize('camera', [FACTORY, WIDE, FISHEYE, RADIAL])
def test_pixels_that_nothing_is_imaged_to_have_no_ray(camera):
    rim = camera.project(np.array([[camera.lens.reach, 0.0, 1.0]]))
    centre = np.array([camera.cx, camera.cy])
    scale = np.array([[0.5], [0.999], [1.01], [3.0], [1e6]])
    rays = camera.rays(centre + scale * (rim - centre))
    assert np.isfinite(rays).all(axis=-1).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize('camera', [FACTORY, FISHEYE, RADIAL])
def test_unknown_pixels_have_no_ray_and_harm_no_others(camera):
    pixels = np.array([[300.0, 200.0], [np.nan, 200.0], [np.inf, 0.0], [350.0, 260.0]])
    rays = camera.rays(pixels)
    assert np.isfinite(rays).all(axis=-1).tolist() == [True, False, False, True]
    np.testing.assert_allclose(rays[[0, 3]], camera.rays(pixels[[0, 3]]), atol=1e-12)


@pytest.mark.parametrize('camera', [FACTORY, FISHEYE, RADIAL])
@pytest.mark.parametrize('shape', [(), (0,), (3,), (2, 4)])
def test_any_number_of_points(camera, shape):
    points = np.broadcast_to(np.array([0.1, 0.2, 1.0]), (*shape, 3))
    pixels = camera.project(points)
    assert pixels.shape == (*shape, 2)
    np.testing.assert_allclose(camera.back_project(pixels), points, atol=1e-9)


POSE = RigidTransform(Rotation.from_rotvec([0.3, -0.8, 0.2]).as_matrix(), np.array([1, 2, 3.0]))
LENS = np.array([-0.26, 0.11, 5e-4, -4e-4, 0.0])
CAMERA = Camera(410, 414, 182, 142, (360, 288), LENS, 3e-4, POSE)


def test_rays_are_those_of_the_camera():
    pixels = np.random.default_rng(0).uniform([-50, -40], [410, 328], size=(500, 2))
    mapped, exact = RayMap(CAMERA).rays(pixels), CAMERA.rays(pixels)
    error = np.linalg.norm(mapped - exact, axis=1) * CAMERA.fx
    assert error.max() < 0.02
    np.testing.assert_allclose(np.linalg.norm(mapped, axis=1), 1)


def test_points_at_unit_depth_project_back():
    pixels = np.random.default_rng(0).uniform([0, 0], [359, 287], size=(4, 5, 2))
    points = CAMERA.centre + 2.5 * RayMap(CAMERA).at_unit_depth(pixels)
    np.testing.assert_allclose(CAMERA.project(points), pixels, atol=0.02)
    np.testing.assert_allclose(CAMERA.depth(points), 2.5)


def test_a_moved_camera_keeps_the_table_and_another_lens_does_not(monkeypatch):
    table = RayMap(CAMERA)
    moved = replace(CAMERA, pose=RigidTransform(translation=np.array([5.0, 0, 0])))
    zoomed = replace(CAMERA, fx=500.0)
    another = table.follow(zoomed)
    monkeypatch.setattr(Camera, 'back_project', None)
    followed = table.follow(moved)
    pixel = np.array([100.0, 50.0])
    np.testing.assert_allclose(followed.rays(pixel), moved.rays(pixel), atol=1e-4)
    np.testing.assert_array_equal(followed.centre, [5, 0, 0])
    np.testing.assert_array_equal(table.centre, CAMERA.centre)
    np.testing.assert_allclose(another.rays(pixel), zoomed.rays(pixel), atol=1e-4)


@pytest.mark.parametrize('pixel', [(-1e4, 5.0), (1e4, 1e4)])
def test_pixels_far_outside_stay_finite(pixel):
    assert np.isfinite(RayMap(CAMERA).rays(np.array(pixel))).all()


@pytest.mark.parametrize(
    'camera',
    [
        Camera(400, 400, 180, 144, (360, 288), np.array([-1.0, 0, 0, 0, 0])),
        Camera(90, 90, 180, 144, (360, 288), np.zeros(4), model='equidistant'),
    ],
    ids=['folding', 'fisheye'],
)
def test_pixels_where_the_lens_images_nothing_count_as_the_nearest_where_it_does(camera):
    u, v = np.meshgrid(np.arange(0, 360, 7.0), np.arange(0, 288, 7.0))
    pixels = np.stack([u, v], axis=-1)
    exact, mapped = camera.rays(pixels), RayMap(camera).rays(pixels)
    seen = np.isfinite(exact).all(axis=-1)
    assert 0.3 < seen.mean() < 0.95
    assert np.isfinite(mapped).all()
    inner = seen & (np.hypot(u - 180, v - 144) < 120)
    np.testing.assert_allclose(mapped[inner], exact[inner], atol=0.01)
    # Still in the direction of the pixel.
    outer = np.stack([u - 180, v - 144], axis=-1)[~seen]
    cosine = np.sum(mapped[~seen][:, :2] * outer, axis=-1)
    cosine /= np.linalg.norm(mapped[~seen][:, :2], axis=-1) * np.linalg.norm(outer, axis=-1)
    assert cosine.min() > 0.95


def test_another_lens_model_is_another_lens():
    table = RayMap(replace(CAMERA, distortion=np.append(LENS[:4], 0.0)))
    fisheye = replace(CAMERA, distortion=LENS[:4], model='equidistant')
    pixel = np.array([40.0, 30.0])
    np.testing.assert_allclose(table.follow(fisheye).rays(pixel), fisheye.rays(pixel), atol=1e-4)
