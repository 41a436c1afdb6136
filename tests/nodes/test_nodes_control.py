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

"""Resetting stages and switching them off; what they forget and what they say."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from av_tracker_nodes.nodes import conversions, image_messages
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.face_detector import FaceDetector
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.tracker import Tracker
from av_tracker_nodes.types import (
    AcousticMap,
    Detection,
    DetectionFrame,
    Face,
    ImageFrame,
    Modality,
    to_nanoseconds,
)


class Kept(list):
    """A publisher that keeps what is sent."""

    def publish(self, message):
        self.append(message)

    def get_subscription_count(self):
        return 1


@pytest.fixture
def make(context):
    nodes = []

    def make(node_class, **parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        nodes.append(node_class(context=context, parameter_overrides=overrides))
        nodes[-1].start()
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


class Counter(ControlledNode):
    """Counts what it is told."""

    def __init__(self, **node_options):
        super().__init__('counter', **node_options)
        self.total = 0
        self.count = self.guarded(self._count)

    def reset(self):
        if self.total > 100:
            raise ValueError('too much to forget')
        self.total = 0

    def _count(self, number):
        self.total += number

    def switch(self, on):
        return self._enable(SetBool.Request(data=on), SetBool.Response())


def test_a_disabled_node_does_nothing_and_says_so(make):
    node = make(Counter)
    node.count(1)
    assert node.diagnose().message == 'running'
    node.problems['camera'] = 'no camera_info yet'
    answer = node.switch(False)
    assert (answer.success, answer.message) == (True, 'disabled')
    assert node.total == 0
    node.count(1)
    assert node.total == 0
    status = node.diagnose()
    assert (status.message, status.level) == ('disabled', DiagnosticStatus.OK)
    assert node.switch(True).message == 'enabled'
    node.count(2)
    assert node.total == 2
    assert node.diagnose().message == 'running'


def test_enabling_what_is_enabled_forgets_nothing(make):
    node = make(Counter)
    node.count(3)
    assert node.switch(True).success
    assert node.total == 3


def test_reset_forgets(make):
    node = make(Counter)
    node.count(3)
    assert node._reset(Trigger.Request(), Trigger.Response()).success
    assert node.total == 0
    assert node.counts['restarts'] == 1


def test_a_reset_that_fails_is_reported_and_survived(make):
    node = make(Counter)
    node.count(101)
    assert not node._reset(Trigger.Request(), Trigger.Response()).success
    assert 'too much to forget' in node.diagnose().message


def reset(node):
    assert node._reset(Trigger.Request(), Trigger.Response()).success


def test_face_detector_gives_new_tracklets(make):
    node = make(FaceDetector)
    node._faces = Kept()
    face = Face(np.array([100.0, 80, 40, 50]), 0.9)
    node._stage.detector.detect = lambda image: [face]
    image = np.zeros((288, 360, 3), np.uint8)

    def tracklet(seconds):
        frame = ImageFrame(to_nanoseconds(seconds), image)
        node._see(image_messages.to_image(frame, 'camera'))
        return node._faces[-1].faces[0].tracklet

    before = tracklet(1.0)
    assert tracklet(1.04) == before
    reset(node)
    assert tracklet(1.08) != before


def test_fusion_answers_what_waits(make):
    node = make(Fusion, model='vggcf')
    node._detections = Kept()
    nothing = AcousticMap(5, 5, 'vggcf', np.zeros((0, 0), np.float32), 0.0, 0.0, 0.0)
    node._hear(conversions.to_acoustic_map(nothing, 'mic_array'))
    assert node._detections == []
    reset(node)
    assert len(node._detections) == 1


def test_tracker_forgets_everybody_and_uses_no_id_again(make):
    node = make(Tracker)
    node._tracks = Kept()
    person = Detection(np.array([2.0, 0, 0]), 0.01 * np.eye(3), Modality.VISUAL)

    def ids(seconds):
        frame = DetectionFrame(to_nanoseconds(seconds), (person,))
        node._follow(conversions.to_detections(frame, 'world'))
        return [track.id for track in node._tracks[-1].tracks]

    for step in range(10):
        before = ids(1 + 0.04 * step)
    assert len(before) == 1
    reset(node)
    assert ids(1.4)[0] > before[0]
