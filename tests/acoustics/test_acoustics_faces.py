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
from acoustic_scenes import meeting_rig

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.faces import FaceField, FaceVolume
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.types import Face

CONFIG = AcousticConfig()
CAMERA = meeting_rig().camera_in_array
MOUTH = np.array([0.9, -0.3, 0.7])
BOX = face_box(CAMERA, MOUTH)
FACE = Face(BOX, 0.9)


def test_points_project_into_the_box_at_all_ranges():
    volume = FaceVolume.behind(RayMap(CAMERA), FACE, CONFIG)
    assert volume.points.shape == (24, 12, 12, 3)
    pixels = CAMERA.project(volume.points)
    assert (pixels >= BOX[:2]).all()
    assert (pixels <= BOX[:2] + BOX[2:]).all()
    distance = np.linalg.norm(volume.points - CAMERA.centre, axis=-1)
    np.testing.assert_allclose(distance, volume.ranges[:, None, None] * np.ones((24, 12, 12)))


def test_the_mouth_belongs_to_its_face_and_not_to_one_behind():
    volume = FaceVolume.behind(RayMap(CAMERA), FACE, CONFIG)
    sharp = 0.05**2 * np.eye(3)
    assert volume.distance(MOUTH, sharp) < 3
    ray = (MOUTH - CAMERA.centre) / np.linalg.norm(MOUTH - CAMERA.centre)
    assert volume.distance(MOUTH + 1.5 * ray, sharp) > CONFIG.face_gate
    # A vague source may be anywhere along the ray.
    vague = sharp + np.outer(ray, ray)
    assert volume.distance(MOUTH + 1.5 * ray, vague) < CONFIG.face_gate


def test_a_sharp_peak_tells_the_range_and_a_flat_field_does_not():
    volume = FaceVolume.behind(RayMap(CAMERA), FACE, CONFIG)
    field = np.zeros((24, 12, 12), np.float32)
    flat = FaceField.of(volume, field, CONFIG)
    field[10, 8, 5] = 0.5
    sharp = FaceField.of(volume, field, CONFIG)
    assert sharp.peak == 0.5
    assert sharp.mean == pytest.approx(0.5 / 144)
    assert sharp.range == volume.ranges[10]
    np.testing.assert_array_equal(sharp.position, volume.points[10, 8, 5])
    np.testing.assert_array_equal(sharp.values, field[10])
    assert sharp.range_std < 0.1
    assert flat.range_std > 0.5
