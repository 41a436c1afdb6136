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

"""Nodes of a robot with a camera or microphones alone, with one microphone, with depth images."""

import numpy as np
import pytest
from builders import CAMERA
from node_bench import catch, facts_of, install, tell, tick, topics
from sensor_msgs.msg import Image

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.nodes import conversions, fusion, tracker
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.types import NANOSECONDS, Face, FaceFrame

SIZE, RATE, START = CAMERA.size, 16_000, 7 * NANOSECONDS
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


# ---- depth images give faces their ranges, and never stand in the way of detections


WALL = np.full((288, 360), 2000, np.uint16)
SEEN = FaceFrame(START, SIZE, (Face(np.array([160.0, 124.0, 40.0, 40.0]), 0.9),))


@pytest.fixture
def fused(start, monkeypatch):
    """A node that fuses, and what makes ranges of the depth images that it gets."""
    inputs = catch(monkeypatch, fusion, 'DepthInput')
    node = start(fusion.Fusion, depth=True, model='visual')
    return node, inputs[0]


def show(node, depth, encoding='16UC1', after=0):
    """Tell of a depth image that was taken so many seconds after the faces."""
    message = Image(encoding=encoding, height=depth.shape[0], width=depth.shape[1])
    message.header.stamp = conversions.time_message(START + round(after * NANOSECONDS))
    message.step = depth.shape[1] * depth.itemsize
    message.data = depth.tobytes()
    tell(node, 'depth/image', message)


@pytest.mark.parametrize(
    ('encoding', 'wall'), [('16UC1', WALL), ('32FC1', np.full((144, 180), 2, '<f4'))]
)
def test_faces_get_the_range_of_the_depth_image_of_their_time(fused, encoding, wall):
    node, depth = fused
    show(node, wall, encoding, -0.02)
    show(node, 2 * wall, encoding, -0.3)
    (face,) = depth.measured(SEEN, CAMERA).faces
    assert face.range == pytest.approx(2.0, rel=0.01)
    assert node.counts['depth images used'] == 1


def test_without_a_depth_image_of_their_time_faces_stay_as_they_are(fused):
    node, depth = fused
    show(node, WALL, after=-0.08)
    assert depth.measured(SEEN, CAMERA) is SEEN


def test_a_depth_image_that_is_not_registered_is_told_of_and_passed_over(fused):
    node, depth = fused
    show(node, np.full((288, 500), 2000, np.uint16))
    assert depth.measured(SEEN, CAMERA) is SEEN
    assert 'not registered' in node.problems['depth']
    show(node, WALL)
    depth.measured(SEEN, CAMERA)
    assert 'depth' not in node.problems


def test_another_encoding_is_refused(fused):
    node, _ = fused
    show(node, np.zeros((4, 4), np.uint16), 'rgb8')
    assert "'rgb8' is not supported" in facts_of(node)['last error']
