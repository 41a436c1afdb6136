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

"""Recordings tracked from their beginning to their end, for a table or for a viewer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.fusion import DEFAULT_MODEL, create_fusion
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.pipeline.chain import Pipeline
from av_tracker_nodes.pipeline.profile import Profile
from av_tracker_nodes.recordings.bag import BagReader, Sources
from av_tracker_nodes.recordings.bag.reader import Record
from av_tracker_nodes.recordings.tracks_csv import TrackWriter
from av_tracker_nodes.recordings.usage import Usage
from av_tracker_nodes.types import (
    AcousticMap,
    AudioBlock,
    ImageFrame,
    TrackFrame,
    UnreadableImage,
    to_seconds,
)


class Run:
    """One recording on its way through the chain.

    Parameters
    ----------
    reader : BagReader
    model : str
        Fusion model.
    tracker : TrackerConfig, optional
    mute : bool
        Put silence in the place of the sound.

    Raises
    ------
    InputError
        When the recording lacks what the model needs, its frames are not connected, or its
        images are not those of the calibration.
    """

    def __init__(
        self,
        reader: BagReader,
        model: str = DEFAULT_MODEL,
        tracker: TrackerConfig | None = None,
        mute: bool = False,
        profile: Profile | None = None,
    ) -> None:
        fusion = create_fusion(model)
        self._reader, self._fusion = reader, fusion
        self._mute = mute
        reader.check(fusion.sees, fusion.hears)
        self.sensors = reader.sensors(fusion.sees, fusion.hears)
        self.pipeline = Pipeline(self.sensors, fusion, tracker, profile=profile)
        self._duration_of_sound = 0
        for stamp, talks in reader.robot_speaking():
            self.pipeline.own_voice.tell(talks, stamp)

    def frames(
        self,
        progress: Callable[[float], None] | None = None,
        on_image: Callable[[ImageFrame | UnreadableImage], None] | None = None,
    ) -> Iterator[TrackFrame]:
        """Track the recording.

        Parameters
        ----------
        progress : callable, optional
            Called with the share done, 0..1.
        on_image : callable, optional
            Called with every image, also with those that cannot be read.

        Yields
        ------
        TrackFrame
        """
        reader = self._reader
        for frame in self.pipeline.run(self._records(on_image)):
            yield frame
            if progress is not None:
                progress(to_seconds(frame.stamp - reader.start_time) / max(reader.duration, 1e-9))

    def _records(
        self, on_image: Callable[[ImageFrame | UnreadableImage], None] | None
    ) -> Iterator[Record]:
        for record in self._reader.stream(self._fusion.sees, self._fusion.hears):
            if isinstance(record, AudioBlock):
                self._duration_of_sound += record.duration
                yield _silenced(record) if self._mute else record
                continue
            if on_image is not None and isinstance(record, (ImageFrame, UnreadableImage)):
                on_image(record)
            yield record

    def problems(self) -> list[str]:
        """Say what went wrong, once all frames have been taken; empty when nothing did."""
        usage = self.usage()
        compared = usage.sees and usage.hears
        clocks = self._reader.clock_problems() if compared else []
        return [*clocks, *usage.problems()]

    def notes(self) -> list[str]:
        """Say what was passed over, and what else is worth knowing."""
        refused = [
            f'{count} block{"s" if count > 1 else ""} of sound could not be heard: {reason}'
            for reason, count in self.pipeline.refused.items()
        ]
        intruders = self.pipeline.intruders.items()
        channels = [f'sound: channel {channel} {reason}' for channel, reason in intruders]
        rig = self.sensors.rig(None)
        alike = [rig.ambiguity] if rig is not None and rig.ambiguity else []
        told = self._reader.notes
        return [*self._reader.unusable.describe(), *refused, *told, *channels, *alike]

    def usage(self) -> Usage:
        """Tell how much of the recording was used, once all frames have been taken."""
        reader, counts = self._reader, self.pipeline.counts
        sees, hears = self._fusion.sees, self._fusion.hears and not self._mute
        unusable = reader.unusable.counts
        images = len(reader.image_stamps) if sees else 0
        unreadable, passed_over = unusable[reader.found.image], counts['passed over']
        return Usage(
            images=images,
            unreadable=unreadable,
            unplaced=counts['unplaced'],
            misfits=counts['misfits'],
            unanswered=images - counts['answers to images'] if sees else 0,
            passed_over=max(passed_over - unreadable, 0) if sees else 0,
            faces=counts['faces'],
            answers=counts['answers'] - passed_over,
            heard=counts['heard'],
            span=to_seconds(counts['span']),
            sound=to_seconds(self._duration_of_sound),
            sound_unreadable=unusable[reader.found.audio] + self.pipeline.refused.total(),
            sees=sees,
            hears=hears,
        )


def track_bag(
    bag: Path,
    out: Path,
    model: str = DEFAULT_MODEL,
    tracker: TrackerConfig | None = None,
    progress: Callable[[float], None] | None = None,
    mute: bool = False,
    audio_offset: float = 0.0,
    sources: Sources | None = None,
    profile: Profile | None = None,
) -> dict:
    """Track a bag as fast as possible and write ``tracks.csv`` and its companions.

    Parameters
    ----------
    bag, out : Path
        Bag to read, folder to write.
    model : str
        Fusion model.
    tracker : TrackerConfig, optional
    progress : callable, optional
        Called with the share done, 0..1.
    mute : bool
        Put silence in the place of the sound, to see what hearing is worth.
    audio_offset : float
        Added to the stamps of the sound (s).
    sources : Sources, optional
        Topics that are named, the frame of the tracks, and files for what the bag does not tell.
    profile : Profile, optional
        What it may cost.

    Returns
    -------
    dict
        What ``run.json`` says; ``problems`` lists what went wrong, and is empty where all that
        was asked for was done.

    Raises
    ------
    InputError
        When the bag cannot be read or the folder not be written, or when the bag lacks what the
        model needs.
    """
    sources = replace(sources or Sources(), audio_offset=audio_offset)
    with BagReader(bag, sources) as reader:
        run = Run(reader, model, tracker, mute, profile)
        start = time.perf_counter()
        with TrackWriter(out) as writer:
            for frame in run.frames(progress, lambda image: writer.saw(image.stamp)):
                writer.write(frame)
        seconds = time.perf_counter() - start
        usage = run.usage()
        answered = usage.images - usage.unanswered
        report = {
            'complete': True,
            'mode': 'offline',
            'model': model,
            'frames_in': usage.images,
            'frames_answered': answered,
            'lost_frames': usage.unanswered,
            'used': usage.as_json(),
            'summary': usage.describe(),
            'problems': run.problems(),
            'notes': run.notes(),
            'seconds': round(seconds, 3),
            'realtime_factor': round(reader.duration / seconds, 3),
            'frames_per_second': round(usage.images / seconds, 2),
            'latency_ms': run.pipeline.times.summary(),
        }
        writer.close(report)
    return report


class Viewer(Protocol):
    """Somebody who is shown a recording while it is tracked."""

    def draw_rig(self, rig: Rig, stamp: int) -> None:
        """Take the geometry, which holds from a stamp (ns) on."""

    def draw_truth(self, frame: TrackFrame) -> None:
        """Take where people really are at one time."""

    def draw_image(self, image: ImageFrame) -> None:
        """Take an image."""

    def draw_map(self, sound: AcousticMap) -> None:
        """Take where sound comes from."""

    def draw_tracks(self, frame: TrackFrame) -> None:
        """Take the tracks of one cycle."""


def watch_bag(
    bag: Path,
    open_viewer: Callable[[], AbstractContextManager[Viewer]],
    model: str = DEFAULT_MODEL,
    audio_offset: float = 0.0,
    progress: Callable[[float], None] | None = None,
    sources: Sources | None = None,
) -> tuple[list[str], list[str]]:
    """Track a bag and show everything to a viewer.

    Parameters
    ----------
    bag : Path
        Bag to read.
    open_viewer : callable
        Opens the viewer, once the bag has been found to be one.
    model : str
        Fusion model.
    audio_offset : float
        Added to the stamps of the sound (s).
    progress : callable, optional
        Called with the share done, 0..1.
    sources : Sources, optional
        Topics that are named, the frame of the tracks, and files for what the bag does not tell.

    Returns
    -------
    notes : list of str
        What was passed over, and what else is worth knowing.
    problems : list of str
        What went wrong; empty where nearly all was used.

    Raises
    ------
    InputError
        When the bag cannot be read, or lacks what the model needs.
    """
    sources = replace(sources or Sources(), audio_offset=audio_offset)
    with BagReader(bag, sources) as reader:
        run = Run(reader, model)
        with open_viewer() as viewer:
            for truth in reader.ground_truth():
                viewer.draw_truth(truth)
            shown: Rig | None = None

            def draw_map(sound: AcousticMap) -> None:
                nonlocal shown
                rig = run.sensors.rig(sound.stamp)
                if rig is not None and rig is not shown:
                    viewer.draw_rig(rig, reader.start_time if shown is None else sound.stamp)
                    shown = rig
                viewer.draw_map(sound)

            run.pipeline.on_map = draw_map

            def draw(image: ImageFrame | UnreadableImage) -> None:
                if isinstance(image, ImageFrame):
                    viewer.draw_image(image)

            for frame in run.frames(progress, draw):
                viewer.draw_tracks(frame)
        return run.notes(), run.problems()


def _silenced(block: AudioBlock) -> AudioBlock:
    return replace(block, samples=np.zeros_like(block.samples))
