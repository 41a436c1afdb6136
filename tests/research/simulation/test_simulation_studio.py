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

"""The studio draws people where it says that they are."""

import numpy as np
import pytest

from av_tracker_nodes import FaceStage
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT
from av_tracker_nodes.geometry.head import FACE_HEIGHT
from av_tracker_nodes.research.simulation.studio import Studio, View
from av_tracker_nodes.types import Face

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
