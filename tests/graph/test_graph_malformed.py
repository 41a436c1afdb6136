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

"""Whatever comes on a topic, nodes go on, and work when sense comes again."""

import inspect
import json

import numpy as np
import pytest
import rclpy
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lifecycle_msgs.srv import GetState
from live_graph import live_graph
from malformed import mutated
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from sensor_stubs import placed
from std_msgs.msg import Bool
from tf2_msgs.msg import TFMessage
from tiny_recording import RATE, VOICE, make_rig, truth_at

from av_tracker_msgs import msg as av
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.node_set import PACKAGE, STAGES, NodeSpec
from av_tracker_nodes.nodes import conversions, image_messages
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.nodes.face_detector import FaceDetector
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED, RESULTS, images
from av_tracker_nodes.nodes.speaker_beams import SpeakerBeams
from av_tracker_nodes.nodes.tracker import Tracker
from av_tracker_nodes.types import (
    AcousticMap,
    AcousticPeak,
    Detection,
    DetectionFrame,
    Face,
    FaceFrame,
    FaceSound,
    ImageFrame,
    Modality,
    to_nanoseconds,
)

pytestmark = pytest.mark.graph

PAUSE = 0.005
"""Seconds between messages; queues are deeper than what comes until somebody answers."""
STAMP = to_nanoseconds(5.0)
FRAMES = 160
BLOCK = to_nanoseconds(FRAMES / RATE)
RIG = make_rig()
CAMERA, ARRAY = 'camera_optical', 'mic_array'
GREY = np.full((288, 360, 3), 99, np.uint8)
TOPICS = {
    'audio': (av.AudioBlock, AUDIO),
    'audio/array_info': (av.MicrophoneArrayInfo, LATCHED),
    'image_raw/compressed': (CompressedImage, images(reliable=True)),
    'camera_info': (CameraInfo, images(reliable=True)),
    'depth/image': (Image, images(reliable=True)),
    'robot_speaking': (Bool, RESULTS),
    'faces': (av.FaceArray, RESULTS),
    'acoustic_map': (av.AcousticMap, RESULTS),
    'fused_detections': (av.FusedDetectionArray, RESULTS),
    'speaker_tracks': (av.SpeakerTrackArray, RESULTS),
    '/tf_static': (TFMessage, LATCHED),
}
NODES = {
    'face_detector': {'image_transport': 'compressed'},
    'acoustic_map': {'image_transport': 'compressed'},
    'fusion': {'image_transport': 'compressed', 'depth': True},
    'tracker': {'publish_tf': True},
    'speaker_beams': {},
}


def sound_at(stamp):
    samples = np.zeros((FRAMES, len(RIG.microphones.positions)), np.int16)
    first = round((stamp - STAMP) / BLOCK + 10_000) * FRAMES
    return conversions.to_audio(stamp, first, RATE, samples, ARRAY)


def image_at(stamp):
    return image_messages.to_compressed_image(ImageFrame(stamp, GREY), CAMERA)


def sensible():
    """A message of every topic, all of one stamp."""
    box = np.array([100.0, 80.0, 40.0, 50.0])
    embedding = np.eye(1, 64, dtype=np.float32)[0]
    face = Face(box, 0.9, np.full((5, 2), 110.0), 1, embedding)
    peak = AcousticPeak(VOICE, 0.1 * np.eye(3), VOICE / np.linalg.norm(VOICE), 0.3, 0.9)
    heard = FaceSound(1, np.full((8, 8), 0.2, np.float32), 0.3, 0.1, VOICE, 1.5, 0.2, 0.9)
    values = np.full((36, 45), 0.1, np.float32)
    sound = AcousticMap(
        STAMP, STAMP, 'vggcf', values, 8.0, 2.0, 1.0, (), (peak,), (heard,), from_image=True
    )
    detection = Detection(
        VOICE, 0.1 * np.eye(3), Modality.VISUAL | Modality.AUDIO, box, embedding=embedding
    )
    depth = Image(height=288, width=360, encoding='16UC1', step=720, data=bytes(288 * 720))
    depth.header = image_messages.to_image(ImageFrame(STAMP, GREY), CAMERA).header
    return {
        'audio': sound_at(STAMP),
        'audio/array_info': conversions.to_array_info(RIG.microphones, STAMP, ARRAY),
        'image_raw/compressed': image_at(STAMP),
        'camera_info': conversions.to_camera_info(RIG.camera, STAMP, CAMERA),
        'depth/image': depth,
        'robot_speaking': Bool(data=False),
        'faces': conversions.to_faces(FaceFrame(STAMP, (360, 288), (face,)), CAMERA),
        'acoustic_map': conversions.to_acoustic_map(sound, ARRAY),
        'fused_detections': conversions.to_detections(
            DetectionFrame(STAMP, (detection,)), 'world'
        ),
        'speaker_tracks': to_tracks(truth_at(STAMP), 'world'),
        '/tf_static': placed(RIG),
    }


SENSIBLE = sensible()


