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

"""What networks learn on: candidates of an image, and people who are searched for."""

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.fusion.candidates import SIGHT_FEATURES, Candidate, Kind
from av_tracker_nodes.fusion.head_memory import remembered
from av_tracker_nodes.fusion.search import found_pixel
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Camera, Rig
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.research.simulation.meeting_room import ROOM, cameras, microphones
from av_tracker_nodes.research.training.clips import Clip, ClipFrame, PeopleTruth, encode_image
from av_tracker_nodes.research.training.disturbances import (
    UNDISTURBED,
    Disturbance,
    disturbed_pictures,
)
from av_tracker_nodes.research.training.nobody import Nobody
from av_tracker_nodes.research.training.samples import SampleSource
from av_tracker_nodes.research.training.search_samples import Displacement, SearchSource
from av_tracker_nodes.research.training.truths import NOBODY, true_positions, truth_of
from av_tracker_nodes.types import (
    AcousticMap,
    AcousticPeak,
    Detection,
    Face,
    FaceFrame,
    FaceSound,
    Modality,
)

RIG = Rig(cameras()[0], microphones(), room=ROOM)
ANN, BOB = np.array([0.8, 0.7, 0.8]), np.array([1.2, -0.3, 0.85])


def truth(*mouths) -> PeopleTruth:
    mouths = np.array(mouths)
    count = len(mouths)
    return PeopleTruth(
        mouths, RIG.camera.project(mouths), np.arange(count) % 2 * 1.0, np.ones(count)
    )


def clip(faces=(ANN,), voices=(), people=(ANN, BOB), frames=4) -> Clip:
    image = encode_image(np.full((288, 360, 3), 120, np.uint8))
    seen = tuple(
        Face(face_box(RIG.camera, mouth), 0.9, None, k + 1, np.eye(4)[k])
        for k, mouth in enumerate(faces)
    )
    peaks = tuple(
        AcousticPeak(mouth, 0.002 * np.eye(3), mouth / np.linalg.norm(mouth), 0.3, 0.9)
        for mouth in voices
    )
    field = np.zeros((96, 120), np.float32)
    return Clip(
        'clip',
        RIG,
        tuple(
            ClipFrame(
                image,
                FaceFrame(40 * k, (360, 288), seen),
                AcousticMap(40 * k, 40 * k, 'vggcf', field, 3.0, 2.0, 1.0, (), peaks),
                truth(*people),
            )
            for k in range(frames)
        ),
    )


def with_frames(recorded, change):
    """A clip whose frames are changed."""
    return replace(recorded, frames=tuple(map(change, recorded.frames)))


def with_visible(recorded, *visible):
    """A clip in which so much of each person is seen."""
    return with_frames(
        recorded, lambda f: replace(f, people=replace(f.people, visible=np.array(visible)))
    )


QUIET = replace(UNDISTURBED, false_memory=0.0)


def draw(source, number=1, seed=0):
    return source.draw(number, np.random.default_rng(seed))


def test_faces_stand_for_people_and_those_without_a_face_are_remembered():
    sample = draw(SampleSource([clip()], QUIET))
    assert sample.kind.tolist() == [Kind.FACE, Kind.MEMORY]
    assert sample.person.tolist() == [0, 1]
    assert sample.visible.all()
    assert sample.speaking.tolist() == [0.0, 1.0]


def test_a_voice_stands_for_who_is_near_it_and_else_for_nobody():
    nobody = np.array([0.9, -1.0, 0.2])
    how = replace(QUIET, unseen_remembered=0.0)
    sample = draw(SampleSource([clip(voices=(BOB + 0.1, nobody))], how))
    assert sample.kind.tolist() == [Kind.FACE, Kind.VOICE, Kind.VOICE]
    assert sample.person.tolist() == [0, 1, NOBODY]
    assert not sample.offset[2].any()


def test_offsets_lead_from_candidates_to_people():
    source = SampleSource([clip(faces=())], replace(QUIET, across=0.3))
    for seed in range(5):
        sample = draw(source, seed=seed)
        assert sample.kind.tolist() == [Kind.MEMORY, Kind.MEMORY]
        assert 0 < np.abs(sample.offset).max() < 2
    sight = SightFrame.towards(RIG.camera, ANN)
    np.testing.assert_allclose(
        sight.place(sight.offset(true_positions(truth(ANN), RIG)[0])), ANN, atol=1e-6
    )


