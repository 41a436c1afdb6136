# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Conversion of corpora to rosbag2 bags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import merge
from pathlib import Path

import numpy as np

from av_tracker_nodes.datasets.av163 import FRAME_RATE, Av163, Sequence
from av_tracker_nodes.datasets.bag import BagWriter
from av_tracker_nodes.datasets.person_truth import PersonTruth, person_truth
from av_tracker_nodes.types import (
    NANOSECONDS,
    AudioBlock,
    ImageFrame,
    Modality,
    Track,
    TrackFrame,
    TrackState,
)

_ANNOTATION_ERROR = 0.012
"""Largest error of the annotated mouths (m), as the authors of the corpus state it."""


def convert_av163(
    root: str | Path,
    sequence: str,
    camera: int,
    out: str | Path,
    compressed: bool = True,
    progress: Callable[[float], None] | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Make a bag of one camera and all microphones of an AV16.3 sequence.

    Stamps are the timecode clock: the first audio sample is at 10 s.

    Parameters
    ----------
    root : str or Path
        Directory of the corpus.
    sequence : str
        Full or short name.
    camera : int
        1, 2 or 3.
    out : str or Path
        Bag to write.
    compressed : bool
        Store images as JPEG.
    progress : callable, optional
        Called now and then with the share done, 0..1.
    overwrite : bool
        Replace a bag that is there already.

    Returns
    -------
    Path
        The bag.

    Raises
    ------
    InputError
        When a part of the sequence is missing or malformed, or `out` exists.
    """
    recording = Av163(root).sequence(sequence)
    rig = recording.rig(camera)
    stamps = recording.image_stamps(camera)
    recording.audio_files()
    recording.video_file(camera)
    truth = dict(zip(stamps.tolist(), ground_truth(recording, camera), strict=True))
    start = min(recording.audio_start, int(stamps[0]))
    with BagWriter(out, overwrite=overwrite) as bag:
        bag.write_rig(rig, start)
        for log_time, record in _in_log_order(recording, camera):
            if isinstance(record, AudioBlock):
                bag.write_audio(record)
                continue
            bag.write_image(record, rig.camera, compressed=compressed)
            if record.stamp in truth:
                bag.write_ground_truth(truth[record.stamp])
            if progress is not None:
                progress(min((log_time - start) / (int(stamps[-1]) - start + 1), 1.0))
    if progress is not None:
        progress(1.0)
    return Path(out)


def _in_log_order(
    recording: Sequence, camera: int
) -> Iterator[tuple[int, AudioBlock | ImageFrame]]:
    """Merge images and sound; a block comes when its last sample has been taken."""
    images = ((frame.stamp, frame) for frame in recording.frames(camera))
    sound = (
        (block.stamp + (len(block.samples) - 1) * NANOSECONDS // block.rate, block)
        for block in recording.audio_blocks()
    )
    return merge(sound, images, key=lambda pair: pair[0])


def ground_truth(recording: Sequence, camera: int) -> list[TrackFrame]:
    """Where everybody truly is at each image of a camera.

    Tracks carry the number of the person as id; somebody without annotation at that time has
    none, somebody out of the image no box.
    """
    stamps = recording.image_stamps(camera)
    people = [_tracks(person_truth(recording, p, camera), stamps) for p in recording.people]
    return [
        TrackFrame(int(stamp), tuple(track for track in tracks if track is not None))
        for stamp, *tracks in zip(stamps, *people, strict=True)
    ]


def _tracks(person: PersonTruth, stamps: np.ndarray) -> list[Track | None]:
    unknown = np.zeros(len(stamps), bool)
    speaking = unknown if person.speaking is None else person.speaking
    velocity = np.nan_to_num(np.gradient(person.mouth, axis=0) * FRAME_RATE)
    covariance = np.diag([_ANNOTATION_ERROR**2] * 3 + [0.0] * 3)
    tracks = [
        Track(
            person.person,
            TrackState.CONFIRMED,
            person.mouth[frame],
            velocity[frame],
            covariance,
            person.box[frame] if person.visible[frame] else None,
            float(speaking[frame]),
            bool(speaking[frame]),
            1.0,
            Modality.NONE,
            int(stamps[0]),
        )
        for frame in range(len(stamps))
    ]
    return [None if np.isnan(track.position).any() else track for track in tracks]
