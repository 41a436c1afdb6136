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

import numpy as np
import pytest
from node_bench import catch, install, tell, tick, topics
from visualization_msgs.msg import Marker

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.nodes import conversions, fusion, tracker
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.acoustic_views import to_points
from av_tracker_nodes.nodes.sensor_markers import sensor_markers
from av_tracker_nodes.types import NANOSECONDS, AcousticMap, Face, FaceFrame

SIZE, RATE, START = (360, 288), 16_000, 7 * NANOSECONDS
CAMERA = Camera(350.0, 350.0, 179.5, 143.5, SIZE)
ONE, FOUR = MicrophoneArray(np.zeros((1, 3))), MicrophoneArray(0.1 * np.eye(4, 3))
FACES = FaceFrame(START + NANOSECONDS, SIZE, (Face(np.array([150.0, 120, 30, 40]), 0.9),))
NOISE = np.random.default_rng(0).normal(0, 0.05, (RATE, 4)).astype(np.float32)


def hear(node, channels, until=RATE):
    for first in range(0, until, 160):
        stamp = START + first * NANOSECONDS // RATE
        samples = NOISE[first : first + 160, :channels]
        tell(node, 'audio', conversions.to_audio(stamp, first, RATE, samples, 'array'))


def see(node):
    tell(node, 'camera_info', conversions.to_camera_info(CAMERA, FACES.stamp, 'camera'))
    tell(node, 'faces', conversions.to_faces(FACES, 'camera'))


@pytest.mark.parametrize('kind', [AcousticMapNode, fusion.Fusion])
def test_nodes_listen_to_the_sensors_of_the_senses_that_are_used(start, kind):
    model = {} if kind is AcousticMapNode else {'model': 'visual'}
    seen = topics(start(kind, hears=False, **model))
    assert '/camera_info' in seen
    assert not seen & {'/audio', '/audio/array_info'}
    model = {} if kind is AcousticMapNode else {'model': 'audio'}
    heard = topics(start(kind, sees=False, **model))
    assert '/audio/array_info' in heard
    assert '/camera_info' not in heard
    assert kind is fusion.Fusion or '/faces' not in heard


def test_where_nobody_hears_every_image_is_answered_at_once_by_a_blank_map(start):
    node = start(AcousticMapNode, hears=False)
    assert node.facts['ready']
    install(node, CAMERA)
    see(node)
    (message,) = node.sent['acoustic_map']
    found = conversions.from_acoustic_map(message)
    assert (found.stamp, found.from_image) == (FACES.stamp, True)
    assert (found.values.size, found.peaks, found.faces) == (0, (), ())


def test_where_nobody_sees_sound_is_mapped_without_a_camera(start):
    node = start(AcousticMapNode, sees=False)
    install(node, array=FOUR)
    tick(node)
    assert node.facts['ready']
    hear(node, 4, until=RATE // 2)
    maps = node.sent['acoustic_map']
    assert len(maps) == pytest.approx(7.5, abs=1)
    assert not any(message.from_image for message in maps)


def test_one_microphone_tells_of_the_faces_that_are_seen(start):
    node = start(AcousticMapNode)
    install(node, CAMERA, ONE)
    tick(node)
    hear(node, 1)
    see(node)
    (found,) = (
        conversions.from_acoustic_map(m) for m in node.sent['acoustic_map'] if m.from_image
    )
    assert found.coverage > 0.9
    assert len(found.faces) == 1
    assert 0 < found.faces[0].speech < 0.5


@pytest.mark.parametrize(
    ('model', 'unused', 'sensors'),
    [('visual', 'hears', {'camera': CAMERA}), ('audio', 'sees', {'array': FOUR})],
)
def test_the_geometry_is_complete_without_what_is_not_used(
    start, monkeypatch, model, unused, sensors
):
    listeners = catch(monkeypatch, fusion, 'RigListener')
    node = start(fusion.Fusion, model=model, **{unused: False})
    assert listeners[0].rig(START) is None
    install(node, **sensors)
    rig = listeners[0].rig(START)
    present = {'camera': rig.camera, 'array': rig.microphones}
    assert {name for name, sensor in present.items() if sensor is not None} == sensors.keys()
    assert not {'camera', 'array'} & node.problems.keys()


def test_a_tracker_that_does_not_see_misses_no_camera(start, monkeypatch):
    listeners = catch(monkeypatch, tracker, 'RigListener')
    node = start(tracker.Tracker, sees=False)
    assert listeners[0].camera(START) is None
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
def test_fusion_refuses_to_be_without_what_its_model_needs(start, model, sense, sensor):
    with pytest.raises(InputError, match=f"model '{model}' needs {sensor}"):
        start(fusion.Fusion, model=model, **{sense: False})


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
