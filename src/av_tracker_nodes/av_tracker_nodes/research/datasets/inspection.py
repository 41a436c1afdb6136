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

"""What of a downloaded corpus is missing or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.corpus import Recording
from av_tracker_nodes.research.datasets.person_truth import person_truth
from av_tracker_nodes.research.datasets.protocols import PROTOCOLS, Protocol
from av_tracker_nodes.research.datasets.recordings import CORPORA, open_corpus
from av_tracker_nodes.research.datasets.sequence_names import short_name
from av_tracker_nodes.research.progress import Progress

_UNFINISHED = ('.part', '.crdownload', '.download', '.tmp', '.aria2')


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes
    ----------
    corpus : str
        ``AV16.3`` or ``CAV3D``; of stand-ins, that which they stand for.
    sequences : tuple of str
        Those that are there.
    problems : tuple of (str, str)
        Sequence, and one line about what is missing or damaged.
    lacking : dict of str to tuple of str
        For each protocol of the corpus the sequences that cannot be run: they are not there, or
        without sound or images. Cameras are named where others of the sequence can be run.
    """

    corpus: str
    sequences: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]
    lacking: dict[str, tuple[str, ...]]


def inspect_corpus(root: str | Path, progress: Progress | None = None) -> Inspection:
    """Read every file of a corpus, every picture included.

    Parameters
    ----------
    root : str or Path
        Directory of AV16.3 or CAV3D.
    progress : callable, optional
        Called with the share done, 0..1, and the name of the next sequence.

    Raises
    ------
    InputError
        When there is no such directory, or no sequence in it.
    """
    corpus = open_corpus(root)
    names = corpus.sequences()
    if not names:
        known = ' or '.join(sorted(each.name for each in CORPORA))
        raise InputError(f'{root} holds no sequence of {known}')
    # Here, since it loads the simulator.
    from av_tracker_nodes.research.simulation.stand_ins import represented_corpus

    represented = represented_corpus(corpus)
    problems = []
    runnable: dict[str, set[int]] = {}
    for done, name in enumerate(names):
        if progress is not None:
            progress(done / len(names), f'reading {name}')
        recording = corpus.sequence(name)
        found = [*_of_files(recording), *_of_sound(recording)]
        for camera in recording.cameras:
            found += [*_of_pictures(recording, camera), *_of_geometry(recording, camera)]
        problems += [(name, problem) for problem in dict.fromkeys(found)]
        cameras = {camera for camera in recording.cameras if _can_run(recording, camera)}
        runnable[short_name(name)] = cameras
    lacking = {
        protocol.name: tuple(_lacking(protocol, runnable))
        for protocol in PROTOCOLS.values()
        if protocol.corpus == represented
    }
    return Inspection(represented, tuple(names), tuple(problems), lacking)


def _can_run(recording: Recording, camera: int) -> bool:
    """Tell whether there are sound, images and the times of both."""
    try:
        recording.require(camera)
        recording.image_stamps(camera)
        with closing(recording.frames(camera)) as frames:
            has_images = next(frames, None) is not None
        return has_images and max(recording.audio_lengths().values()) > 0
    except InputError:
        return False


def _lacking(protocol: Protocol, runnable: dict[str, set[int]]) -> Iterator[str]:
    for name in protocol.sequences:
        there = runnable.get(name, set())
        missing = [camera for camera in protocol.cameras if camera not in there]
        if len(missing) == len(protocol.cameras):
            yield name
        elif missing:
            cameras = 'cameras' if len(missing) > 1 else 'camera'
            yield f'{name} ({cameras} {", ".join(map(str, missing))})'


def _of_files(recording: Recording) -> Iterator[str]:
    for path in sorted(recording.directory.rglob('*')):
        if path.suffix in _UNFINISHED:
            yield f'{path} is an unfinished download'
        elif path.is_file() and path.stat().st_size == 0:
            yield f'{path} is empty'


def _of_sound(recording: Recording) -> Iterator[str]:
    try:
        lengths = recording.audio_lengths()
        for _ in recording.audio_blocks():
            pass
    except InputError as error:
        yield str(error)
        return
    if max(lengths.values()) == 0:
        yield f'the sound in {recording.directory} is empty'
    for path, length in lengths.items():
        if length < max(lengths.values()):
            yield f'{path} is {max(lengths.values()) - length} samples shorter than the longest'


def _of_pictures(recording: Recording, camera: int) -> Iterator[str]:
    try:
        stamps = recording.image_stamps(camera)
        count = sum(1 for _ in recording.frames(camera))
    except InputError as error:
        yield str(error)
        return
    if count != len(stamps):
        yield f'camera {camera}: {count} pictures, {len(stamps)} are listed'
    gaps = np.flatnonzero(np.diff(stamps) > 1.5e9 / recording.frame_rate)
    if len(gaps):
        yield f'camera {camera}: pictures are missing after number {gaps[0]}'


def _of_geometry(recording: Recording, camera: int) -> Iterator[str]:
    try:
        recording.rig(camera)
        for person in recording.people:
            truth = person_truth(recording, person, camera)
            if np.isnan(truth.mouth).all():
                yield f'camera {camera}: person {person} is annotated at none of the pictures'
    except InputError as error:
        yield str(error)
