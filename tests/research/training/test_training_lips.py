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

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.training import lip_clips
from av_tracker_nodes.research.training.lip_clips import (
    Glimpse,
    film_faces,
    lively_scene,
    load_lip_clip,
    make_lip_clips,
)
from av_tracker_nodes.research.training.lips import LipModel, LipSamples, fit_lips, report, spoilt
from av_tracker_nodes.types import Face
from av_tracker_nodes.vision import lips

LANDMARKS = np.array([[10.0, 12.0], [26.0, 12.0], [18.0, 20.0], [12.0, 29.0], [24.0, 29.0]])


def glimpses(count=12, seed=0):
    rng = np.random.default_rng(seed)
    face = Face(np.array([4.0, 2.0, 28.0, 36.0]), 0.9, LANDMARKS, tracklet=3)
    return [
        Glimpse(40_000_000 * k, face, rng.integers(60, 180, (40, 36), np.uint8), k > 5, 0.1 * k)
        for k in range(count)
    ]


def drawn(model, share, count=20_000):
    """Features of the silent and the speaking, of which `model` is the log-likelihood ratio."""
    rng = np.random.default_rng(1)
    features = rng.normal([-3.0, -4.0, 3.0], [1.0, 0.5, 0.4], (count, 3))
    odds = model(features) + np.log(share / (1 - share))
    speaks = rng.uniform(size=count) < 1 / (1 + np.exp(-odds))
    return LipSamples(features, speaks, np.full(count, 50.0), np.zeros(count))


def test_a_known_model_is_found_again():
    model = LipModel(-2.0, np.array([2.0, -1.0, 1.5]))
    samples = drawn(model, 0.5)
    found = fit_lips(samples)
    np.testing.assert_allclose(found.weights, model.weights, atol=0.15)
    share = samples.speaks.mean()
    shift = np.log(share / (1 - share))
    offset = (found(samples.features) - model(samples.features)).mean()
    assert offset == pytest.approx(-shift, abs=0.1)


def test_areas_are_told_apart_by_height_and_yaw():
    model = LipModel(0.0, np.array([1.0, 0.0, 0.0]))
    features = np.array([[-1.0, 0, 0], [1.0, 0, 0], [1.0, 0, 0], [-1.0, 0, 0]])
    samples = LipSamples(
        features,
        np.array([False, True, False, True]),
        np.array([30.0, 30.0, 50.0, 50.0]),
        np.radians([0.0, 5.0, 15.0, -15.0]),
    )
    areas = report(model, samples)
    assert areas['all'] == 0.5
    assert (areas['height 24 to 40'], areas['height 40 to 60']) == (1.0, 0.0)
    assert (areas['yaw 0 to 10'], areas['yaw 10 to 20']) == (1.0, 0.0)
    assert np.isnan(areas['yaw 20 to 40'])


def test_a_clip_is_read_as_it_was_written(tmp_path, monkeypatch):
    written = glimpses()
    monkeypatch.setattr(lip_clips, 'lively_scene', lambda seed: None)
    monkeypatch.setattr(lip_clips, 'film_faces', lambda scene: written)
    (path,) = make_lip_clips(tmp_path / 'clips', [7], 1)
    for before, after in zip(written, load_lip_clip(path), strict=True):
        np.testing.assert_array_equal(before.patch, after.patch)
        np.testing.assert_array_equal(before.face.landmarks, after.face.landmarks)
        np.testing.assert_array_equal(before.face.box, after.face.box)
        told = ('stamp', 'speaks', 'yaw')
        assert [getattr(before, k) for k in told] == [getattr(after, k) for k in told]
        assert after.face.tracklet == 3


def test_clips_that_are_there_are_not_made_again(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(lip_clips, 'lively_scene', made.append)
    monkeypatch.setattr(lip_clips, 'film_faces', lambda scene: [])
    make_lip_clips(tmp_path, [1, 2], 1)
    make_lip_clips(tmp_path, [1, 2, 3], 1)
    assert made == [1, 2, 3]
    assert load_lip_clip(tmp_path / 'lips-0003.npz') == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write'):
        make_lip_clips(tmp_path / 'file' / 'clips', [1], 1)


def test_spoilt_pictures_keep_what_is_true():
    clean = glimpses(40)
    worse = spoilt(clean, np.random.default_rng(3))
    by_stamp = {each.stamp: each for each in clean}
    assert len(worse) in (20, 40)
    for each in worse:
        before = by_stamp[each.stamp]
        assert each.patch.shape == before.patch.shape
        assert (each.patch != before.patch).any()
        assert (each.speaks, each.yaw) == (before.speaks, before.yaw)
        assert np.abs(each.face.landmarks - LANDMARKS).max() < 0.1 * each.face.box[3]


@pytest.mark.slow
def test_mouths_of_a_simulated_scene_tell_who_speaks():
    """Pictures to ratios of likelihood, with the weights that are shipped."""
    filmed = list(film_faces(lively_scene(1004, 4.0)))
    samples = LipSamples.watched(filmed)
    model = LipModel(lips.BIAS, lips.WEIGHTS)
    assert report(model, samples)['all'] > 0.7
    first = filmed[0]
    still = [
        replace(
            each, patch=first.patch, face=replace(first.face, tracklet=1), stamp=40_000_000 * k
        )
        for k, each in enumerate(filmed[:30])
    ]
    assert (model(LipSamples.watched(still).features) < -1.0).all()
