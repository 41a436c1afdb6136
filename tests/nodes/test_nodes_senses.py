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

"""Nodes of a robot with a camera alone, with microphones alone, and with one microphone."""

from types import SimpleNamespace

import numpy as np
import pytest
from rclpy.parameter import Parameter
from visualization_msgs.msg import Marker

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.nodes import conversions
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.acoustic_views import to_points
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.sensor_markers import sensor_markers
from av_tracker_nodes.nodes.tracker import Tracker
from av_tracker_nodes.types import NANOSECONDS, AcousticMap, AudioBlock, Face, FaceFrame

SIZE, RATE, START = (360, 288), 16_000, 7 * NANOSECONDS
CAMERA = Camera(350.0, 350.0, 179.5, 143.5, SIZE)
ONE, FOUR = MicrophoneArray(np.zeros((1, 3))), MicrophoneArray(0.1 * np.eye(4, 3))
FACES = FaceFrame(START + NANOSECONDS, SIZE, (Face(np.array([150.0, 120, 30, 40]), 0.9),))
NOISE = np.random.default_rng(0).normal(0, 0.05, (RATE, 4)).astype(np.float32)


class Kept(list):
    """A publisher that keeps what is sent, and has no other listeners."""

    publish = list.append

    def get_subscription_count(self):
        return 0


@pytest.fixture
def make_node(context):
    nodes = []

    def make(kind, **parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        nodes.append(kind(context=context, parameter_overrides=overrides))
        nodes[-1].start()
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def topics(node):
    return {subscription.topic_name for subscription in node.subscriptions}


def wired(node, rig):
    """Give a node the geometry, and keep its maps."""
    node._sensors = SimpleNamespace(rig=lambda stamp: rig, array_frame='mic_array')
    node._maps = Kept()
    node._prepare()
    return node


def hear(node, channels):
    for first in range(0, RATE, 160):
        samples = NOISE[first : first + 160, :channels]
        block = AudioBlock(START + first * NANOSECONDS // RATE, first, RATE, samples)
        message = conversions.to_audio(block.stamp, first, RATE, samples, 'mic_array')
        node._hear(message)


@pytest.mark.parametrize('kind', [AcousticMapNode, Fusion])
def test_nodes_listen_to_the_sensors_of_the_senses_that_are_used(make_node, kind):
    model = {} if kind is AcousticMapNode else {'model': 'visual'}
    seen = topics(make_node(kind, hears=False, **model))
    assert '/camera_info' in seen
    assert not seen & {'/audio', '/audio/array_info'}
    model = {} if kind is AcousticMapNode else {'model': 'audio'}
    heard = topics(make_node(kind, sees=False, **model))
    assert '/audio/array_info' in heard
    assert '/camera_info' not in heard
    assert kind is Fusion or '/faces' not in heard


def test_where_nobody_hears_every_image_is_answered_at_once_by_a_blank_map(make_node):
    node = make_node(AcousticMapNode, hears=False)
    assert node.facts['ready']
    wired(node, Rig(CAMERA, None))
    node._announce(FACES.stamp, SIZE)
    node._see(conversions.to_faces(FACES, 'camera'))
    (message,) = node._maps
    found = conversions.from_acoustic_map(message)
    assert (found.stamp, found.from_image) == (FACES.stamp, True)
    assert (found.values.size, found.peaks, found.faces) == (0, (), ())


def test_where_nobody_sees_sound_is_mapped_without_a_camera(make_node):
    node = wired(make_node(AcousticMapNode, sees=False), Rig(None, FOUR))
    assert node.facts['ready']
    hear(node, 4)
    assert len(node._maps) == pytest.approx(20, abs=1)
    assert not any(message.from_image for message in node._maps)


def test_one_microphone_tells_of_the_faces_that_are_seen(make_node):
    node = wired(make_node(AcousticMapNode), Rig(CAMERA, ONE))
    hear(node, 1)
    node._announce(FACES.stamp, SIZE)
    node._see(conversions.to_faces(FACES, 'camera'))
    (found,) = (conversions.from_acoustic_map(m) for m in node._maps if m.from_image)
    assert found.coverage > 0.9
    assert len(found.faces) == 1
    assert 0 < found.faces[0].speech < 0.5


def test_the_geometry_is_complete_without_what_is_not_used(make_node):
    info = conversions.to_camera_info(CAMERA, START, 'camera')
    array = conversions.to_array_info(FOUR, START, 'mic_array')
    fixed = {'target_frame': 'camera'}
    vision = make_node(Fusion, model='visual', hears=False, **fixed)
    assert vision._sensors.rig(START) is None
    vision._sensors._hear_info(info)
    rig = vision._sensors.rig(START)
    assert rig.camera is not None
    assert rig.microphones is None
    sound = make_node(Fusion, model='audio', sees=False, target_frame='mic_array')
    assert sound._sensors.rig(START) is None
    sound._sensors._hear_array(array)
    rig = sound._sensors.rig(START)
    assert rig.camera is None
    assert len(rig.microphones.positions) == 4
    assert not vision.problems
    assert not sound.problems


def test_a_tracker_that_does_not_see_misses_no_camera(make_node):
    node = make_node(Tracker, sees=False)
    assert node._sensors.camera(START) is None
    assert not node.problems


@pytest.mark.parametrize(
    ('model', 'sense', 'sensor'),
    [
        ('vggcf', 'sees', 'a camera'),
        ('vggcf', 'hears', 'microphones'),
        ('visual', 'sees', 'a camera'),
        ('audio', 'hears', 'microphones'),
    ],
)
def test_fusion_refuses_to_be_without_what_its_model_needs(make_node, model, sense, sensor):
    with pytest.raises(InputError, match=f"model '{model}' needs {sensor}"):
        make_node(Fusion, model=model, **{sense: False})


def test_markers_show_the_sensors_that_there_are():
    pose = RigidTransform(translation=np.array([0, 0, 1.0]))
    for rig, shapes in (
        (Rig(CAMERA, None), [Marker.LINE_LIST]),
        (Rig(None, FOUR, pose), [Marker.SPHERE_LIST]),
        (Rig(CAMERA, FOUR, pose), [Marker.SPHERE_LIST, Marker.LINE_LIST]),
    ):
        assert [marker.type for marker in sensor_markers(rig, 'frame').markers] == shapes


@pytest.mark.parametrize('rig', [Rig(CAMERA, None), Rig(None, FOUR)])
def test_a_blank_map_is_no_points(rig):
    cloud = to_points(AcousticMap.blank(START, 'vggcf'), rig, 'frame')
    assert cloud.width * cloud.height == 0