def test_people_are_sought_where_the_picture_shows_them():
    people = replace(truth(ANN), pixel=RIG.camera.project(ANN)[None] + [3.0, 0.0])
    position = true_positions(people, RIG)[0]
    np.testing.assert_allclose(RIG.camera.project(position), people.pixel[0], atol=1e-6)
    assert np.linalg.norm(position - RIG.camera.centre) == pytest.approx(
        np.linalg.norm(ANN - RIG.camera.centre)
    )


@pytest.mark.parametrize(
    ('offset', 'somebody'),
    [
        ((0.0, 0.0, 0.0), True),
        ((0.4, -0.3, 0.2), True),
        # Half the size, on the face: an ear, an eye.
        ((0.0, 0.0, 0.69), False),
        ((0.3, 0.2, 0.6), False),
        # Twice the size about it.
        ((0.0, 0.0, -0.69), False),
        # A fist, or somebody else's place, beside it.
        ((1.2, 0.0, 0.0), False),
        ((0.0, 1.5, 0.1), False),
    ],
)
def test_somebody_is_a_head_of_that_size_there(offset, somebody):
    place = SightFrame.towards(RIG.camera, ANN).place(np.array(offset))
    person, _ = truth_of(remembered(place, RIG, 0.5), ANN[None], RIG)
    assert (person == 0) == somebody


def test_who_is_remembered_and_hidden_is_nobody_there():
    sample = draw(SampleSource([with_visible(clip(), 1.0, 0.1)], QUIET))
    assert sample.kind.tolist() == [Kind.FACE, Kind.MEMORY]
    assert sample.person.tolist() == [0, NOBODY]
    assert sample.visible.tolist() == [True, False]
    assert sample.speaking[1] == 0
    assert not sample.offset[1].any()


def half_way_to_ann(std):
    """Where she is heard by half nearer the microphones, its covariance and the direction."""
    away = ANN - RIG.microphones.centre
    direction = away / np.linalg.norm(away)
    spread = 0.03**2 * np.eye(3) + std**2 * np.outer(direction, direction)
    return RIG.microphones.centre + 0.5 * away, spread, direction


def test_a_voice_of_unknown_range_stands_for_who_is_in_its_direction():
    for std, person in ((0.8, 0), (0.02, NOBODY)):
        heard, spread, _ = half_way_to_ann(std)
        voice = Candidate(Kind.VOICE, Detection(heard, spread, Modality.AUDIO))
        assert truth_of(voice, ANN[None], RIG)[0] == person


def test_who_is_heard_but_not_where_the_picture_is_taken_has_no_offset_and_is_not_seen():
    peak = AcousticPeak(*half_way_to_ann(0.8), 0.3, 0.9)
    told = with_frames(
        clip(faces=(), people=(ANN,)), lambda f: replace(f, sound=replace(f.sound, peaks=(peak,)))
    )
    sample = draw(SampleSource([told], replace(QUIET, unseen_remembered=0.0)))
    assert sample.kind.tolist() == [Kind.VOICE]
    assert sample.person.tolist() == [0]
    assert np.isnan(sample.offset).all()
    assert not sample.visible.any()


def test_false_memories_are_nobodys_and_of_all_sizes_near_people_and_far():
    source = SampleSource([clip()], replace(UNDISTURBED, unseen_remembered=0.0, false_memory=2.0))
    samples = [draw(source, seed=seed) for seed in range(60)]
    kinds = np.concatenate([sample.kind for sample in samples])
    people = np.concatenate([sample.person for sample in samples])
    offsets = np.concatenate([sample.offset for sample in samples])
    nobody = (kinds == Kind.MEMORY) & (people == NOBODY)
    assert nobody.sum() > 60
    assert nobody.sum() > 0.9 * (kinds == Kind.MEMORY).sum()
    assert not offsets[nobody].any()


def test_false_memories_lie_on_heads_beside_them_and_elsewhere():
    nobody = Nobody(RIG, ANN[None])
    rng = np.random.default_rng(3)
    places = [place for _ in range(300) if (place := nobody.place(rng)) is not None]
    offsets = SightFrame.towards(RIG.camera, ANN).offset(np.array(places))
    across, along = np.hypot(offsets[:, 0], offsets[:, 1]), offsets[:, 2]
    on_head, beside = across < 1.0, (across >= 1.0) & (across < 2.6)
    assert on_head.sum() > 60
    assert beside.sum() > 60
    assert (across >= 2.6).sum() > 30
    assert (along[on_head] > 0.5).sum() > (along[on_head] < -0.5).sum() > 0
    assert RIG.camera.contains(RIG.camera.project(np.array(places))).all()


