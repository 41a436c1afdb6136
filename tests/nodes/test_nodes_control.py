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
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import ask, tell

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
from av_tracker_nodes.vision.yunet import YuNet


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
        return ask(self, 'enable', data=on)


def test_a_disabled_node_does_nothing_and_says_so(start):
    node = start(Counter)
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


def test_enabling_what_is_enabled_forgets_nothing(start):
    node = start(Counter)
    node.count(3)
    assert node.switch(True).success
    assert node.total == 3


def test_reset_forgets(start):
    node = start(Counter)
    node.count(3)
    assert ask(node, 'reset').success
    assert node.total == 0
    assert node.counts['restarts'] == 1


def test_a_reset_that_fails_is_reported_and_survived(start):
    node = start(Counter)
    node.count(101)
    assert not ask(node, 'reset').success
    assert 'too much to forget' in node.diagnose().message


def reset(node):
    assert ask(node, 'reset').success


def test_face_detector_gives_new_tracklets(start, monkeypatch):
    node = start(FaceDetector)
    face = Face(np.array([100.0, 80, 40, 50]), 0.9)
    monkeypatch.setattr(YuNet, 'detect', lambda *_: [face])
    image = np.zeros((288, 360, 3), np.uint8)

    def tracklet(seconds):
        frame = ImageFrame(to_nanoseconds(seconds), image)
        tell(node, 'image_raw', image_messages.to_image(frame, 'camera'))
        return node.sent['faces'][-1].faces[0].tracklet

    before = tracklet(1.0)
    assert tracklet(1.04) == before
    reset(node)
    assert tracklet(1.08) != before


def test_fusion_answers_what_waits(start):
    node = start(Fusion, model='vggcf')
    nothing = AcousticMap(5, 5, 'vggcf', np.zeros((0, 0), np.float32), 0.0, 0.0, 0.0)
    tell(node, 'acoustic_map', conversions.to_acoustic_map(nothing, 'mic_array'))
    assert node.sent['fused_detections'] == []
    reset(node)
    assert len(node.sent['fused_detections']) == 1


def test_tracker_forgets_everybody_and_uses_no_id_again(start):
    node = start(Tracker)
    person = Detection(np.array([2.0, 0, 0]), 0.01 * np.eye(3), Modality.VISUAL)

    def ids(seconds):
        frame = DetectionFrame(to_nanoseconds(seconds), (person,))
        tell(node, 'fused_detections', conversions.to_detections(frame, 'world'))
        return [track.id for track in node.sent['speaker_tracks'][-1].tracks]

    for step in range(10):
        before = ids(1 + 0.04 * step)
    assert len(before) == 1
    reset(node)
    assert ids(1.4)[0] > before[0]
