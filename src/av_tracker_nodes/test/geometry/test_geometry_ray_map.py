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

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.ray_map import RayMap

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
