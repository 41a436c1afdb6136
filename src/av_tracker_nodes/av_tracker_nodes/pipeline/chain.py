# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The stages chained without ROS: the same recording gives the same tracks as the live graph."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from av_tracker_nodes.acoustics.own_voice import OwnVoice
from av_tracker_nodes.acoustics.stage import acoustic_stage
from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.fusion import DEFAULT_MODEL, FusionModel, create_fusion
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.launching.durations import Durations
from av_tracker_nodes.recordings.bag import REPLAY_PATIENCE
from av_tracker_nodes.synchronisation import Cycle, CycleTrigger
from av_tracker_nodes.types import (
    NANOSECONDS,
    AcousticMap,
    AudioBlock,
    FaceFrame,
    ImageFrame,
    TrackFrame,
)
from av_tracker_nodes.vision.stage import FaceStage

_LOOKAHEAD = 16
"""Records read ahead of the trackers, so that faces are found while sound is mapped."""


class StageTimes:
    """How long each stage takes, call by call."""

    def __init__(self) -> None:
        self._durations: dict[str, Durations] = defaultdict(Durations)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the body of a ``with`` statement."""
        start = time.perf_counter_ns()
        yield
        self._durations[stage].add(time.perf_counter_ns() - start)

    def summary(self) -> dict[str, dict[str, float]]:
        """Return the median and the 95th and 99th percentile of each stage in milliseconds."""
        return {stage: durations.summary() for stage, durations in self._durations.items()}


@dataclass(frozen=True)
class Sensed:
    """What fusion is given.

    Attributes
    ----------
    faces : FaceFrame
    sound : AcousticMap
    image : np.ndarray or None
        None where there is none, or nobody asked for it.
    """

    faces: FaceFrame
    sound: AcousticMap
    image: np.ndarray | None


class Sensing:
    """Faces and acoustic maps, one record of a recording after the other.

    Parameters
    ----------
    rig : Rig
    measure : str
        Acoustic measure.
    needs_image : bool
        Pass the images on.
    face_model : Path, optional
        Face detector; the usual one if left out.
    times : StageTimes, optional
        Where to note how long it takes.
    sees, hears : bool
        False where nobody wants faces, or sound: images only set the stamps then, and maps are
        blank. What has no camera or no microphones does not either.

    Attributes
    ----------
    own_voice : OwnVoice
        To be told when the robot itself talks.
    """

    def __init__(
        self,
        rig: Rig,
        measure: str,
        needs_image: bool = True,
        face_model: Path | None = None,
        times: StageTimes | None = None,
        sees: bool = True,
        hears: bool = True,
    ) -> None:
        self.times = times or StageTimes()
        sees, hears = sees and rig.camera is not None, hears and rig.microphones is not None
        self._measure = measure
        self._faces = FaceStage(face_model) if sees else None
        self._acoustics = acoustic_stage(rig, measure) if hears else None
        self._trigger = CycleTrigger(patience=REPLAY_PATIENCE, hears=hears)
        self.own_voice = OwnVoice()
        self._needs_image = needs_image
        self._images: dict[int, np.ndarray] = {}

    def run(self, records: Iterable[AudioBlock | ImageFrame]) -> Iterator[Sensed]:
        """See and hear a whole recording.

        Parameters
        ----------
        records : iterable of AudioBlock and ImageFrame
            In the order in which they would arrive.

        Yields
        ------
        Sensed
            One for each image, and at 25 Hz where there are no images.
        """
        with ThreadPoolExecutor(max_workers=1) as worker:
            for record in self._detect_ahead(records, worker):
                cycles = (
                    self._hear(record) if isinstance(record, AudioBlock) else self._see(*record)
                )
                yield from map(self._sense, cycles)
        yield from map(self._sense, self._trigger.flush())

    def _detect_ahead(
        self, records: Iterable[AudioBlock | ImageFrame], worker: ThreadPoolExecutor
    ) -> Iterator[AudioBlock | tuple[ImageFrame, FaceFrame]]:
        """Replace each image by itself with its faces, detected some records ahead."""

        def begin(record: AudioBlock | ImageFrame) -> AudioBlock | tuple[ImageFrame, Future]:
            if isinstance(record, AudioBlock):
                return record
            return record, worker.submit(self._detect, record)

        def finish(begun: AudioBlock | tuple) -> AudioBlock | tuple[ImageFrame, FaceFrame]:
            return begun if isinstance(begun, AudioBlock) else (begun[0], begun[1].result())

        stream = iter(records)
        ahead = [begin(record) for record in islice(stream, _LOOKAHEAD)]
        for record in stream:
            ahead.append(begin(record))
            yield finish(ahead.pop(0))
        yield from map(finish, ahead)

    def _detect(self, image: ImageFrame) -> FaceFrame:
        if self._faces is None:
            height, width = image.image.shape[:2]
            return FaceFrame(image.stamp, (width, height))
        with self.times.measure('face_detector'):
            return self._faces.process(image)

    def _see(self, image: ImageFrame, faces: FaceFrame) -> list[Cycle]:
        if self._needs_image:
            self._images[image.stamp] = image.image
        return [*self._trigger.image(image.stamp, faces.image_size), *self._trigger.faces(faces)]

    def _hear(self, block: AudioBlock) -> list[Cycle]:
        if self._acoustics is None:
            return []
        self._acoustics.add(block)
        end = block.stamp + len(block.samples) * NANOSECONDS // block.rate
        return self._trigger.audio_until(end)

    def _sense(self, cycle: Cycle) -> Sensed:
        image = self._images.pop(cycle.faces.stamp, None)
        if self._acoustics is None:
            blank = AcousticMap.blank(cycle.faces.stamp, self._measure, cycle.from_image)
            return Sensed(cycle.faces, blank, image)
        with self.times.measure('acoustic_map'):
            sound = self._acoustics.process(cycle.faces, cycle.from_image)
        if self.own_voice.is_heard(sound.stamp):
            sound = sound.silenced()
        return Sensed(cycle.faces, sound, image)


class Following:
    """Fusion and tracks of what was sensed.

    Parameters
    ----------
    rig : Rig
        Geometry; its target frame is that of the tracks.
    fusion : FusionModel
    tracker : TrackerConfig, optional
    times : StageTimes, optional
        Where to note how long it takes.
    """

    def __init__(
        self,
        rig: Rig,
        fusion: FusionModel,
        tracker: TrackerConfig | None = None,
        times: StageTimes | None = None,
    ) -> None:
        self.times = times or StageTimes()
        self._rig, self._fusion, self._tracker = rig, fusion, SpeakerTracker(tracker)

    def process(self, sensed: Sensed) -> TrackFrame:
        """Go on with the next image."""
        image = sensed.image if self._fusion.needs_image else None
        with self.times.measure('fusion'):
            detections = self._fusion.process(sensed.faces, sensed.sound, self._rig, image)
        with self.times.measure('tracker'):
            return self._tracker.process(detections, self._rig.camera)


class Pipeline:
    """Faces, acoustic map, fusion and tracks, one record of a recording after the other.

    Parameters
    ----------
    rig : Rig
        Geometry; its target frame is that of the tracks. It needs no more than the model does.
    model : str or FusionModel
        Fusion model, or its name.
    tracker : TrackerConfig, optional
    face_model : Path, optional
        Face detector; the usual one if left out.
    on_map : callable, optional
        Called with every acoustic map.

    Attributes
    ----------
    own_voice : OwnVoice
        To be told when the robot itself talks.

    Raises
    ------
    InputError
        The model is missing, or needs a sensor that the rig does not have.
    """

    def __init__(
        self,
        rig: Rig,
        model: str | FusionModel = DEFAULT_MODEL,
        tracker: TrackerConfig | None = None,
        face_model: Path | None = None,
        on_map: Callable[[AcousticMap], None] | None = None,
    ) -> None:
        self.times = StageTimes()
        fusion = create_fusion(model) if isinstance(model, str) else model
        fusion.check_rig(rig, model if isinstance(model, str) else type(model).__name__)
        self._sensing = Sensing(
            rig,
            fusion.measure,
            fusion.needs_image,
            face_model,
            self.times,
            sees=fusion.sees,
            hears=fusion.hears,
        )
        self._following = Following(rig, fusion, tracker, self.times)
        self.own_voice = self._sensing.own_voice
        self._on_map = on_map

    def run(self, records: Iterable[AudioBlock | ImageFrame]) -> Iterator[TrackFrame]:
        """Track a whole recording; see `Sensing.run`."""
        for sensed in self._sensing.run(records):
            if self._on_map is not None:
                self._on_map(sensed.sound)
            yield self._following.process(sensed)
