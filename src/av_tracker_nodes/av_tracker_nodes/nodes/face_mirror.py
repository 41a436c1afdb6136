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

"""The faces as ``vision_msgs/Detection2DArray``, for tools that know no messages of ours."""

from __future__ import annotations

from std_msgs.msg import Header

from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.types import Face, FaceFrame

try:
    from vision_msgs import msg as vision
except ImportError:
    vision = None


class FaceMirror:
    """Publishes ``faces/detections`` where vision_msgs is installed; else does nothing."""

    def __init__(self, node: StageNode) -> None:
        self._publisher = None
        if vision is None:
            node.get_logger().info('vision_msgs is not installed: no faces/detections')
        else:
            self._publisher = node.advertise(vision.Detection2DArray, 'faces/detections')

    def publish(self, frame: FaceFrame, header: Header) -> None:
        """Publish the faces of an image when somebody listens."""
        if self._publisher is None or self._publisher.get_subscription_count() == 0:
            return
        detections = [_detection(face, header) for face in frame.faces]
        self._publisher.publish(vision.Detection2DArray(header=header, detections=detections))


def _detection(face: Face, header: Header) -> object:
    left, top, width, height = map(float, face.box)
    detection = vision.Detection2D(header=header, id=str(face.tracklet) if face.tracklet else '')
    detection.bbox.center.position.x = left + width / 2
    detection.bbox.center.position.y = top + height / 2
    detection.bbox.size_x, detection.bbox.size_y = width, height
    result = vision.ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = 'face', float(face.score)
    detection.results = [result]
    return detection
