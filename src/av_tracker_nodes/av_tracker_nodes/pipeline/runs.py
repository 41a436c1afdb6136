# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Recordings tracked from their beginning to their end, for a table or for a viewer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import numpy as np

from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.fusion import DEFAULT_MODEL
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.pipeline.chain import Pipeline
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.recordings.tracks_csv import TrackWriter
from av_tracker_nodes.synchronisation import shift_sound
from av_tracker_nodes.types import AcousticMap, AudioBlock, ImageFrame, TrackFrame, to_seconds


def track_bag(
    bag: Path,
    out: Path,
    model: str = DEFAULT_MODEL,
    tracker: TrackerConfig | None = None,
    progress: Callable[[float], None] | None = None,
    mute: bool = False,
    audio_offset: float = 0.0,
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

    Returns
    -------
    dict
        What ``run.json`` says.

    Raises
    ------
    InputError
        When the bag cannot be read or the folder not be written.
    """
    with BagReader(bag) as reader:
        pipeline = Pipeline(reader.rig(), model, tracker)
        _tell_own_voice(reader, pipeline)
        records = (shift_sound(record, audio_offset) for record in reader.records())
        records = map(_silenced, records) if mute else records
        writer = TrackWriter(out)
        start = time.perf_counter()
        for frame in _followed(reader, pipeline, records, progress):
            writer.write(frame)
        seconds = time.perf_counter() - start
        frames_in = len(reader.image_stamps)
        run = {
            'mode': 'offline',
            'model': model,
            'frames_in': frames_in,
            'frames_answered': writer.frames,
            'lost_frames': frames_in - writer.frames,
            'seconds': round(seconds, 3),
            'realtime_factor': round(reader.duration / seconds, 3),
            'frames_per_second': round(frames_in / seconds, 2),
            'latency_ms': pipeline.times.summary(),
        }
        writer.close(run)
    return run


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
) -> None:
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

    Raises
    ------
    InputError
        When the bag cannot be read.
    """
    with BagReader(bag) as reader, open_viewer() as viewer:
        rig = reader.rig()
        viewer.draw_rig(rig, reader.start_time)
        for truth in reader.ground_truth():
            viewer.draw_truth(truth)
        pipeline = Pipeline(rig, model, on_map=viewer.draw_map)
        _tell_own_voice(reader, pipeline)
        records = (shift_sound(record, audio_offset) for record in reader.records())
        shown = _shown(records, viewer.draw_image)
        for frame in _followed(reader, pipeline, shown, progress):
            viewer.draw_tracks(frame)


def _tell_own_voice(reader: BagReader, pipeline: Pipeline) -> None:
    """Tell a pipeline when the robot of a bag talks itself."""
    for stamp, talks in reader.robot_speaking():
        pipeline.own_voice.tell(talks, stamp)


def _followed(
    reader: BagReader,
    pipeline: Pipeline,
    records: Iterable[AudioBlock | ImageFrame],
    progress: Callable[[float], None] | None,
) -> Iterator[TrackFrame]:
    """Track the records of a bag, and tell how far it is."""
    for frame in pipeline.run(records):
        yield frame
        if progress is not None:
            progress(to_seconds(frame.stamp - reader.start_time) / reader.duration)


def _shown(
    records: Iterable[AudioBlock | ImageFrame], draw: Callable[[ImageFrame], None]
) -> Iterator[AudioBlock | ImageFrame]:
    """Draw the images among the records that pass."""
    for record in records:
        if isinstance(record, ImageFrame):
            draw(record)
        yield record


def _silenced(record: AudioBlock | ImageFrame) -> AudioBlock | ImageFrame:
    if isinstance(record, ImageFrame):
        return record
    return AudioBlock(
        record.stamp, record.first_sample, record.rate, np.zeros_like(record.samples)
    )
