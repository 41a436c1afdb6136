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

"""What the bridge to ROS4HRI sends, and when, on stand-ins for its messages and topics."""

from types import SimpleNamespace

import numpy as np
import pytest
from builders import make_track
from node_bench import Kept, install, tell, topics

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.nodes import conversions, image_messages, ros4hri_bridge
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.types import Face, FaceFrame, ImageFrame, TrackFrame, to_nanoseconds

HRI = SimpleNamespace(IdsList=SimpleNamespace, NormalizedRegionOfInterest2D=SimpleNamespace)
AUDIO_COMMON = SimpleNamespace(AudioData=SimpleNamespace, AudioDataStamped=SimpleNamespace)
LOOKS_ALONG_X = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
CAMERA = Camera(350.0, 350.0, 179.5, 143.5, (360, 288), pose=RigidTransform(LOOKS_ALONG_X))
BOX = np.array([-10.0, 100, 40, 50])
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

    def cycle(self, *tracks, faces=(), frame_id='world'):
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
    for _ in range(3):
        bridge.cycle()
    for name in ('faces/tracked', 'voices/tracked', 'persons/tracked', 'persons/known'):
        lists = bridge.topics[f'/humans/{name}']
        assert [each.ids for each in lists] == [[], [], []]
    assert lists[-1].header.stamp == conversions.time_message(bridge.stamp)


def test_what_lasts_is_told_when_it_changes(bridge):
    face = Face(BOX, 0.8, tracklet=5)
    bridge.cycle(person())
    for _ in range(5):
        bridge.cycle(person(), faces=(face,))
    for _ in range(5):
        bridge.cycle(person(speaks=True), faces=(face,))
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
    for _ in range(3):
        bridge.cycle(faces=(Face(BOX, 0.8, tracklet=5),))
    (region,) = bridge.topics[f'{FACE}/roi']
    corners = [region.xmin, region.ymin, region.xmax, region.ymax]
    assert corners == pytest.approx([0, 100 / 288, 30 / 360, 150 / 288])
    assert region.c == pytest.approx(0.8)


def test_pictures_are_for_those_who_look(bridge):
    face = Face(BOX + np.array([100.0, 0, 0, 0]), 0.8, tracklet=5)
    for _ in range(3):
        bridge.cycle(faces=(face,))
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
    for _ in range(3):
        bridge.cycle(person(speaks=True), faces=(Face(BOX, 0.8, tracklet=5),))
    assert {f'{FACE}/roi', f'{VOICE}/audio', f'{PERSON}/face_id'} <= bridge.topics.keys()
    for _ in range(14):
        bridge.cycle()
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
    for _ in range(3):
        bridge.cycle(person(speaks=True), faces=(Face(BOX, 0.8, tracklet=5),))
    assert names() == {'person_p0001', 'voice_v0001', 'face_f0005'}
    sent = len(bridge.topics['/tf'])
    bridge.cycle()
    assert len(bridge.topics['/tf']) == sent


def test_tracks_in_another_frame_are_not_taken(bridge):
    bridge.cycle(person(), frame_id='odom')
    assert bridge.topics['/humans/persons/tracked'] == []
