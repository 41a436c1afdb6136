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

"""Conversion of corpora to rosbag2 bags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from heapq import merge
from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.research.datasets.corpus import Recording
from av_tracker_nodes.research.datasets.person_truth import PersonTruth, person_truth
from av_tracker_nodes.research.datasets.recordings import open_corpus
from av_tracker_nodes.research.parallel import in_processes, or_input_error
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.types import (
    AudioBlock,
    ImageFrame,
    Modality,
    Track,
    TrackFrame,
    TrackState,
)

_ANNOTATION_ERROR = 0.012
"""Largest error of the annotated mouths (m), as the authors of the corpus state it."""


def convert_sequence(
    root: str | Path,
    sequence: str,
    camera: int,
    out: str | Path,
    compressed: bool = True,
    progress: Progress | None = None,
    *,
    overwrite: bool = False,
    allow_short: bool = False,
) -> Path:
    """Make a bag of one camera and all microphones of a sequence of AV16.3 or CAV3D.

    The first audio sample is at 10 s.

    Parameters
    ----------
    root : str or Path
        Directory of the corpus.
    sequence : str
        Full or short name.
    camera : int
        1, 2 or 3 of AV16.3, 5 of CAV3D.
    out : str or Path
        Bag to write.
    compressed : bool
        Store images as JPEG.
    progress : Progress, optional
    overwrite : bool
        Replace a bag that is there already.
    allow_short : bool
        Take what there is of sound and video that were cut off.

    Returns
    -------
    Path
        The bag.

    Raises
    ------
    InputError
        When a part of the sequence is missing or malformed, or `out` exists.
    """
    recording = open_corpus(root).sequence(sequence)
    if allow_short:
        recording = replace(recording, allow_short=True)
    rig = recording.rig(camera)
    stamps = recording.image_stamps(camera)
    recording.require(camera)
    truth = dict(zip(stamps.tolist(), ground_truth(recording, camera), strict=True))
    start = min(recording.audio_start, int(stamps[0]))
    with BagWriter(out, overwrite=overwrite) as bag:
        bag.write_rig(rig, start)
        for log_time, record in records_in_log_order(recording, camera):
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


def convert_all(
    root: str | Path,
    out: str | Path,
    sequences: Sequence[str] = (),
    compressed: bool = True,
    jobs: int = 1,
    progress: Progress | None = None,
    *,
    allow_short: bool = False,
) -> tuple[list[Path], list[str]]:
    """Make a bag of every camera of every sequence that is not there yet.

    Bags appear when they are whole, so a conversion that was stopped goes on where it was.

    Parameters
    ----------
    root : str or Path
        Directory of the corpus.
    out : str or Path
        Folder of the bags, ``<sequence>-cam<c>``.
    sequences : sequence of str
        Full or short names; all that are there where left out.
    compressed : bool
        Store images as JPEG.
    jobs : int
        Processes.
    progress : Progress, optional
    allow_short : bool
        Take what there is of sound and video that were cut off.

    Returns
    -------
    bags : list of Path
        Those that are there now.
    problems : list of str
        Why each of the others is not.

    Raises
    ------
    InputError
        When there is no such corpus or sequence.
    """
    corpus, out = open_corpus(root), Path(out)
    names = [corpus.sequence(name).name for name in sequences] or corpus.sequences()
    if not names:
        raise InputError(f'{root} holds no sequence')
    views = [(name, camera) for name in names for camera in corpus.sequence(name).cameras]
    paths = {out / f'{name}-cam{camera}': (name, camera) for name, camera in views}
    missing = [path for path in paths if not path.exists()]
    problems = []
    tasks = {path: (root, *paths[path], path, compressed) for path in missing}
    convert = partial(or_input_error, partial(convert_sequence, allow_short=allow_short))
    for done, (path, result) in enumerate(in_processes(convert, tasks, jobs), 1):
        if isinstance(result, InputError):
            problems.append(f'{path.name}: {result}')
        if progress is not None:
            progress(1 - (len(missing) - done) / len(paths))
    return [path for path in paths if path.exists()], sorted(problems)


def records_in_log_order(
    recording: Recording, camera: int
) -> Iterator[tuple[int, AudioBlock | ImageFrame]]:
    """Merge images and sound, each with its log time (ns).

    A block comes when its last sample has been taken.
    """
    images = ((frame.stamp, frame) for frame in recording.frames(camera))
    sound = ((block.last_stamp, block) for block in recording.audio_blocks())
    return merge(sound, images, key=lambda pair: pair[0])


def ground_truth(recording: Recording, camera: int) -> list[TrackFrame]:
    """Where everybody truly is at each image of a camera.

    Tracks carry the number of the person as id; somebody without annotation at that time has
    none, somebody out of the image no box.
    """
    stamps = recording.image_stamps(camera)
    people = [
        true_tracks(person_truth(recording, person, camera), stamps, recording.frame_rate)
        for person in recording.people
    ]
    return [
        TrackFrame(int(stamp), tuple(track for track in tracks if track is not None))
        for stamp, *tracks in zip(stamps, *people, strict=True)
    ]


def true_tracks(person: PersonTruth, stamps: np.ndarray, frame_rate: int) -> list[Track | None]:
    """Where a person truly is at stamps (ns) of images, None where that is not known."""
    unknown = np.zeros(len(stamps), bool)
    speaking = unknown if person.speaking is None else person.speaking
    velocity = np.nan_to_num(np.gradient(person.mouth, axis=0) * frame_rate)
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
