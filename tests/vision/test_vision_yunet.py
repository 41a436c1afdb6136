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
import onnx
import pytest
from prepare_models import RECIPES

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.face import mouth_from_face
from av_tracker_nodes.geometry.head import overlap
from av_tracker_nodes.vision.yunet import YuNet

# Box and middle of the lips in the portrait, read off by eye.
FACE = np.array([72, 42, 88, 112])
MOUTH = np.array([115.5, 126])


@pytest.fixture(scope='module')
def detector(face_model):
    return YuNet(face_model)


def paste(portrait, background, height, rng):
    """Put the portrait into an image, its face `height` pixels high; return image, box, mouth."""
    zoom = height / FACE[3]
    blurred = cv2.GaussianBlur(portrait, (0, 0), 0.4 / zoom) if zoom < 0.7 else portrait
    side = int(len(portrait) * zoom)
    corner = rng.integers(0, (360 - side, 288 - side))
    to_patch = np.array([[zoom, 0, zoom / 2 - 0.5], [0, zoom, zoom / 2 - 0.5]])
    image = background.copy()
    image[corner[1] : corner[1] + side, corner[0] : corner[0] + side] = cv2.warpAffine(
        blurred, to_patch, (side, side), borderMode=cv2.BORDER_REPLICATE
    )
    place = to_patch @ np.array([*FACE[:2], 1]) + corner
    mouth = to_patch @ np.array([*MOUTH, 1]) + corner
    return image, np.array([*place, *(FACE[2:] * zoom)]), mouth


def trials(portrait, clutter, height, repeats=10):
    rng = np.random.default_rng(height)
    return [paste(portrait, c, height, rng) for c in clutter for _ in range(repeats)]


def test_finds_the_face_and_its_parts(detector, portrait):
    (face,) = detector.detect(portrait)
    assert overlap([face.box], [FACE]) > 0.75
    assert face.score > 0.8
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    np.testing.assert_allclose(
        mouth_from_face(face.box, face.landmarks), MOUTH, atol=0.04 * FACE[3]
    )


@pytest.mark.parametrize('size', [(216, 216), (360, 288), (301, 235)])
def test_same_boxes_as_opencv(face_model, portrait, size):
    image = cv2.copyMakeBorder(portrait, 20, 30, 40, 60, cv2.BORDER_REFLECT)
    image = cv2.resize(np.hstack([image, image[:, ::-1]]), size)
    original = RECIPES[0].published
    reference = cv2.FaceDetectorYN.create(str(original), '', size, 0.6, 0.3)
    expected = reference.detect(image)[1]
    faces = YuNet(face_model, scale=1.0).detect(image)
    assert len(faces) == len(expected) == 2
    # OpenCV leaves coordinates as the network counts them: half a pixel more.
    boxes = np.array([np.concatenate([f.box[:2] + 0.5, f.box[2:]]) for f in faces])
    landmarks = np.array([f.landmarks.ravel() + 0.5 for f in faces])
    np.testing.assert_allclose(boxes, expected[:, :4], atol=0.01)
    np.testing.assert_allclose(landmarks, expected[:, 4:14], atol=0.01)
    np.testing.assert_allclose([f.score for f in faces], expected[:, 14], atol=1e-4)


@pytest.mark.parametrize('height', [16, 24, 40])
def test_finds_small_faces(detector, portrait, clutter, height):
    hits, errors, spurious = 0, [], 0
    pasted = trials(portrait, clutter, height)
    for image, box, mouth in pasted:
        faces = detector.detect(image)
        shared = overlap([box], [face.box for face in faces])[0]
        spurious += np.count_nonzero(shared < 0.3)
        if shared.size and shared.max() > 0.3:
            hits += 1
            face = faces[shared.argmax()]
            errors.append(mouth_from_face(face.box, face.landmarks) - mouth)
    assert hits >= 0.85 * len(pasted)
    assert spurious <= 0.05 * len(pasted)
    assert np.sqrt(np.mean(np.square(errors))) < 0.07 * height


def test_enlarging_maps_the_centres_of_pixels(face_model, portrait):
    """The first pixel of an image doubled in size has its centre at -1/4 of the image."""
    small = cv2.resize(portrait, (90, 80), interpolation=cv2.INTER_AREA)
    (face,) = YuNet(face_model, scale=2.0).detect(small)
    (large,) = YuNet(face_model, scale=1.0).detect(cv2.resize(small, (180, 160)))
    np.testing.assert_allclose(face.landmarks, (large.landmarks + 0.5) / 2 - 0.5, atol=1e-4)
    np.testing.assert_allclose(face.box[:2], (large.box[:2] + 0.5) / 2 - 0.5, atol=1e-4)
    np.testing.assert_allclose(face.box[2:], large.box[2:] / 2, atol=1e-4)


def test_large_images_are_reduced(face_model, portrait):
    large = cv2.resize(portrait, (1900, 1900))
    detector = YuNet(face_model, max_side=400)
    (face,) = detector.detect(large)
    (same,) = detector.detect(large, scale=400 / 1900)
    assert overlap([face.box], [FACE * 1900 / 216]) > 0.75
    np.testing.assert_array_equal(face.box, same.box)


def test_changing_sizes_leave_nothing_behind(detector, portrait, clutter):
    before = detector.detect(portrait)
    detector.detect(cv2.resize(portrait, (222, 222)))
    detector.detect(clutter[0])
    after = detector.detect(portrait)
    np.testing.assert_array_equal(before[0].box, after[0].box)


def test_no_face_where_there_is_none(detector):
    for image in (np.zeros((288, 360, 3), np.uint8), np.full((1, 1, 3), 128, np.uint8)):
        assert detector.detect(image) == []


def test_wrong_models_are_refused(tmp_path):
    with pytest.raises(InputError, match='not found'):
        YuNet(tmp_path / 'absent.onnx')
    (tmp_path / 'broken.onnx').write_bytes(b'not a model')
    with pytest.raises(InputError, match='cannot be loaded') as caught:
        YuNet(tmp_path / 'broken.onnx')
    assert '\n' not in str(caught.value)


def test_other_networks_are_refused(tmp_path):
    value = onnx.helper.make_tensor_value_info('x', onnx.TensorProto.FLOAT, [1])
    out = onnx.helper.make_tensor_value_info('y', onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node('Identity', ['x'], ['y'])
    graph = onnx.helper.make_graph([node], 'other', [value], [out])
    opset = [onnx.helper.make_opsetid('', 11)]
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=6), tmp_path / 'o.onnx'
    )
    with pytest.raises(InputError, match='is another network'):
        YuNet(tmp_path / 'o.onnx')
