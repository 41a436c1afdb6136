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

"""What the bridge to ROS4HRI sends, and when, on stand-ins for its messages; whom it knows."""

from types import SimpleNamespace

import builders
import numpy as np
import pytest
from builders import LOOKS_ALONG_X, make_track
from node_bench import Kept, install, tell, topics

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.nodes import conversions, image_messages, ros4hri_bridge
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.nodes.humans import Humans, sellion
from av_tracker_nodes.types import (
    Face,
    FaceFrame,
    ImageFrame,
    Modality,
    TrackFrame,
    TrackState,
    to_nanoseconds,
)

HRI = SimpleNamespace(IdsList=SimpleNamespace, NormalizedRegionOfInterest2D=SimpleNamespace)
AUDIO_COMMON = SimpleNamespace(AudioData=SimpleNamespace, AudioDataStamped=SimpleNamespace)
CAMERA = builders.CAMERA.in_frame(RigidTransform(LOOKS_ALONG_X, np.array([1, 2, 3])))
BOX = np.array([-10.0, 100, 40, 50])
SEEN = Face(BOX, 0.8, tracklet=5)
PERSON, FACE, VOICE = '/humans/persons/p0001', '/humans/faces/f0005', '/humans/voices/v0001'


class Bridge(ros4hri_bridge.Ros4HriBridge):
    """A bridge whose topics are lists."""

    def __init__(self, **node_options):
        self.topics = {}
        super().__init__(**node_options)
        self.start()
        self.stamp = to_nanoseconds(50)
        install(self, CAMERA)

    def advertise(self, kind, topic, quality=None):
        return self.topics.setdefault(topic, Kept())

    def destroy_lifecycle_publisher(self, publisher):
        if not isinstance(publisher, Kept):
            return super().destroy_lifecycle_publisher(publisher)
        self.topics = {
            name: topic for name, topic in self.topics.items() if topic is not publisher
        }
        return True

    def cycle(self, *tracks, faces=(), frame_id='world', times=1):
        for _ in range(times):
            self.stamp += to_nanoseconds(0.04)
            seen = FaceFrame(self.stamp, (360, 288), faces)
            tell(self, 'faces', conversions.to_faces(seen, 'camera_optical'))
            tell(self, 'speaker_tracks', to_tracks(TrackFrame(self.stamp, tracks), frame_id))

    def ids(self, name):
        return self.topics[f'/humans/{name}'][-1].ids


def person(speaks=False):
    return make_track(1, (2.0, 0.5, 0.1), speaks, BOX)


@pytest.fixture
def bridge(context, monkeypatch):
    monkeypatch.setattr(ros4hri_bridge, 'hri', HRI)
    monkeypatch.setattr(ros4hri_bridge, 'audio_common', AUDIO_COMMON)
    bridge = Bridge(context=context)
    yield bridge
    bridge.destroy_node()


@pytest.mark.parametrize(
    ('hri', 'audio_common'),
    [(None, AUDIO_COMMON), (HRI, None), (HRI, SimpleNamespace(AudioStamped=SimpleNamespace))],
)
def test_what_is_missing_is_one_clear_line(context, monkeypatch, hri, audio_common):
    """The last one is another package of that name."""
    monkeypatch.setattr(ros4hri_bridge, 'hri', hri)
    monkeypatch.setattr(ros4hri_bridge, 'audio_common', audio_common)
    with pytest.raises(InputError, match='hri_msgs and audio_common_msgs'):
        Bridge(context=context)


def test_lists_come_every_cycle_empty_included(bridge):
    bridge.cycle(times=3)
    for name in ('faces/tracked', 'voices/tracked', 'persons/tracked', 'persons/known'):
        lists = bridge.topics[f'/humans/{name}']
        assert [each.ids for each in lists] == [[], [], []]
    assert lists[-1].header.stamp == conversions.time_message(bridge.stamp)


