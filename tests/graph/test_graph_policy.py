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

"""The security policy allows what the running nodes do, and nothing else.

Whether a middleware enforces it is not tested: Fast DDS from wheels has no security plugins.
"""

import importlib.util
import json
from fnmatch import fnmatch

import numpy as np
import pytest
from builders import make_track
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from live_graph import live_graph
from message_packages import AUDIO_COMMON, HRI, build_messages, import_messages
from policy import Watch, read_policy
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from sensor_stubs import Stubs
from tf2_msgs.msg import TFMessage
from tiny_recording import RATE, START, VOICE, make_rig, truth_at

from av_tracker_msgs.msg import AudioBlock as AudioMessage
from av_tracker_nodes.geometry.calibration import save_camera, save_microphones
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec, node_set
from av_tracker_nodes.nodes.av_tracker_all import NODES
from av_tracker_nodes.nodes.quality_of_service import AUDIO, RESULTS
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.recordings.messages.images import to_image
from av_tracker_nodes.types import (
    NANOSECONDS,
    AudioBlock,
    Face,
    FaceFrame,
    ImageFrame,
    to_nanoseconds,
)

pytestmark = pytest.mark.graph

CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP
OF_OTHERS = {
    'face_detector': {('publish', 'faces/detections')},
    'tracker': {('publish', 'speaker_tracks/detections')},
    'microphone_array': {('publish', 'audio_stamped'), ('publish', 'audio_info')},
}
"""Topics that are there where message packages of others are."""
ON_DEMAND = {'speaker_beams': {('publish', 'speaker_*/audio'), ('subscribe', 'audio')}}
"""Topics that are there while somebody speaks and somebody listens."""
COMPRESSED = 'image_raw/compressed'
BOND = {('publish', 'bond'), ('subscribe', 'bond')}
"""Of every node that a manager starts, where bondpy is installed."""
VISION = {
    'Detection2DArray': 'std_msgs/Header header',
    'Detection3DArray': 'std_msgs/Header header',
}
NAMESPACE = 'robot'


def test_every_node_has_one_profile_of_its_own_and_one_in_the_single_process():
    profiles = {
        enclave.get('path'): [profile.get('node') for profile in enclave.iter('profile')]
        for enclave in read_policy().iter('enclave')
    }
    assert sorted(profiles.pop('/av_tracker/av_tracker_all')) == sorted(NODES)
    assert profiles == {f'/av_tracker/{node}': [node] for node in NODES}


class Process:
    """Nodes in one process, configured and activated from here."""

    def __init__(self, graph, nodes):
        self._graph, self._nodes = graph, nodes

    def change(self, *transitions, nodes=None):
        for node in nodes or self._nodes:
            for transition in transitions:
                request = ChangeState.Request(transition=Transition(id=transition))
                answer = self._call(ChangeState, f'{node}/change_state', request)
                assert answer.success, (node, transition, self._graph.lines)

    def set(self, node, **values):
        parameters = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        request = SetParameters.Request(parameters=parameters)
        answer = self._call(SetParameters, f'{node}/set_parameters', request)
        assert all(result.successful for result in answer.results), answer

    def _call(self, kind, name, request):
        client = self._graph.node.create_client(kind, name)
        assert self._graph.spin_until(client.service_is_ready), self._graph.lines
        future = client.call_async(request)
        assert self._graph.spin_until(future.done), self._graph.lines
        self._graph.node.destroy_client(client)
        return future.result()


def one_process(parameters, *ros_arguments):
    """Describe a process of nodes with their parameters, which wait to be configured."""
    arguments = tuple(f'{name}={json.dumps(values)}' for name, values in parameters.items())
    options = ('-p', 'autostart:=false', *ros_arguments)
    return NodeSpec(PACKAGE, 'av_tracker_all', 'av_tracker_all', arguments, options)


def describe_sensors(folder, rig):
    """Write descriptions with poses; return the parameters that name them."""
    camera, array = folder / 'camera.yaml', folder / 'array.yaml'
    save_camera(camera, rig.camera, parent='world')
    save_microphones(array, rig.microphones, pose=rig.target_from_array, parent='world')
    return {'calibration': str(camera)}, {'calibration': str(array)}


def write_everything(path, rig):
    """Write a bag with a message on every topic that a bag can have."""
    stamp = to_nanoseconds(START)
    image = ImageFrame(stamp, np.zeros((288, 360, 3), np.uint8))
    sound = np.zeros((160, len(rig.microphones.positions)), np.float32)
    with BagWriter(path) as bag:
        bag.write_rig(rig, stamp)
        for compressed in (False, True):
            bag.write_image(image, rig.camera, compressed=compressed)
        bag.write_audio(AudioBlock(stamp, 0, RATE, sound))
        bag.write_ground_truth(truth_at(stamp))
        bag.write_robot_speaking(True, stamp)
        depth = to_image(image, 'camera_optical')
        depth.encoding, depth.step = '16UC1', 2 * 360
        depth.data = np.zeros(2 * 360 * 288, np.uint8)
        kind = 'sensor_msgs/msg/Image'
        bag.write_raw('/depth/image', kind, stamp, messages.serialize(depth, kind))
        bag.write_raw('/tf', 'tf2_msgs/msg/TFMessage', stamp, serialize_message(TFMessage()))
    return str(path)