def test_false_alarms_are_faces_of_nobody_with_low_scores_and_a_sound():
    how = replace(QUIET, false_face=1.0, unseen_remembered=0.0)
    heard = FaceSound(1, np.ones((12, 12), np.float32), 0.3, 0.2, ANN, 2.0, 0.1, 0.9)
    told = with_frames(clip(), lambda f: replace(f, sound=replace(f.sound, faces=(heard,))))
    source = SampleSource([told], how)
    false = 0
    for seed in range(30):
        sample = draw(source, seed=seed)
        for row in range(len(sample.kind)):
            if sample.kind[row] == Kind.FACE and sample.person[row] == NOBODY:
                false += 1
                score, has_sound = sample.arrays.sight[row, 10], sample.arrays.sound[row, 3]
                assert 0.6 <= score < 0.95
                assert has_sound == 1
    assert false > 15


def test_false_alarms_of_the_detector_are_remembered_too():
    portrait = np.array([1.6, 0.4, 0.9])
    told = [clip(faces=(ANN, portrait), people=(ANN,))]
    assert draw(SampleSource(told, QUIET)).kind.tolist() == [Kind.FACE, Kind.FACE]
    sample = draw(SampleSource(told, replace(QUIET, false_memory=1.0)))
    assert sample.person[:2].tolist() == [0, NOBODY]
    sight = sample.arrays.sight
    assert sample.kind[2] == Kind.MEMORY
    assert sample.person[2] == NOBODY
    assert sight.shape[1] == SIGHT_FEATURES


def test_neighbours_are_the_same_people_in_the_same_take():
    sample = draw(SampleSource([clip(faces=(ANN, BOB))], QUIET, neighbours=1), number=1)
    assert sample.neighbour_of.tolist() == [0, 1]
    assert sample.neighbour.crops.shape[0] == 2
    alone = SampleSource([clip(frames=1)], QUIET)
    assert draw(alone, number=0).neighbour is None


def test_blind_and_deaf_samples_lack_what_they_should_lack():
    deaf = draw(SampleSource([clip(voices=(BOB,))], replace(QUIET, sound_dropout=1.0)))
    assert Kind.VOICE not in deaf.kind
    assert not deaf.arrays.global_map.any()
    blind = draw(SampleSource([clip()], replace(QUIET, image_dropout=1.0)))
    assert not blind.arrays.crops.any()
    assert not blind.visible.any()


def test_pictures_of_poor_cameras_are_darker_noisy_and_coarse():
    picture = np.tile(np.array([90, 190], np.uint8).repeat(2), 16)[None, :, None]
    crops = np.broadcast_to(picture, (200, 64, 64, 3))
    rng = np.random.default_rng(0)
    poor = disturbed_pictures(crops, replace(QUIET, poor=1.0), rng)
    levels = poor.mean(axis=(1, 2, 3)) / 140
    assert 0.28 < levels.min() < 0.35 < 0.95 < levels.max() < 1.02
    assert (poor.std(axis=(1, 3)).mean(axis=-1) > 0.5).all()
    contrast = poor.mean(axis=1).std(axis=(1, 2)) / 50 / levels
    assert contrast.min() < 0.2
    assert contrast.max() > 0.8
    np.testing.assert_array_equal(crops[0], disturbed_pictures(crops[:1], QUIET, rng)[0])


def test_the_same_random_numbers_give_the_same_sample():
    source = SampleSource([clip(voices=(BOB,))], Disturbance())
    first, second = draw(source, seed=5), draw(source, seed=5)
    np.testing.assert_array_equal(first.arrays.crops, second.arrays.crops)
    np.testing.assert_array_equal(first.offset, second.offset)


# ---- people who are searched for


NOWHERE = Displacement(0.0, 0.0, 0.0)


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
    sample = draw(SearchSource([with_visible(clip(), 0.0, 1.0)], UNDISTURBED, NOWHERE))
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
    people = replace(truth(ANN, BOB), mouth=mouths, pixel=camera.project(mouths))
    told = with_frames(clip(faces=()), lambda frame: replace(frame, people=people))
    wide = replace(told, rig=replace(RIG, camera=camera))
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
    recorded = with_frames(clip(faces=(ANN, BOB)), lambda frame: replace(frame, jpeg=white))
    covered = {}
    for disturbed in (True, False):
        source = TASKS['search'].source([recorded], Schedule(), disturbed)
        crops = np.concatenate([draw(source, seed=k).arrays.searches for k in range(200)])
        # Grey even in other light: neither the picture nor, where there is none, black.
        covered[disturbed] = abs(np.median(crops, axis=(1, 2, 3)) - 128) < 50
    assert 0 < covered[True].mean() < 0.25
    assert not covered[False].any()
