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

"""People under ``/humans``, on real ROS 2, in messages that are those of ROS4HRI on the wire."""

import importlib.util
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest
from builders import make_track
from live_graph import live_graph
from message_packages import AUDIO_COMMON, HRI, build_messages, import_messages
from sensor_msgs.msg import Image
from sensor_stubs import Stubs
from std_msgs.msg import Bool, Float32, String
from tf2_msgs.msg import TFMessage
from tiny_recording import RATE, VOICE, make_rig, make_sound

from av_tracker_msgs.msg import AudioBlock as AudioMessage
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec
from av_tracker_nodes.nodes import image_messages
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED, RESULTS, TRANSFORMS, images
from av_tracker_nodes.recordings.messages import from_transforms
from av_tracker_nodes.recordings.messages.images import from_image
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, Face, FaceFrame, ImageFrame

pytestmark = pytest.mark.graph

BRIDGE = NodeSpec(PACKAGE, 'ros4hri_bridge', 'ros4hri_bridge')
BEAMS = NodeSpec(PACKAGE, 'speaker_beams', 'speaker_beams')
START = 100 * NANOSECONDS
SIZE = (360, 288)


def test_without_the_messages_there_is_one_clear_line():
    if importlib.util.find_spec('hri_msgs') is not None:
        pytest.skip('hri_msgs is there')
    with live_graph([BRIDGE]) as graph:
        graph.spin_to_the_end(30)
        assert graph.statuses == {'ros4hri_bridge': 2}
    assert [line for line in graph.lines if 'hri_msgs' in line] == graph.lines


class Talker:
    """Somebody in view who talks, cycle by cycle, as the nodes before the bridge tell it."""

    def __init__(self, stubs, rig):
        self.stubs, self.rig, self.stamp = stubs, rig, START
        self.box = face_box(rig.camera, VOICE)
        left, top, width, _ = self.box
        eyes = [[left + 0.3 * width, top + 12], [left + 0.7 * width, top + 12]]
        below = [[left + width / 2, top + 20], [left + 8, top + 30], [left + 14, top + 30]]
        self.face = Face(self.box, 0.9, np.array(eyes + below), tracklet=4)
        self.image = np.random.default_rng(0).integers(0, 255, (288, 360, 3), np.uint8)
        self._images = stubs.graph.node.create_publisher(Image, 'image_raw', images(reliable=True))

    def cycle(self, speaks=True, there=True):
        self.stamp += NANOSECONDS // 25
        picture = ImageFrame(self.stamp, self.image)
        self._images.publish(image_messages.to_image(picture, 'camera_optical'))
        self.stubs.see(FaceFrame(self.stamp, SIZE, (self.face,) if there else ()))
        people = (make_track(7, VOICE, speaks=speaks, box=self.box),) if there else ()
        self.stubs.graph.spin_until(lambda: False, 0.02)
        self.stubs.follow(self.stamp, *people)
        self.stubs.graph.spin_until(lambda: False, 0.02)


