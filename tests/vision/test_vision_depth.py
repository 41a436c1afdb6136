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

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import create_fusion
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.face import mouth_from_face
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.types import AcousticMap, Face, FaceFrame
from av_tracker_nodes.vision.depth import with_ranges

CAMERA = Camera(400.0, 400.0, 320.0, 240.0, (640, 480))
FACE = Face(np.array([430.0, 150.0, 30.0, 40.0]), 0.9, tracklet=1)
FRAME = FaceFrame(0, (640, 480), (FACE,))
MOUTH = mouth_from_face(FACE.box)


def wall(depth: float, shape: tuple[int, int] = (480, 640)) -> np.ndarray:
    return np.full(shape, depth, np.float32)


@pytest.mark.parametrize('shape', [(480, 640), (240, 320)])
def test_a_face_is_as_far_along_its_ray_as_the_depth_image_tells(shape):
    scale = shape[0] / 480
    depth = wall(5.0, shape)
    depth[round(150 * scale) : round(190 * scale), round(430 * scale) : round(460 * scale)] = 2.0
    (face,) = with_ranges(FRAME, depth, CAMERA).faces
    mouth = face.range * CAMERA.rays(MOUTH)
    assert mouth[2] == pytest.approx(2.0)
    np.testing.assert_allclose(CAMERA.project(mouth[None])[0], MOUTH, atol=1e-9)


def test_holes_and_what_stands_in_front_of_a_part_of_the_face_do_not_matter():
    depth = wall(2.0)
    depth[150:170, 430:440] = 0.8
    depth[170:180, 440:450] = 0.0
    depth[160:165, 440:450] = np.nan
    (face,) = with_ranges(FRAME, depth, CAMERA).faces
    assert face.range == pytest.approx(2.0 / CAMERA.rays(MOUTH)[2])


def test_a_face_that_was_not_measured_has_no_range():
    for depth in (wall(0.0), wall(np.nan), wall(np.inf)):
        (face,) = with_ranges(FRAME, depth, CAMERA).faces
        assert np.isnan(face.range)
    outside = FaceFrame(0, (640, 480), (Face(np.array([-60.0, 10.0, 30.0, 40.0]), 0.9),))
    (face,) = with_ranges(outside, wall(2.0), CAMERA).faces
    assert np.isnan(face.range)


def test_a_depth_image_of_another_shape_is_refused():
    with pytest.raises(InputError, match='not registered'):
        with_ranges(FRAME, wall(2.0, (480, 848)), CAMERA)


def test_measured_range_replaces_that_of_the_size_of_the_head():
    rig = Rig(CAMERA, MicrophoneArray(np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]])))
    box = face_box(CAMERA, np.array([0.3, 0.0, 2.0]))
    # A child: by its size the face is a third farther away.
    small = np.array([*(box[:2] + box[2:] / 8), *(0.75 * box[2:])])
    faces = FaceFrame(0, (640, 480), (Face(small, 0.9, tracklet=1),))
    silence = AcousticMap(0, 0, 'vggcf', np.zeros((0, 0), np.float32), 3.0, 2.0, 0.0)
    guess, measured = (
        create_fusion('visual').process(each, silence, rig).detections[0]
        for each in (faces, with_ranges(faces, wall(2.0), CAMERA))
    )
    assert guess.position[2] > 2.4
    assert guess.size_gain == 1
    assert measured.position[2] == pytest.approx(2.0)
    assert measured.size_gain == 0
    sight = measured.position / np.linalg.norm(measured.position)
    assert np.sqrt(sight @ measured.covariance @ sight) == pytest.approx(0.037, abs=0.003)
