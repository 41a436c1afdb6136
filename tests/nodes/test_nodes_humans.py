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

"""Ids of faces, voices and persons, and the frames that go with them."""

import numpy as np
import pytest
from builders import make_track

from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.nodes.humans import Humans, sellion
from av_tracker_nodes.types import (
    Face,
    FaceFrame,
    Modality,
    TrackFrame,
    TrackState,
    to_nanoseconds,
)

LOOKS_ALONG_X = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
CAMERA = Camera(
    350.0, 350.0, 179.5, 143.5, (360, 288), pose=RigidTransform(LOOKS_ALONG_X, np.array([1, 2, 3]))
)
LEFT, RIGHT = np.array([100.0, 100, 30, 40]), np.array([200.0, 100, 30, 40])


def face(tracklet, box):
    return Face(box, 0.9, tracklet=tracklet)


class Scene:
    """Cycles at 25 Hz."""

    def __init__(self, **options):
        self.humans, self.stamp = Humans(**options), to_nanoseconds(100)

    def cycle(self, tracks, faces=(), seconds=0.04, times=1):
        for _ in range(times):
            self.stamp += to_nanoseconds(seconds)
            image = None if faces is None else FaceFrame(self.stamp, (360, 288), tuple(faces))
            self.humans.update(TrackFrame(self.stamp, tuple(tracks)), image)
        return self.humans


def test_a_face_is_told_of_once_it_is_sure_and_until_it_has_gone():
    scene = Scene()
    assert not scene.cycle([], [face(3, LEFT)], times=2).faces
    humans = scene.cycle([], [face(3, LEFT)])
    assert list(humans.faces) == ['f0003']
    assert humans.seen == {'f0003'}
    humans = scene.cycle([], [], times=12)
    assert list(humans.faces) == ['f0003']
    assert not humans.seen
    assert not scene.cycle([], [], times=1).faces


def test_people_get_the_faces_that_fill_their_boxes():
    scene = Scene()
    faces = [face(5, RIGHT + 2), face(4, LEFT - 2)]
    humans = scene.cycle([make_track(1, box=LEFT), make_track(2, box=RIGHT)], faces, times=3)
    assert {n: p.face for n, p in humans.persons.items()} == {'p0001': 'f0004', 'p0002': 'f0005'}
    # They have changed places under the same boxes; one face is missed.
    humans = scene.cycle([make_track(1, box=LEFT), make_track(2, box=RIGHT)], [face(5, LEFT)])
    assert {n: p.face for n, p in humans.persons.items()} == {'p0001': 'f0005', 'p0002': ''}


def test_a_face_that_is_missed_stays_that_of_the_person():
    scene = Scene()
    scene.cycle([make_track(1, box=LEFT)], [face(4, LEFT)], times=3)
    assert scene.cycle([make_track(1, box=LEFT)], []).persons['p0001'].face == 'f0004'
    assert scene.cycle([make_track(1, box=LEFT)], None, times=11).persons['p0001'].face == 'f0004'
    assert scene.cycle([make_track(1, box=LEFT)], None).persons['p0001'].face == ''


def test_a_box_that_nothing_was_seen_in_has_no_face():
    scene = Scene()
    hidden = make_track(1, box=LEFT, modalities=Modality.AUDIO)
    assert scene.cycle([hidden], [face(4, LEFT)], times=3).persons['p0001'].face == ''


def test_a_voice_lasts_from_the_first_word_to_the_end_of_the_track():
    scene = Scene()
    assert not scene.cycle([make_track(1)]).voices
    assert scene.cycle([make_track(1, speaks=True)]).persons['p0001'].voice == 'v0001'
    humans = scene.cycle([make_track(1)], times=50)
    assert list(humans.voices) == ['v0001']
    assert not humans.voices['v0001'].is_speaking
    humans = scene.cycle([])
    assert not humans.voices
    assert humans.persons['p0001'].voice == ''


def test_confidence_falls_with_existence_and_a_person_stays_known():
    scene = Scene(memory=1.0)
    humans = scene.cycle([make_track(1), make_track(2, state=TrackState.TENTATIVE)])
    assert humans.tracked == ['p0001']
    assert humans.persons['p0001'].confidence == 1.0
    humans = scene.cycle([make_track(1, state=TrackState.COASTING, existence=0.4)])
    assert humans.persons['p0001'].confidence == 0.4
    humans = scene.cycle([])
    assert humans.tracked == []
    assert humans.persons['p0001'].confidence == 0
    humans = scene.cycle([], times=24)
    assert list(humans.persons) == ['p0001']
    assert not scene.cycle([]).persons


def test_who_comes_back_is_the_same_person():
    scene = Scene()
    scene.cycle([make_track(1, speaks=True)])
    scene.cycle([], times=50)
    humans = scene.cycle([make_track(1)])
    assert humans.tracked == ['p0001']
    assert humans.persons['p0001'].voice == ''


def test_a_jump_back_forgets_everybody():
    scene = Scene()
    scene.cycle([make_track(1, box=LEFT, speaks=True)], [face(4, LEFT)], times=3)
    humans = scene.cycle([], seconds=-5)
    assert not humans.persons
    assert not humans.faces


def test_ids_begin_with_a_letter():
    humans = Scene().cycle([make_track(12345, box=LEFT, speaks=True)], [face(7, LEFT)], times=3)
    for ids in (humans.faces, humans.voices, humans.persons):
        assert all(name[0].isalpha() and name.isalnum() for name in ids)


def test_sellion_lies_between_the_eyes_at_the_distance():
    landmarks = np.array([[175.0, 140], [185, 142], [180, 150], [176, 160], [184, 160]])
    seen = Face(np.array([165.0, 120, 30, 50]), 0.9, landmarks)
    place = sellion(seen, CAMERA, 2.0)
    np.testing.assert_allclose(CAMERA.project(place), [180, 141], atol=1e-6)
    assert np.linalg.norm(place - CAMERA.centre) == pytest.approx(2)
    boxed = sellion(Face(seen.box, 0.9), CAMERA)
    np.testing.assert_allclose(CAMERA.project(boxed), [180, 140], atol=1e-6)
    assert 1 < np.linalg.norm(boxed - CAMERA.centre) < 1.7
