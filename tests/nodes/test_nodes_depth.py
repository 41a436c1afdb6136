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

"""Depth images give faces their ranges, and never stand in the way of detections."""

import numpy as np
import pytest
from node_bench import catch, facts_of, tell
from sensor_msgs.msg import Image

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.nodes import fusion
from av_tracker_nodes.types import Face, FaceFrame

CAMERA = Camera(400.0, 400.0, 319.5, 239.5, (640, 480))
STAMP = 5_000_000_000
FACES = FaceFrame(STAMP, (640, 480), (Face(np.array([300.0, 220.0, 40.0, 40.0]), 0.9),))


@pytest.fixture
def fused(start, monkeypatch):
    """A node that fuses, and what makes ranges of the depth images that it gets."""
    inputs = catch(monkeypatch, fusion, 'DepthInput')
    node = start(fusion.Fusion, depth=True, model='visual')
    return node, inputs[0]


def keep(node, *arguments, **options):
    tell(node, 'depth/image', depth_image(*arguments, **options))


def depth_image(depth, encoding='16UC1', stamp=STAMP):
    message = Image(encoding=encoding, height=depth.shape[0], width=depth.shape[1])
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
    message.step = depth.shape[1] * depth.itemsize
    message.data = depth.tobytes()
    return message


@pytest.mark.parametrize(
    ('encoding', 'wall'),
    [('16UC1', np.full((480, 640), 2000, np.uint16)), ('32FC1', np.full((240, 320), 2, '<f4'))],
)
def test_faces_get_the_range_of_the_depth_image_of_their_time(fused, encoding, wall):
    node, depth = fused
    keep(node, wall, encoding, STAMP - 20_000_000)
    keep(node, 2 * wall, encoding, STAMP - 300_000_000)
    (face,) = depth.measured(FACES, CAMERA).faces
    assert face.range == pytest.approx(2.0, rel=0.01)
    assert node.counts['depth images used'] == 1


def test_without_a_depth_image_of_their_time_faces_stay_as_they_are(fused):
    node, depth = fused
    wall = np.full((480, 640), 2000, np.uint16)
    keep(node, wall, stamp=STAMP - 80_000_000)
    assert depth.measured(FACES, CAMERA) is FACES


def test_a_depth_image_that_is_not_registered_is_told_of_and_passed_over(fused):
    node, depth = fused
    keep(node, np.full((480, 848), 2000, np.uint16))
    assert depth.measured(FACES, CAMERA) is FACES
    assert 'not registered' in node.problems['depth']
    keep(node, np.full((480, 640), 2000, np.uint16))
    depth.measured(FACES, CAMERA)
    assert 'depth' not in node.problems


def test_another_encoding_is_refused(fused):
    node, _ = fused
    keep(node, np.zeros((4, 4), np.uint16), 'rgb8')
    assert "'rgb8' is not supported" in facts_of(node)['last error']
