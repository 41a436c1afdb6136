# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""``av-tracker view`` on a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from av_tracker_nodes.fusion import DEFAULT_MODEL
from av_tracker_nodes.pipeline import Pipeline
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.synchronisation import shift_sound
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_seconds
from av_tracker_nodes.viewing.recording import open_recording


def view_bag(
    bag: Path,
    save: Path | None = None,
    model: str = DEFAULT_MODEL,
    audio_offset: float = 0.0,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Track a bag without ROS and show it.

    Parameters
    ----------
    bag : Path
        Bag to read.
    save : Path, optional
        Recording (.rrd) to write instead of opening the viewer.
    model : str
        Fusion model.
    audio_offset : float
        Added to the stamps of the sound (s).
    progress : callable, optional
        Called with the share done, 0..1.

    Raises
    ------
    InputError
        When the bag cannot be read, rerun-sdk is missing, the recording cannot be written, or
        there is no display.
    """
    with BagReader(bag) as reader, open_recording(save) as recording:
        from av_tracker_nodes.viewing.scene import SceneView

        rig = reader.rig()
        scene = SceneView(recording)
        scene.draw_rig(rig, reader.start_time)
        for truth in reader.ground_truth():
            scene.draw_truth(truth)
        pipeline = Pipeline(rig, model, on_map=scene.draw_map)
        records = (shift_sound(record, audio_offset) for record in reader.records())
        for frame in pipeline.run(_shown(records, scene.draw_image)):
            scene.draw_tracks(frame)
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
