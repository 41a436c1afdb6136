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

"""The camera node on a network camera: every image, its time, and its way back after a cut."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from live_graph import live_graph
from mjpeg_server import SIZE, MjpegCamera, number_of, numbered_image
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.calibration import save_camera
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec
from av_tracker_nodes.nodes.quality_of_service import images
from av_tracker_nodes.recordings.messages import stamp_of
from av_tracker_nodes.recordings.messages.images import from_image

pytestmark = pytest.mark.graph

EVERY_IMAGE = images(reliable=True)
CALIBRATED = Camera(300.0, 310.0, 160.5, 118.5, SIZE, np.array([-0.2, 0.05, 1e-3, -2e-3, 0.01]))


@pytest.fixture
def calibration(tmp_path):
    save_camera(tmp_path / 'camera.yaml', CALIBRATED)
    return str(tmp_path / 'camera.yaml')


@pytest.fixture
def network_camera():
    camera = MjpegCamera(rate=25)
    yield camera
    camera.cut()


def camera_spec(device, calibration, **parameters):
    values = {'device': device, 'calibration': calibration, 'reliable_images': True, **parameters}
    arguments = [a for k, v in values.items() for a in ('-p', f'{k}:={json.dumps(v)}')]
    return NodeSpec(PACKAGE, 'camera', 'camera', ros_arguments=tuple(arguments))


def listen(graph):
    graph.listen(Image, 'image_raw', EVERY_IMAGE)
    graph.listen(CompressedImage, 'image_raw/compressed', EVERY_IMAGE)
    graph.listen(CameraInfo, 'camera_info', EVERY_IMAGE)
    return graph.heard['image_raw'], graph.heard['image_raw/compressed']


def numbers(messages):
    return [number_of(from_image(message).image) for message in messages]


def messages_of(graph):
    return {status.message for status in graph.statuses_of('camera')}


def value_of(graph, key):
    values = graph.statuses_of('camera')[-1].values
    return next((value.value for value in values if value.key == key), None)


def test_images_are_counted_cut_and_restored(network_camera, calibration):
    with live_graph([camera_spec(network_camera.address, calibration)]) as graph:
        raw, compressed = listen(graph)
        assert graph.spin_until(lambda: len(raw) >= 100), graph.lines

        # None is lost, raw or compressed, and each is as it was sent.
        first = numbers(raw)[0]
        assert numbers(raw) == list(range(first, first + len(raw)))
        sent = numbers(compressed)
        assert sent == list(range(sent[0], sent[0] + len(sent)))
        expected = cv2.imencode('.jpg', numbered_image(sent[5]))[1].tobytes()
        assert bytes(compressed[5].data) == expected

        # Image and camera_info have one stamp, which is the time of capture.
        infos = {stamp_of(info.header): info for info in graph.heard['camera_info']}
        stamps = [stamp_of(message.header) for message in raw]
        # The topics are not connected at quite the same moment, nor read in step.
        assert set(stamps[5:-5]) <= set(infos)
        ours = time.time() - time.monotonic()
        captured = [network_camera.sent[number] + ours for number in numbers(raw)]
        errors = np.array(stamps) / 1e9 - captured
        # Of a busy machine the scheduler delays a few by more.
        assert np.median(np.abs(errors)) < 0.003
        assert np.percentile(np.abs(errors), 95) < 0.01
        info = infos[stamps[50]]
        assert (info.width, info.height) == SIZE
        np.testing.assert_allclose(np.reshape(info.k, (3, 3)), CALIBRATED.matrix)
        np.testing.assert_allclose(info.d, CALIBRATED.distortion)

        # The plug is pulled.
        network_camera.cut()
        assert graph.spin_until(lambda: any('no answer' in m for m in messages_of(graph)))
        seen = len(raw)
        graph.spin_until(lambda: False, 1.0)
        assert len(raw) == seen

        # And put in again: images go on, the diagnostics are clean.
        network_camera.restore()
        assert graph.spin_until(lambda: len(raw) >= seen + 50), graph.lines
        again = numbers(raw)[seen:]
        assert again == list(range(again[0], again[0] + len(again)))
        assert again[0] > numbers(raw)[seen - 1]
        graph.heard['/diagnostics'].clear()
        assert graph.spin_until(lambda: 'running' in messages_of(graph))
        assert int(value_of(graph, 'reopened')) >= 1
        assert all(p.poll() is None for p in graph.supervisor.processes.values())
    assert any('was cut off' in line for line in graph.lines)
    assert any('gives images' in line for line in graph.lines)


HANGING_READER = """
import sys, time
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

