# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.fusion.candidates import Kind
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.research.simulation.meeting_room import ROOM, cameras, microphones
from av_tracker_nodes.research.training.clips import Clip, ClipFrame, PeopleTruth, encode_image
from av_tracker_nodes.research.training.disturbances import UNDISTURBED, Disturbance
from av_tracker_nodes.research.training.samples import SampleSource
from av_tracker_nodes.research.training.truths import NOBODY, true_positions
from av_tracker_nodes.types import AcousticMap, AcousticPeak, Face, FaceFrame

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


QUIET = replace(UNDISTURBED, false_memory=0.0)


def draw(source: SampleSource, number: int = 1, seed: int = 0):
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


def test_neighbours_are_the_same_people_in_the_same_take():
    sample = draw(SampleSource([clip(faces=(ANN, BOB))], QUIET, neighbours=1), number=1)
    assert sample.neighbour_of.tolist() == [0, 1]
    assert sample.neighbour.crops.shape[0] == 2
    alone = SampleSource([clip(frames=1)], QUIET)
    assert draw(alone, number=0).neighbour is None


def test_blind_and_deaf_samples_lack_what_they_should_lack():
    deaf = draw(SampleSource([clip(voices=(BOB,))], replace(QUIET, deaf=1.0)))
    assert Kind.VOICE not in deaf.kind
    assert not deaf.arrays.global_map.any()
    blind = draw(SampleSource([clip()], replace(QUIET, blind=1.0)))
    assert not blind.arrays.crops.any()
    assert not blind.visible.any()


def test_the_same_random_numbers_give_the_same_sample():
    source = SampleSource([clip(voices=(BOB,))], Disturbance())
    first, second = draw(source, seed=5), draw(source, seed=5)
    np.testing.assert_array_equal(first.arrays.crops, second.arrays.crops)
    np.testing.assert_array_equal(first.offset, second.offset)