def test_what_lasts_is_told_when_it_changes(bridge):
    bridge.cycle(person())
    bridge.cycle(person(), faces=(SEEN,), times=5)
    bridge.cycle(person(speaks=True), faces=(SEEN,), times=5)
    told = {
        name: [each.data for each in bridge.topics[f'{PERSON}/{name}']]
        for name in ('anonymous', 'face_id', 'voice_id')
    }
    assert told == {
        'anonymous': [True],
        'face_id': ['', 'f0005', 'f0005'],
        'voice_id': ['', '', 'v0001'],
    }
    assert len(bridge.topics[f'{PERSON}/location_confidence']) == 11
    assert [each.data for each in bridge.topics[f'{VOICE}/is_speaking']] == [True] * 5


def test_regions_stay_in_the_picture(bridge):
    bridge.cycle(faces=(SEEN,), times=3)
    (region,) = bridge.topics[f'{FACE}/roi']
    corners = [region.xmin, region.ymin, region.xmax, region.ymax]
    assert corners == pytest.approx([0, 100 / 288, 30 / 360, 150 / 288])
    assert region.c == pytest.approx(0.8)


def test_pictures_are_for_those_who_look(bridge):
    face = Face(BOX + np.array([100.0, 0, 0, 0]), 0.8, tracklet=5)
    bridge.cycle(faces=(face,), times=3)
    assert '/image_raw' not in topics(bridge)
    bridge.topics[f'{FACE}/cropped'].listeners = 1
    bridge.cycle(faces=(face,))
    assert '/image_raw' in topics(bridge)
    assert bridge.topics[f'{FACE}/cropped'] == []
    image = np.full((288, 360, 3), 77, np.uint8)
    next_image = ImageFrame(bridge.stamp + to_nanoseconds(0.04), image)
    tell(bridge, 'image_raw', image_messages.to_image(next_image, 'camera_optical'))
    bridge.cycle(faces=(face,))
    (picture,) = bridge.topics[f'{FACE}/cropped']
    assert (picture.width, picture.height) == (128, 128)
    assert set(bytes(picture.data)) == {77}
    assert picture.header.stamp == conversions.time_message(bridge.stamp)
    bridge.topics[f'{FACE}/cropped'].listeners = 0
    bridge.cycle(faces=(face,))
    assert '/image_raw' not in topics(bridge)


def test_topics_go_with_people(bridge):
    bridge.cycle(person(speaks=True), faces=(SEEN,), times=3)
    assert {f'{FACE}/roi', f'{VOICE}/audio', f'{PERSON}/face_id'} <= bridge.topics.keys()
    bridge.cycle(times=14)
    assert not {f'{FACE}/roi', f'{VOICE}/audio'} & bridge.topics.keys()
    assert bridge.ids('persons/known') == ['p0001']
    assert bridge.ids('persons/tracked') == []
    bridge.reset()
    assert f'{PERSON}/face_id' not in bridge.topics


def test_the_sound_of_a_voice_is_fetched_for_listeners_only(bridge):
    bridge.cycle(person(speaks=True))
    assert '/speaker_1/audio' not in topics(bridge)
    bridge.topics[f'{VOICE}/audio'].listeners = 1
    bridge.cycle(person())
    assert '/speaker_1/audio' in topics(bridge)
    bridge.cycle()
    assert '/speaker_1/audio' not in topics(bridge)


def test_frames_are_those_of_who_is_there(bridge):
    def names():
        return {each.child_frame_id for each in bridge.topics['/tf'][-1].transforms}

    bridge.cycle(person())
    assert names() == {'person_p0001'}
    bridge.cycle(person(speaks=True), faces=(SEEN,), times=3)
    assert names() == {'person_p0001', 'voice_v0001', 'face_f0005'}
    sent = len(bridge.topics['/tf'])
    bridge.cycle()
    assert len(bridge.topics['/tf']) == sent


def test_tracks_in_another_frame_are_not_taken(bridge):
    bridge.cycle(person(), frame_id='odom')
    assert bridge.topics['/humans/persons/tracked'] == []


# ---- ids of faces, voices and persons, and the frames that go with them


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
