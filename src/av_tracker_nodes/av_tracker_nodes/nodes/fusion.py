# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Node: faces, acoustic map and, where the model wants it, the image in; detections out."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_msgs import msg as av
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import (
    DEFAULT_MODEL,
    DEVICES,
    FUSION_MODELS,
    check_provider,
    create_fusion,
)
from av_tracker_nodes.nodes.clock import InputWatch
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.conversions import from_acoustic_map, from_faces, to_detections
from av_tracker_nodes.nodes.depth_input import DepthInput
from av_tracker_nodes.nodes.image_input import ImageInput
from av_tracker_nodes.nodes.joins import SimpleFilter, TimeSynchronizer
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.rig_listener import RigListener
from av_tracker_nodes.recordings.messages import from_image, stamp_of
from av_tracker_nodes.recordings.plausible import checked_detection, usable
from av_tracker_nodes.synchronisation import StampedBuffer, drop_before_jump
from av_tracker_nodes.types import (
    JUMP,
    AcousticMap,
    DetectionFrame,
    FaceFrame,
    to_nanoseconds,
)

_QUEUE = 250
_PICTURES = to_nanoseconds(0.5)
"""Pictures are kept decoded for this long (ns)."""
_QUIET = 1.0
"""Input that stopped for so long (s) does not go on: what waits is answered."""


@dataclass
class _Waiting:
    """An acoustic map that waits for the faces of its image."""

    sound: AcousticMap
    faces: FaceFrame | None = None
    image: np.ndarray | None = None


class Fusion(ControlledNode):
    """Publishes detections for every acoustic map, in the order of the maps.

    Faces, map and image are joined by their exact stamp. A map whose image the face detector
    passed over is answered without faces, as are those of sound alone.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('fusion', **node_options)
        self.parameter('model', DEFAULT_MODEL, 'Fusion model', choices=FUSION_MODELS)
        self.parameter('model_file', '', 'Network to run; empty for the one that is shipped')
        self.parameter('device', 'auto', 'Where a network runs', choices=DEVICES)
        self.parameter(
            'faces_timeout',
            0.08,
            'Wait this long for the faces of a map (s)',
            0.0,
            10.0,
            live=True,
        )
        self.parameter(
            'patience',
            0.0,
            'Added to the waiting (s): a replay waits longer, so that nothing is lost',
            0.0,
            10.0,
            live=True,
        )
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
        self._waiting: deque[_Waiting] = deque()
        self._pictures: StampedBuffer[np.ndarray] = StampedBuffer(_PICTURES)
        self._newest = 0
        self._input = InputWatch(self.clock, _QUIET)
        self._detections = self.output(av.FusedDetectionArray, 'fused_detections')
        self._depth = DepthInput(self)
        self._joined = self._join_inputs()
        self.every(_QUIET / 4, self._answer_the_rest)

    def adapt(self) -> None:
        """Set how long faces are waited for."""
        self._timeout = to_nanoseconds(self.value('faces_timeout') + self.value('patience'))

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

    def start_anew(self) -> None:
        """Forget the heads of earlier images; maps that still wait are answered first."""
        self._answer_all()
        self._model.reset()
        self._pictures.clear()
        self._newest = 0

    def _join_inputs(self) -> TimeSynchronizer:
        faces, maps, pictures = SimpleFilter(), SimpleFilter(), SimpleFilter()
        self.listen(av.FaceArray, 'faces', faces.signalMessage)
        self.listen(av.AcousticMap, 'acoustic_map', maps.signalMessage, needed=True)
        # Before the synchroniser: a map waits before it is joined.
        maps.registerCallback(self.guarded(self._hear))
        sources = [faces, maps]
        if self._model.needs_image:
            ImageInput(self).listen(pictures.signalMessage)
            # Decoded while the map of the image is still being made.
            pictures.registerCallback(self.guarded(self._look))
            sources.append(pictures)
        joined = TimeSynchronizer(sources, queue_size=_QUEUE)
        joined.registerCallback(self.guarded(self._join))
        return joined

    # ---- input

    def _hear(self, message: av.AcousticMap) -> None:
        self._input.note()
        self.counts['in'] += 1
        sound = from_acoustic_map(message, self.leave_out)
        if sound.stamp < self._newest - JUMP:
            drop_before_jump(self._joined.queues, self._newest, sound.stamp)
            self.start_anew()
            self.counts['resets'] += 1
        self._newest = max(sound.stamp, self._newest)
        self._waiting.append(_Waiting(sound))
        self._answer_complete()

    def _look(self, message: object) -> None:
        frame = from_image(message)
        self._pictures.add(frame.stamp, frame.image)

    def _join(
        self, faces: av.FaceArray, sound: av.AcousticMap, image: object | None = None
    ) -> None:
        stamp = stamp_of(sound.header)
        # Faces come in order: maps before this one get none any more.
        while self._waiting and self._waiting[0].sound.stamp < stamp:
            self._answer(self._waiting.popleft())
        if self._waiting and self._waiting[0].sound.stamp == stamp:
            self._waiting[0].faces = from_faces(faces, self.leave_out)
            if image is not None:
                self._waiting[0].image = self._picture(image)
        self._answer_complete()

    def _picture(self, message: object) -> np.ndarray:
        pixels = self._pictures.at(stamp_of(message.header))
        return from_image(message).image if pixels is None else pixels

    def _answer_the_rest(self) -> None:
        if self._input.has_stopped():
            self._answer_all()

    # ---- output

    def _answer_all(self) -> None:
        while self._waiting:
            self._answer(self._waiting.popleft())

    def _answer_complete(self) -> None:
        while self._waiting and self._is_complete(self._waiting[0]):
            self._answer(self._waiting.popleft())

    def _is_complete(self, waiting: _Waiting) -> bool:
        return (
            waiting.faces is not None
            or not self._model.sees
            or not waiting.sound.from_image
            or self._newest - waiting.sound.stamp >= self._timeout
        )

    def _answer(self, waiting: _Waiting) -> None:
        began = time.monotonic_ns()
        sound = waiting.sound
        if waiting.faces is None and sound.from_image and self._model.sees:
            self.counts['without faces'] += 1
        faces = waiting.faces or FaceFrame(sound.stamp, (0, 0))
        rig = self._sensors.rig(sound.stamp)
        frame = DetectionFrame(sound.stamp, from_image=sound.from_image)
        try:
            if rig is not None:
                self._model.check_rig(rig, self.value('model'))
                faces = self._depth.measured(faces, rig.camera)
                frame = self._model.process(faces, sound, rig, waiting.image)
                people = usable(frame.detections, checked_detection, self.leave_out)
                frame = replace(frame, detections=people)
        finally:
            self._detections.publish(to_detections(frame, self._sensors.target_frame))
            self.answered(sound.stamp, began, sound.from_image)


def main() -> int:
    """Run the node."""
    return run(Fusion)


if __name__ == '__main__':
    sys.exit(main())