def hang(message):
    print('hangs', flush=True)
    time.sleep(1000)

rclpy.init()
node = rclpy.create_node('hanging_reader')
quality = QoSProfile(depth=1, reliability=ReliabilityPolicy[sys.argv[1]])
node.create_subscription(Image, 'image_raw', hang, quality)
rclpy.spin(node)
"""


@contextmanager
def hanging_reader(graph, reliability):
    """A process that is stopped amid its first image."""
    domain = str(graph.node.context.get_domain_id())
    process = subprocess.Popen(
        [sys.executable, '-c', HANGING_READER, reliability],
        env={**os.environ, 'ROS_DOMAIN_ID': domain},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        ready = lambda: select.select([process.stdout], [], [], 0)[0]  # noqa: E731
        assert graph.spin_until(ready), graph.lines
        assert process.stdout.readline() == 'hangs\n'
        process.send_signal(signal.SIGSTOP)
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize('reliability', ['BEST_EFFORT', 'RELIABLE'])
def test_a_reader_that_hangs_does_not_stall_the_camera(network_camera, calibration, reliability):
    """Neither its process that is stopped nor what it wanted holds up what others get."""
    spec = camera_spec(network_camera.address, calibration, reliable_images=False)
    with live_graph([spec]) as graph:
        graph.listen(Image, 'image_raw', images(reliable=False, depth=10))
        raw = graph.heard['image_raw']
        assert graph.spin_until(lambda: len(raw) > 5), graph.lines
        for offered in graph.node.get_publishers_info_by_topic('image_raw'):
            assert offered.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        with hanging_reader(graph, reliability):
            raw.clear()
            graph.spin_until(lambda: False, 4.0)
            # Of 100 images most, and the last one is as new as ever: many times the five that
            # are kept for who lags.
            assert len(raw) > 60
            assert time.time() - stamp_of(raw[-1].header) / 1e9 < 0.5


def test_a_camera_that_is_switched_on_later(network_camera, calibration):
    address = network_camera.address
    network_camera.cut()
    with live_graph([camera_spec(address, calibration)]) as graph:
        raw, _ = listen(graph)
        assert graph.spin_until(lambda: any('no answer' in m for m in messages_of(graph)))
        network_camera.restore()
        assert graph.spin_until(lambda: len(raw) > 5), graph.lines


def test_silence_is_reported(network_camera, calibration):
    with live_graph([camera_spec(network_camera.address, calibration)]) as graph:
        raw, _ = listen(graph)
        assert graph.spin_until(lambda: len(raw) > 5), graph.lines
        network_camera.stalls = True
        assert graph.spin_until(lambda: any('gives no images' in m for m in messages_of(graph)))
        network_camera.stalls = False
        seen = len(raw)
        assert graph.spin_until(lambda: len(raw) > seen + 5), graph.lines


def test_images_of_another_size_than_the_calibration(network_camera, tmp_path):
    save_camera(tmp_path / 'large.yaml', Camera(600.0, 600.0, 319.5, 239.5, (640, 480)))
    spec = camera_spec(network_camera.address, str(tmp_path / 'large.yaml'))
    with live_graph([spec]) as graph:
        raw, _ = listen(graph)
        assert graph.spin_until(lambda: any('320 x 240' in m for m in messages_of(graph)))
        assert any('640 x 480' in m for m in messages_of(graph))
        assert raw == []


@pytest.mark.parametrize(
    ('device', 'parameters', 'problem'),
    [
        ('/nowhere/video.mp4', {}, "no camera or video '/nowhere/video.mp4'"),
        ('0', {'width': 640}, 'images of 640 x 240 are asked for'),
        ('0', {'pixel_format': 'RGB3'}, 'must be one of'),
    ],
)
def test_wrong_parameters_end_the_node(calibration, device, parameters, problem):
    with live_graph([camera_spec(device, calibration, **parameters)]) as graph:
        graph.spin_to_the_end()
        assert graph.statuses == {'camera': 2}
        assert any(problem in line for line in graph.lines), graph.lines


def test_a_missing_device_is_waited_for(calibration):
    with live_graph([camera_spec('/dev/video98', calibration)]) as graph:
        waits = lambda: any("no camera '/dev/video98'. There" in m for m in messages_of(graph))  # noqa: E731
        assert graph.spin_until(waits), graph.lines
        assert all(p.poll() is None for p in graph.supervisor.processes.values())
