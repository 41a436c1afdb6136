# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import cv2
import numpy as np
import pytest

from av_tracker_nodes.vision.appearance import appearance_embedding

BOX = np.array([170, 90, 24, 30])


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


def test_unit_length_and_fixed_size():
    embedding = appearance_embedding(draw(shirt=(40, 40, 180)), BOX)
    assert embedding.shape == (96,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize('light', [0.6, 0.8, 1.25])
@pytest.mark.parametrize('other', [(180, 60, 40), (60, 140, 60), (30, 30, 30), (210, 210, 210)])
def test_light_changes_less_than_clothes(light, other):
    person = appearance_embedding(draw(shirt=(50, 50, 160)), BOX)
    later = draw(shirt=(50, 50, 160), light=light, shift=(2, -1), seed=1)
    relit = appearance_embedding(later, BOX + np.array([2, -1, 0, 0]))
    stranger = appearance_embedding(draw(shirt=other, seed=2), BOX)
    assert likeness(person, relit) > likeness(person, stranger) + 0.05


def test_hair_counts():
    dark = appearance_embedding(draw(shirt=(90, 90, 90)), BOX)
    again = appearance_embedding(draw(shirt=(90, 90, 90), light=0.8, seed=1), BOX)
    blond = appearance_embedding(draw(shirt=(90, 90, 90), hair=(110, 190, 220), seed=2), BOX)
    assert likeness(dark, again) > likeness(dark, blond)


def test_size_of_the_person_does_not_count():
    image = draw(shirt=(50, 50, 160))
    large = cv2.resize(image, None, fx=2, fy=2)
    near = appearance_embedding(large, BOX * 2)
    assert likeness(appearance_embedding(image, BOX), near) > 0.97


@pytest.mark.parametrize('box', [(-15, -10, 24, 30), (350, 270, 24, 30), (100, 100, 1, 1)])
def test_boxes_at_the_edge_of_the_image(box):
    embedding = appearance_embedding(draw(shirt=(50, 50, 160)), np.array(box))
    assert np.isfinite(embedding).all()