def test_nodes_do_what_they_may_and_nothing_else(tmp_path):
    """Those that need no messages of others, in a namespace, whichever way images come."""
    rig = make_rig()
    camera, array = describe_sensors(tmp_path, rig)
    every_stream = 'audio,audio/array_info,image_raw,image_raw/compressed,camera_info,'
    every_stream += 'depth/image,robot_speaking,/tf,/tf_static'
    bag = {'bag': write_everything(tmp_path / 'bag', rig), 'use_sim_time': False, 'depth': True}
    nodes = {
        'microphone_array': array,
        'camera': camera,
        'face_detector': {},
        'acoustic_map': {},
        'fusion': {'depth': True},
        'tracker': {'publish_tf': True},
        'speaker_beams': {},
        'bag_player': bag,
        'track_writer': {'out': str(tmp_path / 'out')},
        'recorder': {'out': str(tmp_path / 'recorded'), 'topics': every_stream},
    }
    if importlib.util.find_spec('rerun') is not None:
        nodes['viewer'] = {}
    see = [node for node in ('face_detector', 'fusion', 'viewer') if node in nodes]
    spec = one_process(nodes, '-p', 'use_sim_time:=true', '-r', f'__ns:=/{NAMESPACE}')
    with live_graph([spec], NAMESPACE) as graph:
        process, watch = Process(graph, nodes), Watch(graph, NAMESPACE)

        def idle():
            watch.look(nodes)
            return {
                (node, *allowed)
                for node in nodes
                for allowed in watch.unused(node) - OF_OTHERS.get(node, set()) - BOND
                if allowed not in ON_DEMAND.get(node, set())
            }

        process.change(CONFIGURE)
        graph.spin_until(lambda: {name for *_, name in idle()} <= {COMPRESSED}, 20)
        process.change(CLEANUP, nodes=[*see, 'bag_player'])
        for node in see:
            process.set(node, image_transport='compressed')
        process.set('bag_player', image_topic='/image_raw/compressed')
        process.change(CONFIGURE, nodes=[*see, 'bag_player'])
        graph.spin_until(lambda: not idle(), 20)
        assert idle() == set()
        assert watch.forbidden() == set()


@pytest.mark.slow
def test_live_nodes_do_nothing_that_they_may_not(recording, tmp_path):
    arguments = {'bag': str(recording.path), 'out': str(tmp_path), 'beams': 'true'}
    specs = node_set({**arguments, 'publish_tf': 'true'})
    nodes = [spec.name for spec in specs]
    with live_graph(specs) as graph:
        watch, beams = Watch(graph), set()

        def is_over():
            watch.look(nodes)
            for topic, _ in graph.node.get_topic_names_and_types():
                if fnmatch(topic, '/speaker_*/audio') and topic not in beams:
                    beams.add(topic)
                    graph.listen(AudioMessage, topic, AUDIO)
            return bool(graph.statuses)

        assert graph.spin_until(is_over, 90), graph.lines
        assert watch.forbidden() == set()
        assert watch.unused('speaker_beams') <= BOND


@pytest.mark.slow
def test_nodes_with_messages_of_others_do_what_they_may(tmp_path, monkeypatch):
    """Bridges and mirrors; somebody is seen and talks, and somebody looks and listens."""
    environment = build_messages(
        tmp_path, audio_common_msgs=AUDIO_COMMON, hri_msgs=HRI, vision_msgs=VISION
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    import_messages(environment, monkeypatch)
    from audio_common_msgs.msg import AudioData

    rig = make_rig()
    _, array = describe_sensors(tmp_path, rig)
    nodes = {
        'microphone_array': array,
        'audio_bridge': array,
        'face_detector': {},
        'tracker': {'publish_tf': True},
        'ros4hri_bridge': {},
    }
    with live_graph([one_process(nodes, '-p', 'use_sim_time:=true')]) as graph:
        process, watch, stubs = Process(graph, nodes), Watch(graph), Stubs(graph, rig)
        box = face_box(rig.camera, VOICE)
        face = Face(box, 0.9, np.zeros((0, 2)), tracklet=4)
        stamp = NANOSECONDS
        graph.listen(Image, '/humans/faces/f0004/cropped', RESULTS)
        graph.listen(AudioData, '/humans/voices/v0007/audio', AUDIO)

        def idle():
            nonlocal stamp
            stamp += NANOSECONDS // 25
            stubs.see(FaceFrame(stamp, rig.camera.size, (face,)))
            stubs.follow(stamp, make_track(7, VOICE, speaks=True, box=box))
            watch.look(nodes)
            return {(node, *allowed) for node in nodes for allowed in watch.unused(node) - BOND}

        process.change(CONFIGURE)
        process.change(ACTIVATE, nodes=['ros4hri_bridge'])
        see = ['face_detector', 'ros4hri_bridge']
        graph.spin_until(lambda: {name for *_, name in idle()} <= {COMPRESSED}, 20)
        process.change(DEACTIVATE, nodes=['ros4hri_bridge'])
        process.change(CLEANUP, nodes=see)
        for node in see:
            process.set(node, image_transport='compressed')
        process.change(CONFIGURE, nodes=see)
        process.change(ACTIVATE, nodes=['ros4hri_bridge'])
        graph.spin_until(lambda: not idle(), 20)
        assert idle() == set()
        assert watch.forbidden() == set()
