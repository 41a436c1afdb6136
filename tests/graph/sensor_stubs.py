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

"""What the sensors and the tracker publish, made by hand, for one node under test."""

from fnmatch import fnmatch

from sensor_msgs.msg import CameraInfo
from tf2_msgs.msg import TFMessage

from av_tracker_msgs import msg as av
from av_tracker_nodes.nodes import conversions
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED, RESULTS, images
from av_tracker_nodes.types import AudioBlock, TrackFrame


def placed(rig):
    """Where camera and microphones are in the world."""
    places = {'camera_optical': rig.camera.pose, 'mic_array': rig.target_from_array}
    return TFMessage(
        transforms=[
            conversions.to_transform('world', frame, pose, 0) for frame, pose in places.items()
        ]
    )


class Stubs:
    """Publishers of sound, geometry, faces and tracks in a live graph."""

    def __init__(self, graph, rig):
        make = graph.node.create_publisher
        self.graph, self.rig = graph, rig
        self.audio = make(av.AudioBlock, 'audio', AUDIO)
        self.tracks = make(av.SpeakerTrackArray, 'speaker_tracks', RESULTS)
        self.faces = make(av.FaceArray, 'faces', RESULTS)
        self._array = make(av.MicrophoneArrayInfo, 'audio/array_info', LATCHED)
        self._frames = make(TFMessage, '/tf_static', LATCHED)
        self._camera = make(CameraInfo, 'camera_info', images(reliable=True))
        self._array.publish(conversions.to_array_info(rig.microphones, 0, 'mic_array'))
        self._frames.publish(placed(rig))

    def describe_camera(self, stamp=0):
        """Send the calibration, which is not latched."""
        self._camera.publish(conversions.to_camera_info(self.rig.camera, stamp, 'camera_optical'))

    def follow(self, stamp, *tracks):
        """Send tracks, and the calibration of the camera with them."""
        self.describe_camera()
        self.tracks.publish(to_tracks(TrackFrame(stamp, tracks), 'world'))

    def see(self, faces):
        self.faces.publish(conversions.to_faces(faces, 'camera_optical'))

    def hear(self, block: AudioBlock):
        self.audio.publish(
            conversions.to_audio(
                block.stamp, block.first_sample, block.rate, block.samples, 'mic_array'
            )
        )

    def topics(self, pattern):
        """Names and types of topics that somebody publishes."""
        node = self.graph.node
        return {
            name: kinds[0]
            for name, kinds in node.get_topic_names_and_types()
            if fnmatch(name, pattern) and node.count_publishers(name)
        }
