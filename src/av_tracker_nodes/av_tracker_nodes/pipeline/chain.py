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

"""The stages chained without ROS: the same recording gives the same tracks as the live graph."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from av_tracker_nodes.acoustics import SoundMapper
from av_tracker_nodes.acoustics.own_voice import OwnVoice
from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.fusion import DEFAULT_MODEL, FusionModel, create_fusion
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.camera_checks import image_size_problem
from av_tracker_nodes.geometry.sensor_rig import (
    FixedRig,
    SensorRig,
    geometry_of,
)
from av_tracker_nodes.pipeline.profile import Profile
from av_tracker_nodes.recordings.bag import REPLAY_PATIENCE, Record
from av_tracker_nodes.synchronisation import (
    Cycle,
    CycleTrigger,
    FusionJoin,
    Joined,
    RateLimit,
)
from av_tracker_nodes.synchronisation.durations import Durations
from av_tracker_nodes.types import (
    AcousticMap,
    AudioBlock,
    DetectionFrame,
    FaceFrame,
    ImageFrame,
    Modality,
    TrackFrame,
    UnreadableImage,
    to_seconds,
)
from av_tracker_nodes.vision.stage import FaceStage

_logger = logging.getLogger(__name__)

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

    @property
    def is_passed_over(self) -> bool:
        """Whether nobody has looked at the image, nor listened."""
        is_attended = self.faces.is_searched or self.sound.is_heard
        return self.sound.from_image and not is_attended


@dataclass(frozen=True)
class _PassedOver:
    """Stamp (ns) of an image that nobody looks at: there are too many."""

    stamp: int


class Sensing:
    """Faces and acoustic maps, one record of a recording after the other.

    Parameters
    ----------
    rig : Rig or SensorRig
        A `SensorRig` is told what the recording tells of the sensors; until it knows where they
        are, and while that is out of date, images are answered with an empty map.
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
    profile : Profile, optional
        What it may cost.

    Attributes
    ----------
    own_voice : OwnVoice
        To be told when the robot itself talks.
    refused : Counter of str
        Blocks of sound that could not be heard, by the reason.
    """

    def __init__(
        self,
        rig: Rig | SensorRig,
        measure: str,
        needs_image: bool = True,
        face_model: Path | None = None,
        times: StageTimes | None = None,
        sees: bool = True,
        hears: bool = True,
        profile: Profile | None = None,
    ) -> None:
        self.times = times or StageTimes()
        profile = profile or Profile()
        self._rate = RateLimit(profile.max_rate)
        self._geometry = geometry_of(rig)
        sees, self._hears = sees and self._geometry.sees, hears and self._geometry.hears
        self._faces = FaceStage(face_model, scale=profile.scale) if sees else None
        self._measure = measure
        self._sound = SoundMapper(measure, config=profile.acoustics)
        self.refused = self._sound.refused
        self._is_stale = False
        if isinstance(self._geometry, FixedRig) and self._hears:
            self._use(self._geometry.rig(None))
        self._trigger = CycleTrigger(patience=REPLAY_PATIENCE, hears=self._hears)
        self.own_voice = OwnVoice()
        self._needs_image = needs_image
        self._join: FusionJoin[AcousticMap, FaceFrame, np.ndarray] = FusionJoin()

    @property
    def intruders(self) -> dict[int, str]:
        """Channels of sound that are no microphones, and why."""
        return self._sound.intruders()

    def run(self, records: Iterable[Record]) -> Iterator[Sensed]:
        """See and hear a whole recording.

        Parameters
        ----------
        records : iterable of Record
            In the order in which they would arrive.

        Yields
        ------
        Sensed
            One for each image, and at 25 Hz where there are no images.
        """
        with ThreadPoolExecutor(max_workers=1) as worker:
            for record in self._detect_ahead(records, worker):
                yield from map(_sensed, self._take(record))
        yield from map(_sensed, self._sense(self._trigger.flush()))
        yield from map(_sensed, self._join.flush())

    def _detect_ahead(
        self, records: Iterable[Record], worker: ThreadPoolExecutor
    ) -> Iterator[Record | tuple[ImageFrame, FaceFrame]]:
        """Replace each image by itself with its faces, detected some records ahead."""

        def begin(record: Record) -> Record | tuple[ImageFrame, Future]:
            if not isinstance(record, ImageFrame):
                return record
            if not self._rate.chooses(record.stamp):
                return _PassedOver(record.stamp)
            return record, worker.submit(self._detect, record)

        def finish(begun: Record | tuple) -> Record | tuple[ImageFrame, FaceFrame]:
            return (begun[0], begun[1].result()) if isinstance(begun, tuple) else begun

        stream = iter(records)
        ahead = [begin(record) for record in islice(stream, _LOOKAHEAD)]
        for record in stream:
            ahead.append(begin(record))
            yield finish(ahead.pop(0))
        yield from map(finish, ahead)

    def _detect(self, image: ImageFrame) -> FaceFrame:
        if self._faces is None:
            height, width = image.image.shape[:2]
            return FaceFrame(image.stamp, (width, height), is_searched=False)
        with self.times.measure('face_detector'):
            return self._faces.process(image)

    def _take(self, record: Record | tuple[ImageFrame, FaceFrame]) -> Iterator[Joined]:
        """Take in a record; yield the maps that are now complete."""
        if isinstance(record, tuple):
            yield from self._see(*record)
        elif isinstance(record, AudioBlock):
            yield from self._hear(record)
        elif isinstance(record, UnreadableImage | _PassedOver):
            yield from self._sense(self._trigger.image(record.stamp))
        else:
            self._geometry.take(record)

    def _see(self, image: ImageFrame, faces: FaceFrame) -> Iterator[Joined]:
        picture = image.image if self._needs_image else None
        yield from self._join.sight(image.stamp, faces, picture)
        yield from self._sense(self._trigger.image(image.stamp, faces.image_size))
        yield from self._sense(self._trigger.faces(faces))

    def _hear(self, block: AudioBlock) -> Iterator[Joined]:
        if not self._hears:
            return
        self._sound.offer(block)
        yield from self._sense(self._trigger.audio_until(block.end))

    def _sense(self, cycles: Iterable[Cycle]) -> Iterator[Joined]:
        for cycle in cycles:
            with self.times.measure('acoustic_map'):
                sound = self._map(cycle)
            if self.own_voice.is_heard(sound.stamp):
                sound = sound.silenced()
            yield from self._join.sound(cycle.faces.stamp, sound, cycle.from_image)

    def _map(self, cycle: Cycle) -> AcousticMap:
        stamp = cycle.faces.stamp
        if cycle.is_passed_over:
            return AcousticMap.blank(stamp, self._measure, cycle.from_image)
        rig = self._geometry.rig(stamp) if self._hears else None
        self._tell_outage(stamp)
        self._use(rig)
        return self._sound.map(cycle.faces, cycle.from_image)

    def _tell_outage(self, stamp: int) -> None:
        """Log when the place of a sensor goes out of date, and when it is known again."""
        stale = self._geometry.stale
        if bool(stale) == self._is_stale:
            return
        self._is_stale = bool(stale)
        if stale:
            why = self._geometry.problems[min(stale)]
            _logger.error('%.2f s: %s; no tracks until this is known', to_seconds(stamp), why)
        else:
            _logger.warning('%.2f s: the sensors have their place again', to_seconds(stamp))

    def _use(self, rig: Rig | None) -> None:
        """Take over where the sensors are, and tell what is odd the first time."""
        if rig is not None and self._sound.stage is None:
            for problem in self._geometry.problems.values():
                _logger.warning('%s', problem)
        self._sound.use(rig)


def _sensed(joined: Joined) -> Sensed:
    faces = joined.faces or FaceFrame(joined.stamp, (0, 0), is_searched=False)
    return Sensed(faces, joined.sound, joined.image)


class Tracking:
    """Fusion and tracks of what was sensed.

    Parameters
    ----------
    rig : Rig or SensorRig
        Geometry; its target frame is that of the tracks. While a `SensorRig` does not know where
        the sensors are, nothing is detected; while the place of its camera is out of date, nobody
        is told of either.
    fusion : FusionModel
    tracker : TrackerConfig, optional
    times : StageTimes, optional
        Where to note how long it takes.

    Attributes
    ----------
    is_placed : bool
        Whether it was known where the sensors are, the last time.
    misfit : str or None
        How the size of the last image differed from that of the calibration, where it did.
    """

    def __init__(
        self,
        rig: Rig | SensorRig,
        fusion: FusionModel,
        tracker: TrackerConfig | None = None,
        times: StageTimes | None = None,
    ) -> None:
        self.times = times or StageTimes()
        self._geometry, self._fusion = geometry_of(rig), fusion
        config = replace(tracker or TrackerConfig(), follows_heads=fusion.follows_heads)
        self._tracker = SpeakerTracker(config)
        self.is_placed = False
        self.misfit: str | None = None

    def process(self, sensed: Sensed) -> TrackFrame:
        """Go on with the next image."""
        rig = self._geometry.rig(sensed.sound.stamp)
        self.is_placed = rig is not None
        with self.times.measure('fusion'):
            detections = self._detect(sensed, rig)
        with self.times.measure('tracker'):
            camera = self._geometry.camera(sensed.sound.stamp)
            frame = self._tracker.process(detections, camera)
        return replace(frame, tracks=()) if 'camera' in self._geometry.stale else frame

    def _detect(self, sensed: Sensed, rig: Rig | None) -> DetectionFrame:
        self.misfit = self._misfit(sensed, rig)
        if rig is None or self.misfit is not None:
            sound = sensed.sound
            return DetectionFrame(sound.stamp, from_image=sound.from_image, without=Modality.BOTH)
        self._fusion.check_rig(rig)
        image = sensed.image if self._fusion.needs_image else None
        return self._fusion.process(sensed.faces, sensed.sound, rig, image)

    def _misfit(self, sensed: Sensed, rig: Rig | None) -> str | None:
        """Tell how the size of an image differs from that of the calibration, if it does."""
        size = sensed.faces.image_size
        if rig is None or rig.camera is None or not sensed.sound.from_image or not any(size):
            return None
        return image_size_problem(rig.camera, size)


class Pipeline:
    """Faces, acoustic map, fusion and tracks, one record of a recording after the other.

    Parameters
    ----------
    rig : Rig or SensorRig
        Geometry; its target frame is that of the tracks. It needs no more than the model does.
    model : str or FusionModel
        Fusion model, or its name.
    tracker : TrackerConfig, optional
    face_model : Path, optional
        Face detector; the usual one if left out.
    on_map : callable, optional
        Called with every acoustic map.
    profile : Profile, optional
        What it may cost.

    Attributes
    ----------
    own_voice : OwnVoice
        To be told when the robot itself talks.
    counts : Counter of str
        Answers so far: ``answers``, ``answers to images``, those with sound (``heard``), those to
        images that nobody looked at (``passed over``), those to images that came while it was not
        known where the sensors are (``unplaced``) or had another size than their calibration
        (``misfits``); ``faces``; and ``span``, the time (ns) from the first answer to the last.
    refused : Counter of str
        Blocks of sound that could not be heard, by the reason.

    Raises
    ------
    InputError
        The model is missing, or needs a sensor that the rig does not have.
    """

    def __init__(
        self,
        rig: Rig | SensorRig,
        model: str | FusionModel = DEFAULT_MODEL,
        tracker: TrackerConfig | None = None,
        face_model: Path | None = None,
        on_map: Callable[[AcousticMap], None] | None = None,
        profile: Profile | None = None,
    ) -> None:
        self.times = StageTimes()
        fusion = create_fusion(model) if isinstance(model, str) else model
        if isinstance(rig, Rig):
            fusion.check_rig(rig)
        self.counts: Counter[str] = Counter()
        self._began: int | None = None
        self._sees = fusion.sees
        self._sensing = Sensing(
            rig,
            fusion.measure,
            fusion.needs_image,
            face_model,
            self.times,
            sees=fusion.sees,
            hears=fusion.hears,
            profile=profile,
        )
        self._following = Tracking(rig, fusion, tracker, self.times)
        self.own_voice = self._sensing.own_voice
        self.refused = self._sensing.refused
        self.on_map = on_map

    @property
    def intruders(self) -> dict[int, str]:
        """Channels of sound that are no microphones, and why, as far as was heard until now."""
        return self._sensing.intruders

    def run(self, records: Iterable[Record]) -> Iterator[TrackFrame]:
        """Track a whole recording; see `Sensing.run`."""
        for sensed in self._sensing.run(records):
            if self.on_map is not None:
                self.on_map(sensed.sound)
            frame = self._following.process(sensed)
            self._count(sensed)
            yield frame

    def _count(self, sensed: Sensed) -> None:
        sound, counts = sensed.sound, self.counts
        self._began = sound.stamp if self._began is None else self._began
        counts['answers'] += 1
        counts['answers to images'] += sound.from_image
        counts['heard'] += sound.is_heard
        counts['passed over'] += self._sees and sensed.is_passed_over
        counts['unplaced'] += sound.from_image and not self._following.is_placed
        counts['misfits'] += self._following.misfit is not None
        counts['faces'] += len(sensed.faces.faces)
        counts['span'] = sound.stamp - self._began
