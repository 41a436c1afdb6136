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

"""Cameras and recording, live."""

import json
import resource

import cv2
import numpy as np
import pytest
from live_graph import live_graph
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from sensor_stubs import Stubs
from tiny_recording import make_rig

from av_tracker_nodes.geometry.calibration import save_camera
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec
from av_tracker_nodes.nodes import image_messages
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.types import ImageFrame

pytestmark = pytest.mark.graph


def spec(node, **parameters):
    arguments = [a for k, v in parameters.items() for a in ('-p', f'{k}:={json.dumps(v)}')]
    return NodeSpec(PACKAGE, node, node, ros_arguments=tuple(arguments), ends_all=node == 'camera')


def test_a_camera_is_recorded(tmp_path):
    """A folder of images plays the camera; the bag holds them with their calibration."""
    camera, folder = make_rig().camera, tmp_path / 'images'
    folder.mkdir()
    for number in range(120):
        shade = np.full((288, 360, 3), 2 * number, np.uint8)
        cv2.imwrite(str(folder / f'{number:03}.png'), shade)
    save_camera(tmp_path / 'camera.yaml', camera, frame='camera_optical', parent='world')
    bag = tmp_path / 'bag'
    specs = [
        spec('recorder', out=str(bag), topics='image_raw,camera_info,/tf_static'),
        spec('camera', device=str(folder), calibration=str(tmp_path / 'camera.yaml')),
    ]
    with live_graph(specs) as graph:
        graph.spin_to_the_end()
        assert graph.statuses == {'camera': 0, 'recorder': 0}, graph.lines
    with BagReader(bag) as reader:
        assert set(reader.topics) == {'/image_raw', '/camera_info', '/tf_static'}
        stamps = reader.image_stamps
        assert len(stamps) > 40
        gaps = np.diff(stamps) / 1e9
        assert np.median(gaps) == pytest.approx(0.04, abs=0.01)
        infos = [m for m in reader.raw() if m.topic == '/camera_info']
        assert abs(len(infos) - len(stamps)) <= 2
        assert [m.latched for m in reader.raw() if m.topic == '/tf_static'] == [True]


ERROR = b'\x02'


@pytest.fixture
def camera_of_pictures(tmp_path):
    """A folder of images that plays the camera."""
    folder = tmp_path / 'images'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(200):
        noise = rng.integers(0, 255, (288, 360, 3), np.uint8)
        cv2.imwrite(str(folder / f'{number:03}.png'), noise)
    save_camera(tmp_path / 'camera.yaml', make_rig().camera, frame='eye', parent='world')
    return spec('camera', device=str(folder), calibration=str(tmp_path / 'camera.yaml'))


def faults_of(graph, node):
    return [status.message for status in graph.statuses_of(node) if status.level == ERROR]


def is_recording(graph):
    """Whether images have been written."""
    return any(
        int(value.value) > 5
        for status in graph.statuses_of('recorder')
        for value in status.values
        if value.key == 'image_raw'
    )


@pytest.mark.slow
def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path, camera_of_pictures):
    recorder = spec('recorder', out=str(tmp_path / 'bag'), topics='image_raw')
    with live_graph([recorder, camera_of_pictures]) as graph:
        assert graph.spin_until(lambda: is_recording(graph)), graph.lines
        process = graph.supervisor.processes['recorder']
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2_500_000, 2_500_000))
        assert graph.spin_until(lambda: faults_of(graph, 'recorder')), graph.lines
        assert 'cannot write' in faults_of(graph, 'recorder')[0]
        graph.spin_to_the_end()
        assert graph.statuses['camera'] == 0, graph.lines
    assert sum('cannot write' in line for line in graph.lines) == 1, graph.lines
    assert not any('Traceback' in line for line in graph.lines), graph.lines
    (left,) = tmp_path.glob('.bag.partial-*/bag/*.mcap')
    assert left.stat().st_size > 1_000_000


def test_a_recording_ends_while_it_can_be_finished(tmp_path, camera_of_pictures):
    recorder = spec('recorder', out=str(tmp_path / 'bag'), topics='image_raw')
    with live_graph([recorder, camera_of_pictures]) as graph:
        assert graph.spin_until(lambda: is_recording(graph)), graph.lines
        parameters = AsyncParameterClient(graph.node, 'recorder')
        parameters.set_parameters([Parameter('free_space', value=1e6)])
        assert graph.spin_until(lambda: faults_of(graph, 'recorder')), graph.lines
        assert 'the recording has ended' in faults_of(graph, 'recorder')[0]
        with BagReader(tmp_path / 'bag') as reader:
            assert len(reader.image_stamps) > 5


def test_recording_nothing_leaves_nothing(tmp_path):
    with live_graph([spec('recorder', out=str(tmp_path / 'bag'))]) as graph:
        assert graph.spin_until(lambda: graph.statuses_of('recorder')), graph.lines
    assert not (tmp_path / 'bag').exists()
    assert any('nothing came: no bag' in line for line in graph.lines)
    lost = 'nothing came on audio, image_raw/compressed or image_raw'
    assert any(lost in line for line in graph.lines)
    assert graph.statuses == {'recorder': 1}


@pytest.mark.parametrize(
    ('published', 'recorded'),
    [
        ({'raw'}, {'/image_raw'}),
        pytest.param({'compressed'}, {'/image_raw/compressed'}, marks=pytest.mark.slow),
        ({'raw', 'compressed'}, {'/image_raw/compressed'}),
    ],
)
def test_images_are_recorded_however_they_come(tmp_path, published, recorded):
    """Compressed where somebody compresses, else as they are; what never came is told."""
    kinds = {
        'raw': ('image_raw', image_messages.to_image),
        'compressed': ('image_raw/compressed', image_messages.to_compressed_image),
    }
    recorder = spec('recorder', out=str(tmp_path / 'bag'))
    with live_graph([recorder]) as graph:
        stubs = Stubs(graph, make_rig())
        streams = []
        for kind in published:
            topic, convert = kinds[kind]
            message = convert(ImageFrame(1, np.zeros((288, 360, 3), np.uint8)), 'camera_optical')
            streams.append((graph.node.create_publisher(type(message), topic, 5), message))

        def is_told():
            stubs.describe_camera()
            for publisher, message in streams:
                publisher.publish(message)
            return any('recording for' in line for line in graph.lines)

        assert graph.spin_until(is_told), graph.lines
    (told,) = [line for line in graph.lines if 'recording for 10 s' in line]
    assert 'nothing on audio' in told
    assert recorded <= {f'/{word.strip(",;")}' for word in told.split()}
    with BagReader(tmp_path / 'bag') as reader:
        assert {t for t in reader.topics if 'image' in t} == recorded
    assert any('nothing came on audio' in line for line in graph.lines)
    assert graph.statuses == {'recorder': 1}