def anything_on(topics):
    """Topic and message, half of them sensible."""
    return st.sampled_from(sorted(topics)).flatmap(
        lambda topic: st.tuples(
            st.just(topic), st.just(SENSIBLE[topic]) | mutated(SENSIBLE[topic])
        )
    )


def receive_anything(receive, topics, examples, derandomize=False):
    """Call with lists of 20 to 40 topics and messages."""

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(messages=st.lists(anything_on(topics), min_size=20, max_size=40))
    def test(messages):
        receive(messages)

    test()


@pytest.fixture(scope='module')
def graph():
    arguments = tuple(f'{name}={json.dumps(values)}' for name, values in NODES.items())
    spec = NodeSpec(PACKAGE, 'av_tracker_all', 'av_tracker_all', arguments)
    with live_graph([spec]) as graph:
        graph.publishers = {
            topic: graph.node.create_publisher(kind, topic, quality)
            for topic, (kind, quality) in TOPICS.items()
        }
        connected = lambda: all(  # noqa: E731
            publisher.get_subscription_count() > 0
            for topic, publisher in graph.publishers.items()
            if topic != 'robot_speaking'
        )
        graph.spin_until(connected, 30)
        yield graph


CLASSES = {
    'face_detector': FaceDetector,
    'acoustic_map': AcousticMapNode,
    'fusion': Fusion,
    'tracker': Tracker,
    'speaker_beams': SpeakerBeams,
}


@pytest.fixture
def unforeseen(monkeypatch):
    """Errors of nodes that are not of their input."""
    found = []

    def report(node, error):
        if not isinstance(error, InputError):
            found.append((node.get_name(), error))

    for each in CLASSES.values():
        monkeypatch.setattr(each, '_report', report)
    return found


@pytest.fixture(params=CLASSES)
def callbacks(request):
    """What a node of this process is called back with, by topic."""
    context = rclpy.Context()
    rclpy.init(context=context)
    settings = [Parameter(name, value=value) for name, value in NODES[request.param].items()]
    node = CLASSES[request.param](context=context, parameter_overrides=settings)
    node.start()
    names = {f'/{topic.lstrip("/")}': topic for topic in TOPICS}
    yield {
        names[each.topic_name]: called_with_message(each.callback)
        for each in node.subscriptions
        if each.topic_name in names
    }
    node.destroy_node()
    rclpy.shutdown(context=context)


def called_with_message(callback):
    wants_info = len(inspect.signature(callback).parameters) == 2
    return (lambda message: callback((message, {}))) if wants_info else callback


@pytest.mark.slow
def test_nothing_is_unforeseen_by_callbacks(callbacks, unforeseen):
    """Without the middleware between, a hundred times as many come as over a graph."""

    def call(messages):
        for topic, message in messages:
            callbacks[topic](message)
        assert unforeseen == []

    receive_anything(call, callbacks, 400)


def assert_alive(graph):
    assert graph.supervisor.processes['av_tracker_all'].poll() is None, graph.lines


def survive(graph, examples, derandomize):
    client = graph.node.create_client(GetState, 'tracker/get_state')
    assert graph.spin_until(client.service_is_ready), graph.lines

    def send(messages):
        for topic, message in messages:
            graph.publishers[topic].publish(message)
            graph.spin_until(lambda: False, PAUSE)
        # Who answers has come through what was there before.
        answer = client.call_async(GetState.Request())
        assert graph.spin_until(answer.done), graph.lines
        assert_alive(graph)

    receive_anything(send, SENSIBLE, examples, derandomize)


def test_nodes_survive_anything(graph):
    survive(graph, 30, derandomize=True)


@pytest.mark.slow
def test_nothing_is_unforeseen_among_thousands(graph):
    """What is refused is told in a line, and what is not does no harm."""
    survive(graph, 100, derandomize=False)
    unforeseen = [line for line in graph.lines if 'Traceback' in line or 'RuntimeWarning' in line]
    assert unforeseen == [], graph.lines


def test_they_work_afterwards(graph):
    for topic in ('audio/array_info', 'camera_info', '/tf_static'):
        graph.publishers[topic].publish(SENSIBLE[topic])
    graph.spin_until(lambda: False, 1.0)
    begin = to_nanoseconds(20.0)
    sent = []

    def answered():
        """Send 40 ms, and look whether it was answered by all."""
        stamp = begin + len(sent) * 4 * BLOCK
        sent.append(stamp)
        for k in range(4):
            graph.publishers['audio'].publish(sound_at(stamp + k * BLOCK))
        graph.publishers['camera_info'].publish(
            conversions.to_camera_info(RIG.camera, stamp, CAMERA)
        )
        graph.publishers['image_raw/compressed'].publish(image_at(stamp))
        topics = ('faces', 'acoustic_map', 'fused_detections', 'speaker_tracks')
        return all(set(graph.stamps(topic)) & set(sent[5:]) for topic in topics)

    assert graph.spin_until(answered, 30), graph.lines[-30:]
    assert_alive(graph)
    for node in STAGES:
        assert graph.statuses_of(node), node
