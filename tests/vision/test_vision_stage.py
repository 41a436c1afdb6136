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

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.face import mouth_from_face
from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.types import ImageFrame
from av_tracker_nodes.vision import FaceStage
from av_tracker_nodes.vision.appearance import AppearanceEncoder


@pytest.fixture
def stage(face_model):
    return FaceStage(face_model)


def scene(portrait, x):
    image = np.full((288, 360, 3), 90, np.uint8)
    small = cv2.resize(portrait, (80, 80), interpolation=cv2.INTER_AREA)
    image[100:180, x : x + 80] = small
    return image


def test_a_face_that_moves_keeps_its_tracklet(stage, portrait):
    frames = [
        stage.process(ImageFrame(40_000_000 * k, scene(portrait, 50 + 3 * k))) for k in range(8)
    ]
    assert [frame.stamp for frame in frames] == [40_000_000 * k for k in range(8)]
    assert all(frame.image_size == (360, 288) for frame in frames)
    assert [[face.tracklet for face in frame.faces] for frame in frames] == [[1]] * 8
    moved = frames[-1].faces[0].box[0] - frames[0].faces[0].box[0]
    assert moved == pytest.approx(21, abs=2)
    stage.reset()
    again = stage.process(ImageFrame(40_000_000 * 8, scene(portrait, 74)))
    assert again.faces[0].tracklet == 2


def test_faces_carry_what_the_person_looks_like(stage, portrait):
    image = scene(portrait, 50)
    (face,) = stage.process(ImageFrame(0, image)).faces
    np.testing.assert_array_equal(face.embedding, *AppearanceEncoder().embed(image, [face.box]))


def test_looks_can_be_left_out_and_come_back(stage, portrait):
    seen = []
    for stamp, looks in enumerate([True, False, True]):
        stage.sees_looks = looks
        seen += stage.process(ImageFrame(stamp * 40_000_000, scene(portrait, 50))).faces
    assert [face.embedding is not None for face in seen] == [True, False, True]
    assert len({face.tracklet for face in seen}) == 1


def test_empty_scene_has_an_answer(stage):
    frame = stage.process(ImageFrame(5, np.zeros((288, 360, 3), np.uint8)))
    assert (frame.stamp, frame.faces) == (5, ())


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((288, 360, 3)), 'uint8, got float64'),
        (np.zeros((288, 360), np.uint8), r'got \(288, 360\)'),
        (np.zeros((288, 360, 4), np.uint8), r'got \(288, 360, 4\)'),
        (np.zeros((0, 360, 3), np.uint8), r'got \(0, 360, 3\)'),
        (None, 'uint8, got NoneType'),
    ],
)
def test_bad_images_are_refused_and_harmless(stage, portrait, image, message):
    with pytest.raises(InputError, match=message):
        stage.process(ImageFrame(0, image))
    assert len(stage.process(ImageFrame(1, portrait)).faces) == 1


@pytest.mark.parametrize('cut', [0.1, 0.2, 0.3])
@pytest.mark.parametrize('side', ['left', 'top', 'right', 'bottom'])
def test_faces_cut_by_the_border_keep_size_and_mouth(stage, portrait, side, cut):
    (whole,) = stage.process(ImageFrame(0, portrait)).faces
    left, top, width, height = whole.box
    corner = np.array([left, top]) + cut * np.array([width, height])
    corner = np.rint(corner).astype(int) * [side == 'left', side == 'top']
    part = portrait[corner[1] :, corner[0] :]
    if side == 'right':
        part = portrait[:, : round(left + (1 - cut) * width)]
    elif side == 'bottom':
        part = portrait[: round(top + (1 - cut) * height)]
    (face,) = stage.process(ImageFrame(1, np.ascontiguousarray(part))).faces
    assert face.box[3] == pytest.approx(height, rel=0.15 if side == 'bottom' else 0.08)
    moved = mouth_from_face(face.box, face.landmarks) + corner
    still = mouth_from_face(whole.box, whole.landmarks)
    assert np.abs(moved - still).max() < 0.08 * height
    assert np.abs(box_centre(face.box) + corner - box_centre(whole.box)).max() < 0.12 * height


def test_a_weak_face_is_told_with_its_own_score(stage, portrait):
    """What the detector is not sure of is marked so by the score alone."""
    image = cv2.GaussianBlur(scene(portrait, 50), (0, 0), 4)
    stage.detector.threshold = 0.3
    alone = {round(face.score, 6) for face in stage.detector.detect(image)}
    faces = stage.process(ImageFrame(0, image)).faces
    assert {round(face.score, 6) for face in faces} == alone


@pytest.mark.parametrize('size', [(1, 1), (1, 3000), (3000, 1), (8000, 6000)])
def test_pictures_of_any_size_have_an_answer(stage, size):
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    for k in range(3):
        frame = stage.process(ImageFrame(k, image))
        assert (frame.image_size, frame.faces) == (size, ())