@pytest.mark.slow
def test_people_are_told_as_rep_155_wants_it(tmp_path, monkeypatch):
    environment = build_messages(tmp_path, audio_common_msgs=AUDIO_COMMON, hri_msgs=HRI)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    import_messages(environment, monkeypatch)
    from audio_common_msgs.msg import AudioData
    from hri_msgs.msg import IdsList, NormalizedRegionOfInterest2D

    rig = make_rig()
    with live_graph([BRIDGE, BEAMS]) as graph:
        heard = defaultdict(list)
        stubs = Stubs(graph, rig)
        talker = Talker(stubs, rig)

        def listen(kind, topic, quality=RESULTS):
            return graph.node.create_subscription(kind, topic, heard[topic].append, quality)

        lists = ['faces/tracked', 'voices/tracked', 'persons/tracked', 'persons/known']
        for name in lists:
            listen(IdsList, f'/humans/{name}')
        listen(TFMessage, '/tf', TRANSFORMS)

        def told(name, ids):
            talker.cycle()
            return heard[f'/humans/{name}'] and list(heard[f'/humans/{name}'][-1].ids) == ids

        assert graph.spin_until(lambda: told('faces/tracked', ['f0004'])), graph.lines
        assert graph.spin_until(lambda: told('voices/tracked', ['v0007']))
        assert graph.spin_until(lambda: told('persons/tracked', ['p0007']))
        assert graph.spin_until(lambda: told('persons/known', ['p0007']))
        assert stubs.topics('/humans/*') == {
            **{f'/humans/{name}': 'hri_msgs/msg/IdsList' for name in lists},
            '/humans/faces/f0004/roi': 'hri_msgs/msg/NormalizedRegionOfInterest2D',
            '/humans/faces/f0004/cropped': 'sensor_msgs/msg/Image',
            '/humans/voices/v0007/audio': 'audio_common_msgs/msg/AudioData',
            '/humans/voices/v0007/is_speaking': 'std_msgs/msg/Bool',
            '/humans/persons/p0007/anonymous': 'std_msgs/msg/Bool',
            '/humans/persons/p0007/face_id': 'std_msgs/msg/String',
            '/humans/persons/p0007/voice_id': 'std_msgs/msg/String',
            '/humans/persons/p0007/location_confidence': 'std_msgs/msg/Float32',
        }
        # Nobody asked for pictures or sound yet.
        assert graph.node.count_subscribers('image_raw') == 0
        assert graph.node.count_subscribers('audio') == 0

        person, face, voice = (
            '/humans/persons/p0007',
            '/humans/faces/f0004',
            '/humans/voices/v0007',
        )
        for name in ('face_id', 'voice_id'):
            listen(String, f'{person}/{name}', LATCHED)
        listen(Bool, f'{person}/anonymous', LATCHED)
        listen(Float32, f'{person}/location_confidence')
        listen(NormalizedRegionOfInterest2D, f'{face}/roi')
        listen(Image, f'{face}/cropped')
        listen(Bool, f'{voice}/is_speaking')
        listen(AudioData, f'{voice}/audio', AUDIO)

        def shown():
            talker.cycle(speaks=False)
            return heard[f'{face}/cropped'] and heard[f'{voice}/is_speaking']

        assert graph.spin_until(shown), graph.lines
        assert heard[f'{person}/face_id'][-1].data == 'f0004'
        assert heard[f'{person}/voice_id'][-1].data == 'v0007'
        assert heard[f'{person}/anonymous'][-1].data is True
        assert heard[f'{person}/location_confidence'][-1].data == 1.0
        assert heard[f'{voice}/is_speaking'][-1].data is False
        check_face(heard[f'{face}/roi'][-1], heard[f'{face}/cropped'][-1], talker)
        check_frames(heard['/tf'][-1], rig)

        # The sound of the voice is that of the beam.
        listen(AudioMessage, '/speaker_7/audio', AUDIO)

        blocks = iter(cut(make_sound(rig, np.random.default_rng(1)), talker.stamp))

        def spoken():
            talker.cycle()
            for block in islice(blocks, 4):
                stubs.hear(block)
            return min(len(heard[f'{voice}/audio']), len(heard['/speaker_7/audio'])) > 15

        assert graph.spin_until(spoken), graph.lines
        graph.spin_until(lambda: False, 0.5)
        beam = b''.join(bytes(message.data) for message in heard['/speaker_7/audio'])
        voiced = b''.join(bytes(message.data) for message in heard[f'{voice}/audio'])
        assert voiced in beam or beam in voiced

        # Somebody who has gone is known for a while, but nobody knows where.
        def gone():
            talker.cycle(there=False)
            return not list(heard['/humans/persons/tracked'][-1].ids)

        assert graph.spin_until(gone), graph.lines
        assert list(heard['/humans/persons/known'][-1].ids) == ['p0007']
        assert heard[f'{person}/location_confidence'][-1].data == 0.0
        assert heard[f'{person}/face_id'][-1].data == ''
        assert not stubs.topics('/humans/voices/*/audio')


def cut(sound, begin):
    """Blocks of 10 ms."""
    for first in range(0, len(sound), 160):
        stamp = begin + first * NANOSECONDS // RATE
        yield AudioBlock(stamp, first, RATE, sound[first : first + 160])


def check_face(roi, cropped, talker):
    low = talker.box[:2] / SIZE
    high = (talker.box[:2] + talker.box[2:]) / SIZE
    np.testing.assert_allclose([roi.xmin, roi.ymin, roi.xmax, roi.ymax], [*low, *high], atol=1e-6)
    assert roi.c == pytest.approx(0.9)
    assert roi.header.frame_id == 'camera_optical'
    picture = from_image(cropped).image
    assert picture.shape == (128, 128, 3)
    centre = np.round(talker.box[:2] + talker.box[2:] / 2).astype(int)
    around = talker.image[centre[1] - 2 : centre[1] + 3, centre[0] - 2 : centre[0] + 3]
    assert np.abs(picture[60:68, 60:68].mean() - around.mean()) < 60


def check_frames(message, rig):
    frames = from_transforms(message)
    assert set(frames) == {
        ('camera_optical', 'face_f0004'),
        ('world', 'voice_v0007'),
        ('world', 'person_p0007'),
    }
    np.testing.assert_allclose(frames['world', 'voice_v0007'].translation, VOICE, atol=1e-6)
    face = rig.camera.pose @ frames['camera_optical', 'face_f0004']
    person = frames['world', 'person_p0007']
    np.testing.assert_allclose(face.translation, person.translation, atol=1e-6)
    np.testing.assert_allclose(face.rotation, person.rotation, atol=1e-6)
    # Between the eyes, as far as the mouth, and looking at the camera.
    assert 0.02 < face.translation[2] - VOICE[2] < 0.15
    distance = np.linalg.norm(VOICE - rig.camera.centre)
    assert np.linalg.norm(face.translation - rig.camera.centre) == pytest.approx(distance)
    towards = rig.camera.centre - face.translation
    np.testing.assert_allclose(face.rotation[:, 0], towards / np.linalg.norm(towards), atol=1e-6)
    assert face.rotation[2, 2] > 0.9
