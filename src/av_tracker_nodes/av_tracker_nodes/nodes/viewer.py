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

"""Node: shows what the other nodes publish in rerun, for machines without RViz."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from sensor_msgs.msg import CompressedImage, Image

from av_tracker_msgs import msg as av
from av_tracker_nodes.nodes.conversions import from_acoustic_map
from av_tracker_nodes.nodes.image_input import ImageInput
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.rig_listener import RigListener
from av_tracker_nodes.recordings.messages import from_tracks, stamp_of
from av_tracker_nodes.viewing.recording import open_recording, require_rerun

_AS_IT_IS = 'jpeg', 'jpg', 'jpeg compressed bgr8'
"""Formats that the viewer decodes by itself, and rightly."""


class Viewer(StageNode):
    """Draws images, acoustic maps and tracks, each when it comes and at its stamp."""

    def __init__(self, **node_options: object) -> None:
        super().__init__('viewer', **node_options)
        self.parameter('save', '', 'Recording to write (.rrd); empty to open the viewer')
        RigListener.declare(self)
        ImageInput.declare(self)

    def configure(self) -> None:
        """Listen to what is to be drawn."""
        require_rerun()
        self._open = ExitStack()
        self._sensors = RigListener(self)
        self._images = ImageInput(self)
        self._images.subscribe(self._see)
        self.subscribe(av.AcousticMap, 'acoustic_map', self._hear)
        self.subscribe(av.SpeakerTrackArray, 'speaker_tracks', self._follow)

    def activate(self) -> None:
        """Open the viewer, or begin the recording."""
        from av_tracker_nodes.viewing.scene import SceneView

        save = self.value('save')
        recording = self._open.enter_context(open_recording(Path(save) if save else None))
        self._scene = SceneView(recording)

    def deactivate(self) -> None:
        """Finish the recording."""
        self._open.close()

    def _see(self, message: Image | CompressedImage) -> None:
        self.counts['images'] += 1
        stamp = stamp_of(message.header)
        self._place(stamp)
        if isinstance(message, CompressedImage) and message.format.endswith(_AS_IT_IS):
            self._scene.draw_encoded(stamp, message.data.tobytes(), 'image/jpeg')
        else:
            self._scene.draw_image(self._images.read(message))

    def _hear(self, message: av.AcousticMap) -> None:
        self.counts['maps'] += 1
        self._place(stamp_of(message.header))
        self._scene.draw_map(from_acoustic_map(message, self.leave_out))

    def _place(self, stamp: int) -> None:
        """Draw the sensors where they are at a stamp (ns), once that is known."""
        rig = self._sensors.rig(stamp)
        if rig is not None:
            self._scene.draw_rig(rig, stamp)

    def _follow(self, message: av.SpeakerTrackArray) -> None:
        self.counts['tracks'] += 1
        self._scene.draw_tracks(from_tracks(message, self.leave_out))


def main() -> int:
    """Run the node."""
    return run(Viewer)


if __name__ == '__main__':
    sys.exit(main())
