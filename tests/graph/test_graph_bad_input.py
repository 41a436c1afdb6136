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

"""Malformed messages are a warning and a diagnostic, never the end of a node."""

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from live_graph import live_graph
from sensor_msgs.msg import CameraInfo, CompressedImage
from tf2_msgs.msg import TFMessage
from tiny_recording import RATE, make_rig

from av_tracker_msgs.msg import AudioBlock, MicrophoneArrayInfo
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec
from av_tracker_nodes.nodes import conversions, image_messages
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED, images
from av_tracker_nodes.types import ImageFrame

pytestmark = pytest.mark.graph

WARNING = b'\x01'


def warnings_of(graph, node, text):
    return [s for s in graph.statuses_of(node) if s.level == WARNING and text in s.message]


def value_of(graph, node, key):
    statuses = graph.statuses_of(node)
    return next((v.value for v in statuses[-1].values if v.key == key), None)


def test_nodes_survive_bad_messages():
    compressed = ('-p', 'image_transport:=compressed')
    specs = [
        NodeSpec(PACKAGE, 'face_detector', 'face_detector', ros_arguments=compressed),
        NodeSpec(PACKAGE, 'acoustic_map', 'acoustic_map', ros_arguments=compressed),
    ]
    rig = make_rig()
    with live_graph(specs) as graph:
        publish = {
            'audio': graph.node.create_publisher(AudioBlock, 'audio', AUDIO),
            'array': graph.node.create_publisher(MicrophoneArrayInfo, 'audio/array_info', LATCHED),
            'image': graph.node.create_publisher(
                CompressedImage, 'image_raw/compressed', images(reliable=True)
            ),
            'camera': graph.node.create_publisher(
                CameraInfo, 'camera_info', images(reliable=True)
            ),
            'tf': graph.node.create_publisher(TFMessage, '/tf_static', LATCHED),
        }
        wanted = ('audio', 'image', 'camera', 'array')
        assert graph.spin_until(
            lambda: all(publish[name].get_subscription_count() > 0 for name in wanted)
        ), graph.lines
        info = conversions.to_camera_info(rig.camera, 0, 'camera_optical')
        publish['array'].publish(conversions.to_array_info(rig.microphones, 0, 'mic_array'))

        # A camera without a place in the world.
        def calibrated() -> bool:
            publish['camera'].publish(info)
            return bool(warnings_of(graph, 'acoustic_map', "no transform from 'camera_optical'"))

        assert graph.spin_until(calibrated), graph.lines
        frames = [('camera_optical', rig.camera.pose), ('mic_array', rig.target_from_array)]
        publish['tf'].publish(TFMessage(transforms=[_placed(name, pose) for name, pose in frames]))
        assert graph.spin_until(lambda: value_of(graph, 'acoustic_map', 'ready') == 'True')

        # Sound whose size does not fit, and of a wrong rate; an image that is none.
        block = conversions.to_audio(
            0, 0, RATE, np.zeros((160, 16), np.int16), frame_id='mic_array'
        )
        block.frames = 99
        publish['audio'].publish(block)
        assert graph.spin_until(lambda: warnings_of(graph, 'acoustic_map', '99 x 16'))

        def complains() -> bool:
            publish['image'].publish(CompressedImage(data=b'not a picture'))
            return bool(warnings_of(graph, 'face_detector', 'cannot be decoded'))

        assert graph.spin_until(complains)
        good = conversions.to_audio(0, 0, RATE, np.zeros((160, 16), np.int16), 'mic_array')
        publish['audio'].publish(good)
        wrong = conversions.to_audio(0, 0, 8000, np.zeros((80, 16), np.int16), 'mic_array')
        publish['audio'].publish(wrong)
        assert graph.spin_until(lambda: warnings_of(graph, 'acoustic_map', '8000'), 20), [
            s.message for s in graph.statuses_of('acoustic_map')
        ]

        # They still work.
        stamp, block_duration = 150_000_000, 10_000_000
        image = ImageFrame(stamp, np.full((288, 360, 3), 99, np.uint8))
        picture = image_messages.to_compressed_image(image, 'camera_optical')

        def seen() -> bool:
            publish['image'].publish(picture)
            return stamp in graph.stamps('faces')

        assert graph.spin_until(seen), graph.lines
        silence = np.zeros((160, 16), np.int16)
        begin = stamp - block_duration
        publish['audio'].publish(conversions.to_audio(begin, 0, RATE, silence, 'mic_array'))
        assert graph.spin_until(lambda: stamp in graph.stamps('acoustic_map')), graph.lines
        assert all(p.poll() is None for p in graph.supervisor.processes.values())


def _placed(frame, pose) -> TransformStamped:
    return conversions.to_transform('world', frame, pose, 0)
