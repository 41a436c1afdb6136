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

"""Node: images in, faces out."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from av_tracker_msgs.msg import FaceArray
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.conversions import to_faces
from av_tracker_nodes.nodes.face_mirror import FaceMirror
from av_tracker_nodes.nodes.image_input import ImageInput
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.recordings.messages import stamp_of
from av_tracker_nodes.recordings.plausible import checked_face, usable
from av_tracker_nodes.synchronisation import MAX_RATE, RateLimit
from av_tracker_nodes.types import JUMP
from av_tracker_nodes.vision.stage import FaceStage
from av_tracker_nodes.vision.yunet import SCALE


class FaceDetector(ControlledNode):
    """Publishes the faces of every image that it looks at, none included.

    Of fast cameras it passes images over. Live it takes the newest image and drops those it has
    no time for; with `reliable_images` all come.
    """

    has_own_thread = True

    def __init__(self, **node_options: object) -> None:
        super().__init__('face_detector', **node_options)
        self.parameter('model', '', 'YuNet in ONNX; empty for the one that is shipped')
        self.parameter(
            'scale', SCALE, 'Images are enlarged by this to find small faces', 0.25, 4.0, live=True
        )
        self.parameter(
            'threshold', 0.6, 'Faces with a lower score are dropped', 0.0, 1.0, live=True
        )
        self.parameter(
            'lips',
            True,
            'Estimate speech from the motion of mouths, if faces are large enough',
            live=True,
        )
        self.parameter(
            'looks',
            True,
            'Describe how people look, so that somebody who comes back is known again',
            live=True,
        )
        self.parameter(
            'max_rate',
            MAX_RATE,
            'At most so many images a second are searched for faces; the others get predicted '
            'tracks; 0 for all (Hz)',
            0.0,
            240.0,
            live=True,
        )
        ImageInput.declare(self)

    def configure(self) -> None:
        """Load the detector."""
        model = self.value('model')
        self._stage = FaceStage(Path(model) if model else None)
        self.facts['provider'] = self._stage.detector.execution_provider
        self._newest = 0
        self._rate = RateLimit()
        self._faces = self.advertise(FaceArray, 'faces')
        self._mirror = FaceMirror(self)
        self._images = ImageInput(self)
        self._images.subscribe(self._see, needed=True)

    def adapt(self) -> None:
        """Set what the detector looks for."""
        self._rate.rate = self.value('max_rate')
        self._stage.detector.scale = self.value('scale')
        self._stage.detector.threshold = self.value('threshold')
        self._stage.reads_lips = self.value('lips')
        self._stage.sees_looks = self.value('looks')

    def reset(self) -> None:
        """Forget the faces of earlier images."""
        self._stage.reset()
        self._newest = 0

    def _see(self, message: object) -> None:
        began = time.monotonic_ns()
        self.counts['in'] += 1
        if not self._rate.is_due(stamp_of(message.header)):
            self.counts['passed over'] += 1
            return
        frame = self.readable(partial(self._images.read, message))
        self._rate.take(frame.stamp)
        if frame.stamp < self._newest - JUMP:
            self.reset()
        self._newest = max(frame.stamp, self._newest)
        seen = self._stage.process(frame)
        faces = replace(seen, faces=usable(seen.faces, checked_face, self.leave_out))
        self.counts['faces'] += len(faces.faces)
        self._faces.publish(to_faces(faces, message.header.frame_id))
        self.answered(frame.stamp, began)
        self._mirror.publish(faces, message.header)


def main() -> int:
    """Run the node."""
    return run(FaceDetector)


if __name__ == '__main__':
    sys.exit(main())
