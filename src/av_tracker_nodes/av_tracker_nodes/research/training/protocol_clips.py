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

"""Clips to learn on and to choose by, as publications split them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.datasets.corpus import Recording
from av_tracker_nodes.research.datasets.recordings import open_corpus
from av_tracker_nodes.research.datasets.training_protocols import TrainingProtocol, split_frames
from av_tracker_nodes.research.evaluation.truth import read_truth
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.corpus import make_sequence_clips

SPLIT = 'split.json'


def protocol_clips(
    protocol: TrainingProtocol,
    root: Path,
    data: Path,
    leaking: bool,
    load: Callable[[Sequence[Path]], list[Clip]],
    progress: Progress,
) -> tuple[list[Clip], list[Clip]]:
    """Make the clips of a training protocol that are missing, and split them.

    Parameters
    ----------
    protocol : TrainingProtocol
    root : Path
        Of the corpus.
    data : Path
        Folder of the clips.
    leaking : bool
        Shuffle frames, as published; see `split_frames`.
    load : callable
        Reads clips.
    progress : Progress

    Returns
    -------
    training, validation : list of Clip

    Raises
    ------
    InputError
        When something of a sequence is missing, or no leaking split has been published.
    """
    corpus = open_corpus(root)
    recordings = [corpus.sequence(name) for name in protocol.sequences]
    views = [(recording, camera) for recording in recordings for camera in recording.cameras]
    training, validation = [], []
    for number, (recording, camera) in enumerate(views):
        paths = make_sequence_clips(
            data, root, [recording.name], lambda share: None, cameras=(camera,)
        )
        frames = _scored(recording, camera, protocol)
        parts = split_frames(protocol, len(frames), recording.frame_rate, leaking, number)
        pieces = load(paths)
        training += _kept(pieces, frames[parts[0]])
        validation += _kept(pieces, frames[parts[1]])
        progress((number + 1) / len(views))
    return training, validation


def write_split(
    out: Path,
    protocol: TrainingProtocol,
    leaking: bool,
    training: Sequence[Clip],
    validation: Sequence[Clip],
) -> None:
    """Write ``split.json``: what was learnt on, how it was split, and whether the split leaks."""
    out.mkdir(parents=True, exist_ok=True)
    content = {
        'protocol': protocol.name,
        'source': protocol.source,
        'leaking': leaking,
        'images_to_learn_on': sum(len(clip.frames) for clip in training),
        'images_to_choose_by': sum(len(clip.frames) for clip in validation),
        'published_pairs': protocol.pairs,
    }
    write_json(out / SPLIT, content)


def _scored(recording: Recording, camera: int, protocol: TrainingProtocol) -> np.ndarray:
    """Numbers of the published images in which somebody is annotated."""
    truth = read_truth(recording.directory, camera, protocol.publication)
    if not truth.scored.any():
        raise InputError(f'{recording.name}, camera {camera}: nobody is annotated to learn on')
    return np.flatnonzero(truth.scored)


def _kept(pieces: Sequence[Clip], numbers: np.ndarray) -> list[Clip]:
    """Cut images, counted over all pieces of a recording, out of the pieces."""
    kept, first = [], 0
    for piece in pieces:
        inside = numbers[(numbers >= first) & (numbers < first + len(piece.frames))] - first
        if len(inside):
            kept.append(replace(piece, frames=tuple(piece.frames[i] for i in inside)))
        first += len(piece.frames)
    return kept
