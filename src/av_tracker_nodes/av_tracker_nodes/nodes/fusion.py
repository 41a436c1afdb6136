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

"""Node: faces, acoustic map and, where the model wants it, the image in; detections out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from std_msgs.msg import Header

from av_tracker_msgs import msg as av
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import (
    DEFAULT_MODEL,
    DEVICES,
    FUSION_MODELS,
    check_provider,
    create_fusion,
)
from av_tracker_nodes.fusion.config import FusionConfig
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.camera_checks import image_size_problem
from av_tracker_nodes.nodes.clock import InputWatch
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.conversions import from_acoustic_map, from_faces, to_detections
from av_tracker_nodes.nodes.depth_input import DepthInput
from av_tracker_nodes.nodes.image_input import ImageInput
from av_tracker_nodes.nodes.joins import SimpleFilter, TimeSynchronizer
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.rig_listener import RigListener
from av_tracker_nodes.nodes.waiting import WAITING, declare_waiting
from av_tracker_nodes.recordings.plausible import checked_detection, usable
from av_tracker_nodes.synchronisation import Arrival, FusionJoin, Joined, Rounds
from av_tracker_nodes.types import JUMP, AcousticMap, DetectionFrame, FaceFrame, Modality

_QUEUE = 250
_QUIET = 1.0
"""Input that stopped for so long (s) does not go on: what waits is answered."""


class _Joining:
    """Joins the messages of one stamp: faces, map and, where it is wanted, the picture.

    Parameters
    ----------
    with_pictures : bool
    on_joined : callable
        Called with faces, map and picture, if any.
    """

    def __init__(self, with_pictures: bool, on_joined: Callable[..., None]) -> None:
        self.faces, self.maps, self.pictures = SimpleFilter(), SimpleFilter(), SimpleFilter()
        sources = [self.faces, self.maps, *([self.pictures] if with_pictures else [])]
        TimeSynchronizer(sources, queue_size=_QUEUE).registerCallback(on_joined)


@dataclass(frozen=True)
class _Stamped:
    """What a message says: converted when it comes, while the map is still being made."""

    header: Header
    value: Any


class Fusion(ControlledNode):
    """Publishes detections for every acoustic map, in the order of the maps.

    Faces, map and image are joined by their exact stamp; :class:`FusionJoin` says when a map is
    answered without what has not come.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('fusion', **node_options)
        self.parameter('model', DEFAULT_MODEL, 'Fusion model', choices=FUSION_MODELS)
        self.parameter('model_file', '', 'Network to run; empty for the one that is shipped')
        self.parameter('device', 'auto', 'Where a network runs', choices=DEVICES)
        self.declare(FusionConfig)
        declare_waiting(self)
        RigListener.declare(self)
        ImageInput.declare(self)
        DepthInput.declare(self)

    def configure(self) -> None:
        """Load the model."""
        self._model = create_fusion(
            self.value('model'), self.value('model_file'), self.value('device')
        )
        self.facts['provider'] = self._model.device
        if self._model.network is not None:
            self._tell_fallback(check_provider(self.value('device'), self._model.device))
        self._check_senses()
        self._sensors = RigListener(self)
        self._join: FusionJoin[AcousticMap, FaceFrame, np.ndarray] = FusionJoin()
        self._rounds = Rounds()
        self._answered_until = 0
        self._input = InputWatch(self.clock, _QUIET)
        self._detections = self.advertise(av.FusedDetectionArray, 'fused_detections')
        self._depth = DepthInput(self)
        self.hold_until(lambda: self._sensors.rig(None) is not None)
        self._joining = self._begin_joining()
        self.subscribe(av.FaceArray, 'faces', self._see)
        self.subscribe(av.AcousticMap, 'acoustic_map', self._hear, needed=True)
        if self._model.needs_image:
            self._images = ImageInput(self)
            self._images.subscribe(self._look)
        self.add_timer(_QUIET / 4, self._answer_the_rest)

    def check(self, values: Mapping[str, Any]) -> None:
        """Hold the numbers of the models to their ranges."""
        self.settings_of(FusionConfig, values)

    def adapt(self) -> None:
        """Give the model its numbers, and set how long faces are waited for."""
        self._model.reconfigure(self.settings_of(FusionConfig))
        self._join.wait_for(**{name: self.value(name) for name in WAITING})

    def _tell_fallback(self, fallback: str | None) -> None:
        if fallback is not None:
            self.facts['fallback'] = fallback
            self.get_logger().warning(fallback)

    def _check_senses(self) -> None:
        """Refuse to be without a sensor that the model needs."""
        for sense, sensor in (('sees', 'a camera'), ('hears', 'microphones')):
            if getattr(self._model, sense) and not self.value(sense):
                raise InputError(
                    f"fusion: model '{self.value('model')}' needs {sensor}, but parameter {sense} "
                    'is false'
                )

    def reset(self) -> None:
        """Forget the heads of earlier images; maps that still wait are answered first."""
        self._answer(self._join.flush())
        self._join.reset()
        self._rounds.forget()
        self._joining = self._begin_joining()
        self._model.reset()
        self._answered_until = 0

    # ---- input

    def _begin_joining(self) -> _Joining:
        return _Joining(self._model.needs_image, self.guarded(self._take_joined))

    def _see(self, message: av.FaceArray) -> None:
        faces = from_faces(message, self.leave_out)
        self._note('faces', faces.stamp)
        self._joining.faces.signalMessage(_Stamped(message.header, faces))
        self._answer(self._join.faces(faces.stamp, faces))

    def _look(self, message: object) -> None:
        frame = self._images.read(message)
        self._note('pictures', frame.stamp)
        self._joining.pictures.signalMessage(_Stamped(message.header, frame.image))

    def _hear(self, message: av.AcousticMap) -> None:
        sound = from_acoustic_map(message, self.leave_out)
        self.counts['in'] += 1
        self._note('maps', sound.stamp)
        self._joining.maps.signalMessage(_Stamped(message.header, sound))
        self._answer(self._join.sound(sound.stamp, sound, sound.from_image))

    def _take_joined(self, faces: _Stamped, _: _Stamped, picture: _Stamped | None = None) -> None:
        image = None if picture is None else picture.value
        self._answer(self._join.sight(faces.value.stamp, faces.value, image))

    def _note(self, stream: str, stamp: int) -> None:
        self._input.note()
        if self._rounds.arrive(stream, stamp) is Arrival.JUMPS_BACK:
            # A full synchroniser takes what is older than all that it holds for too old.
            self._joining = self._begin_joining()

    def _answer_the_rest(self) -> None:
        if self._input.has_stopped():
            self._answer(self._join.flush())

    # ---- output

    def _answer(self, joined: list[Joined]) -> None:
        for each in joined:
            if each.stamp < self._answered_until - JUMP:
                self._model.reset()
                self.counts['resets'] += 1
            self._answered_until = each.stamp
            self.guarded(self._fuse, always=True)(each)
        self.counts['late faces'] = self._join.late

    def _fuse(self, joined: Joined) -> None:
        began = time.monotonic_ns()
        stamp, from_image = joined.stamp, joined.from_image
        if joined.faces is None and from_image:
            self.counts['without faces'] += 1
        rig = self._sensors.rig(stamp)
        frame = DetectionFrame(stamp, from_image=from_image, without=Modality.BOTH)
        self.counts['unplaced'] += rig is None and from_image
        try:
            if rig is not None and self._fits(joined.faces, rig):
                self._model.check_rig(rig)
                faces = joined.faces or FaceFrame(stamp, (0, 0), is_searched=False)
                faces = self._depth.measured(faces, rig.camera)
                frame = self._model.process(faces, joined.sound, rig, joined.image)
                people = usable(frame.detections, checked_detection, self.leave_out)
                frame = replace(frame, detections=people)
        finally:
            self._detections.publish(to_detections(frame, self._sensors.target_frame))
            self.answered(stamp, began, from_image)

    def _fits(self, faces: FaceFrame | None, rig: Rig) -> bool:
        """Tell whether an image has the size that its camera is calibrated for."""
        if faces is None or rig.camera is None:
            return True
        problem = image_size_problem(rig.camera, faces.image_size)
        self.note('image size', problem and f'the camera has {problem}', is_fault=True)
        self.counts['misfits'] += problem is not None
        return problem is None


def main() -> int:
    """Run the node."""
    return run(Fusion)


if __name__ == '__main__':
    sys.exit(main())
