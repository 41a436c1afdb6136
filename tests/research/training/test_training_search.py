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
from test_training_samples import ANN, BOB, RIG, clip

from av_tracker_nodes.fusion.search import found_pixel
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.research.training.clips import encode_image
from av_tracker_nodes.research.training.disturbances import UNDISTURBED, Disturbance
from av_tracker_nodes.research.training.search_samples import Displacement, SearchSource

NOWHERE = Displacement(0.0, 0.0, 0.0)


def draw(source, number=1, seed=0):
    return source.draw(number, np.random.default_rng(seed))


def hidden(recorded, person):
    """Hide somebody in all frames of a clip."""
    frames = []
    for frame in recorded.frames:
        visible = frame.people.visible.copy()
        visible[person] = 0.0
        frames.append(replace(frame, people=replace(frame.people, visible=visible)))
    return replace(recorded, frames=tuple(frames))


def test_everybody_in_the_picture_is_searched_for_with_a_face_or_without():
    sample = draw(SearchSource([clip(faces=(ANN,))], UNDISTURBED, NOWHERE))
    assert len(sample.offset) == 2
    np.testing.assert_allclose(sample.offset, 0, atol=0.02)
    assert sample.visible.all()
    assert sample.speaking.tolist() == [0.0, 1.0]


def test_offsets_lead_from_where_somebody_is_sought_to_where_they_are():
    source = SearchSource([clip(faces=())], UNDISTURBED, Displacement(0.4, 0.0, 0.0))
    offsets = np.concatenate([draw(source, seed=k).offset for k in range(40)])
    assert offsets.std() == pytest.approx(0.4, rel=0.25)
    # The mouth of whoever is in the picture lies at the offset from the centre of the crop.
    box = face_box(RIG.camera, ANN)
    np.testing.assert_allclose(found_pixel(box, np.zeros(2)), RIG.camera.project(ANN), atol=0.5)


def test_somebody_whose_face_is_detected_is_sought_about_the_face():
    far = Displacement(0.8, 0.0, 0.0)
    known = SearchSource([clip(faces=(ANN, BOB))], UNDISTURBED, far)
    np.testing.assert_allclose(draw(known).offset, 0, atol=0.05)
    overlooked = SearchSource(
        [clip(faces=(ANN, BOB))], Disturbance(missed=1.0, light=0.0, poor=0.0), far
    )
    assert np.abs(draw(overlooked).offset).max() > 0.2


def test_who_was_never_seen_in_the_take_is_left_out():
    sample = draw(SearchSource([hidden(clip(), 0)], UNDISTURBED, NOWHERE))
    assert sample.speaking.tolist() == [1.0]


def test_without_sound_the_maps_are_silent_and_without_pictures_the_crops_are_black():
    voices = [clip(voices=(BOB,))]
    deaf = draw(SearchSource(voices, Disturbance(sound_dropout=1.0)))
    assert (deaf.arrays.maps == 0).all()
    blind = draw(
        SearchSource(voices, Disturbance(image_dropout=1.0, light=0.0, poor=0.0, covered=0.0))
    )
    assert (blind.arrays.searches == 0).all()
    assert (blind.arrays.templates > 0).any()


def test_who_is_where_the_lens_draws_no_whole_face_is_left_out():
    camera = Camera(300.0, 300.0, 180.0, 144.0, (360, 288), np.array([-0.35, 0, 0, 0, 0]))
    edge, middle = np.array([0.78, 0.57, 1.0]), np.array([0.1, 0.1, 1.5])
    mouths = np.array([edge, middle])
    assert camera.contains(camera.project(mouths)).all()
    assert not np.isfinite(face_box(camera, edge)).all()
    told = clip(faces=(), people=(ANN, BOB))
    people = replace(
        told.frames[0].people, mouth=mouths, pixel=camera.project(mouths), visible=np.ones(2)
    )
    frames = tuple(replace(frame, people=people) for frame in told.frames)
    wide = replace(told, rig=replace(RIG, camera=camera), frames=frames)
    for seed in range(5):
        sample = draw(SearchSource([wide], UNDISTURBED), seed=seed)
        assert len(sample.offset) == 1


def test_nobody_in_the_picture_is_an_empty_sample():
    behind = np.array([-20.0, 0.0, 0.8])
    sample = draw(SearchSource([clip(faces=(), people=(behind,))], UNDISTURBED))
    assert sample.offset.shape == (0, 2)
    assert len(sample.arrays.searches) == 0


@pytest.mark.thorough
def test_networks_that_search_meet_covers_in_training_and_none_in_validation():
    pytest.importorskip('torch')
    from av_tracker_nodes.research.training.schedule import Schedule
    from av_tracker_nodes.research.training.tasks import TASKS

    white = encode_image(np.full((288, 360, 3), 255, np.uint8))
    recorded = clip(faces=(ANN, BOB))
    frames = tuple(replace(frame, jpeg=white) for frame in recorded.frames)
    covered = {}
    for disturbed in (True, False):
        make = TASKS['search'].source
        source = make([replace(recorded, frames=frames)], Schedule(), disturbed)
        crops = np.concatenate([draw(source, seed=k).arrays.searches for k in range(200)])
        # Grey even in other light: neither the picture nor, where there is none, black.
        covered[disturbed] = abs(np.median(crops, axis=(1, 2, 3)) - 128) < 50
    assert 0 < covered[True].mean() < 0.25
    assert not covered[False].any()
