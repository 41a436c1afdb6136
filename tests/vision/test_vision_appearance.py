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

from pathlib import Path

import cv2
import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models.zoo import YUNET
from av_tracker_nodes.vision.appearance import AppearanceEncoder

BOX = np.array([170, 90, 24, 30])


@pytest.fixture(scope='module')
def encoder():
    return AppearanceEncoder()


def draw(shirt, hair=(30, 40, 50), skin=(120, 150, 200), light=1.0, shift=(0, 0), seed=0):
    """A person: hair, face and shirt before a grey wall, with sensor noise."""
    image = np.full((288, 360, 3), 130.0)
    x, y = np.array([182, 105]) + shift
    image = cv2.ellipse(image, (int(x), int(y) - 5), (15, 20), 0, 0, 360, hair, -1)
    image = cv2.ellipse(image, (int(x), int(y)), (12, 16), 0, 0, 360, skin, -1)
    image = cv2.rectangle(image, (int(x) - 34, int(y) + 24), (int(x) + 34, 287), shirt, -1)
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    return np.clip(light * image + noise, 0, 255).astype(np.uint8)


def likeness(first, second):
    return float(first @ second)


def test_unit_length_and_fixed_size(encoder):
    (embedding,) = encoder.embed(draw(shirt=(40, 40, 180)), [BOX])
    assert embedding.shape == (64,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


def test_nobody_has_no_looks(encoder):
    assert encoder.embed(draw(shirt=(40, 40, 180)), []) == []


def test_neither_the_others_in_the_image_nor_earlier_images_matter(encoder):
    image = draw(shirt=(40, 40, 180))
    boxes = [BOX, BOX + 20, BOX * 0.5]
    together = encoder.embed(image, boxes)
    encoder.embed(draw(shirt=(180, 40, 40)), [BOX])
    for embedding, box in zip(together, boxes, strict=True):
        np.testing.assert_allclose(embedding, encoder.embed(image, [box])[0], atol=1e-5)
    np.testing.assert_array_equal(together, encoder.embed(image, boxes))


@pytest.mark.parametrize('light', [0.6, 0.8, 1.25])
@pytest.mark.parametrize('other', [(180, 60, 40), (60, 140, 60), (30, 30, 30), (210, 210, 210)])
def test_light_changes_less_than_clothes(encoder, light, other):
    (person,) = encoder.embed(draw(shirt=(50, 50, 160)), [BOX])
    later = draw(shirt=(50, 50, 160), light=light, shift=(2, -1), seed=1)
    (relit,) = encoder.embed(later, [BOX + np.array([2, -1, 0, 0])])
    (stranger,) = encoder.embed(draw(shirt=other, seed=2), [BOX])
    assert likeness(person, relit) > likeness(person, stranger) + 0.1


def test_hair_counts(encoder):
    (dark,) = encoder.embed(draw(shirt=(90, 90, 90)), [BOX])
    (again,) = encoder.embed(draw(shirt=(90, 90, 90), light=0.8, seed=1), [BOX])
    (blond,) = encoder.embed(draw(shirt=(90, 90, 90), hair=(110, 190, 220), seed=2), [BOX])
    assert likeness(dark, again) > likeness(dark, blond)


def test_size_of_the_person_does_not_count(encoder):
    image = draw(shirt=(50, 50, 160))
    large = cv2.resize(image, None, fx=2, fy=2)
    (far,), (near,) = encoder.embed(image, [BOX]), encoder.embed(large, [BOX * 2])
    assert likeness(far, near) > 0.9


@pytest.mark.parametrize('box', [(-15, -10, 24, 30), (350, 270, 24, 30), (100, 100, 1, 1)])
def test_boxes_at_the_edge_of_the_image(encoder, box):
    (embedding,) = encoder.embed(draw(shirt=(50, 50, 160)), [np.array(box)])
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        (lambda: Path('/nowhere/appearance.onnx'), 'appearance network .* not found'),
        (YUNET.verified, 'appearance network .* is another network: no output embedding'),
    ],
)
def test_another_model_or_none_is_refused(model, message):
    with pytest.raises(InputError, match=message):
        AppearanceEncoder(model())
