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

"""The tracks as ``vision_msgs/Detection3DArray``, for tools that know no messages of ours."""

from __future__ import annotations

from collections.abc import Sequence

from geometry_msgs.msg import Point, Pose, Vector3
from std_msgs.msg import Header

from av_tracker_msgs.msg import SpeakerTrack
from av_tracker_nodes.geometry.head import FACE_HEIGHT, FACE_WIDTH, MOUTH_FROM_BOTTOM
from av_tracker_nodes.nodes.node_base import StageNode

try:
    from vision_msgs import msg as vision
except ImportError:
    vision = None

_MIDDLE_ABOVE_MOUTH = FACE_HEIGHT * (0.5 - MOUTH_FROM_BOTTOM)


class TrackMirror:
    """Publishes ``speaker_tracks/detections`` where vision_msgs is installed; else does nothing.

    Everybody who is confirmed is a ``person`` with the id of the track, its probability of
    existence as the score, the pose of the mouth, and a box around the head: as wide and high as
    a face, as deep as it is wide, upright and turned like the pose.
    """

    def __init__(self, node: StageNode) -> None:
        self._publisher = None
        if vision is None:
            node.get_logger().info('vision_msgs is not installed: no speaker_tracks/detections')
        else:
            self._publisher = node.advertise(vision.Detection3DArray, 'speaker_tracks/detections')

    def publish(self, header: Header, tracks: Sequence[SpeakerTrack]) -> None:
        """Publish the tracks of a cycle when somebody listens."""
        if self._publisher is None or self._publisher.get_subscription_count() == 0:
            return
        detections = [_detection(track, header) for track in tracks]
        self._publisher.publish(vision.Detection3DArray(header=header, detections=detections))


def _detection(track: SpeakerTrack, header: Header) -> object:
    mouth = track.pose.pose
    middle = Point(x=mouth.position.x, y=mouth.position.y, z=mouth.position.z)
    middle.z += _MIDDLE_ABOVE_MOUTH
    result = vision.ObjectHypothesisWithPose(pose=track.pose)
    result.hypothesis.class_id = 'person'
    result.hypothesis.score = track.existence_probability
    detection = vision.Detection3D(header=header, id=str(track.id), results=[result])
    detection.bbox.center = Pose(position=middle, orientation=mouth.orientation)
    detection.bbox.size = Vector3(x=FACE_WIDTH, y=FACE_WIDTH, z=FACE_HEIGHT)
    return detection
