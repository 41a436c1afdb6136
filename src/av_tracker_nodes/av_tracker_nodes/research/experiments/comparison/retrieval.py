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

"""What contrastive learning learnt: whether a sound finds the face that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from av_tracker_nodes.fusion import network_file
from av_tracker_nodes.fusion.candidates import CandidateArrays, candidate_arrays, find_candidates
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.models.zoo import open_model
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import Sheet, print_sheets
from av_tracker_nodes.research.experiments.comparison.models import interval
from av_tracker_nodes.research.experiments.comparison.scenes import (
    Options,
    SceneFiles,
    load_scene,
    record_scenes,
)
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.training.clips import Clip, ClipFrame
from av_tracker_nodes.research.training.truths import NOBODY, true_positions, truth_of

_OUTPUTS = ('embedding', 'sight_embedding', 'sound_embedding')
_LATER = 50
"""Images after which the same people are sought again by their looks."""


@dataclass(frozen=True)
class _Faces:
    """Faces of one image that stand for different people."""

    arrays: CandidateArrays
    person: np.ndarray
    speaking: np.ndarray


def measure_retrieval(
    out: Path,
    network: Path | None,
    options: Options,
    progress_bar: ProgressBar,
) -> dict:
    """Measure how often the best match is the right one, and print and write it.

    Of images with two or more detected faces: the map of somebody who speaks against all faces of
    the image; the same with every number about places and sound hidden, so that crop and map
    alone tell; and a face against all faces `_LATER` images on, by identity.

    Parameters
    ----------
    out : Path
        Folder of ``retrieval.json``; recordings lie below it.
    network : Path or None
        ONNX file; None for the shipped AVCLNet.
    options : Options
    progress_bar : ProgressBar

    Returns
    -------
    dict
        For each task the share of right matches, its 95 % interval over scenes, and chance.
    """
    network = network or network_file('avclnet')
    scenes = record_scenes(out / 'scenes', options, progress_bar)
    session = open_model(network, 'fusion network', _OUTPUTS)
    tasks: dict[str, list[tuple[float, float]]] = {}
    with progress_bar('matching') as advance:
        for done, files in enumerate(scenes, 1):
            for task, score in _score_scene(session, files).items():
                tasks.setdefault(task, []).append(score)
            advance(done / len(scenes))
    result = {task: _summary(np.array(scores)) for task, scores in tasks.items()}
    write_json(out / 'retrieval.json', result)
    print_sheets([_sheet(result)])
    return result


def _score_scene(session, files: SceneFiles) -> dict[str, tuple[float, float]]:
    """Share of right matches, and chance, for each task."""
    clip = load_scene(files, 'vwswe')
    marks: dict[str, list[tuple[bool, float]]] = {
        'sound to face': [],
        'sound to face, numbers hidden': [],
        'face to face, 2 s later': [],
    }
    earlier: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for number, frame in enumerate(clip.frames):
        faces = _faces(frame, clip)
        if faces is None:
            continue
        looks, sight, sound = _embed(session, faces.arrays)
        hidden = replace(
            faces.arrays,
            sight=np.zeros_like(faces.arrays.sight),
            sound=np.zeros_like(faces.arrays.sound),
        )
        _, dim_sight, dim_sound = _embed(session, hidden)
        marks['sound to face'] += _matches(sound, sight, faces.speaking)
        marks['sound to face, numbers hidden'] += _matches(dim_sound, dim_sight, faces.speaking)
        earlier[number] = looks, faces.person
        if number - _LATER in earlier:
            marks['face to face, 2 s later'] += _same(*earlier[number - _LATER], looks, faces)
    return {task: tuple(np.mean(found, axis=0)) for task, found in marks.items() if found}


def _faces(frame: ClipFrame, clip: Clip) -> _Faces | None:
    """Measure the faces of an image that holds those of two or more people."""
    geometric = GeometricFusion('vwswe', size_alone=True).process(
        frame.faces, frame.sound, clip.rig
    )
    candidates = find_candidates(frame.faces, frame.sound, geometric)[: len(frame.faces.faces)]
    places = true_positions(frame.people, clip.rig)
    person = np.array([truth_of(each, places, clip.rig)[0] for each in candidates], int)
    rows = [row for row, who in enumerate(person) if who != NOBODY]
    if len(set(person[rows])) < 2 or len(set(person[rows])) < len(rows):
        return None
    arrays = candidate_arrays([candidates[r] for r in rows], frame.sound, clip.rig, frame.image)
    speaking = frame.people.speaking[person[rows]] > 0
    return _Faces(arrays, person[rows], speaking)


def _embed(session, arrays: CandidateArrays) -> Sequence[np.ndarray]:
    feed = {
        'crops': arrays.crops,
        'maps': arrays.maps,
        'sight': arrays.sight,
        'sound': arrays.sound,
        'global_map': arrays.global_map[None],
        'valid': np.ones((1, len(arrays.crops)), bool),
    }
    return session.run(_OUTPUTS, feed)


def _matches(
    queries: np.ndarray, keys: np.ndarray, asked: np.ndarray
) -> Iterator[tuple[bool, float]]:
    """Tell of each query that is asked whether its own key is the most similar one."""
    best = np.argmax(queries @ keys.T, axis=1)
    return [(best[row] == row, 1 / len(keys)) for row in np.flatnonzero(asked)]


def _same(
    before: np.ndarray, who: np.ndarray, looks: np.ndarray, faces: _Faces
) -> list[tuple[bool, float]]:
    """Tell of each earlier face that is still there whether it finds the same person."""
    best = np.argmax(before @ looks.T, axis=1)
    return [
        (faces.person[best[row]] == person, 1 / len(looks))
        for row, person in enumerate(who)
        if person in faces.person
    ]


def _summary(scores: np.ndarray) -> dict:
    right, chance = scores.T
    return {
        'right': round(float(right.mean()), 3),
        'right_95': interval(right),
        'chance': round(float(chance.mean()), 3),
        'scenes': len(scores),
    }


def _sheet(result: dict) -> Sheet:
    rows = []
    for task, row in result.items():
        spread = '' if row['right_95'] is None else '{:.3f} .. {:.3f}'.format(*row['right_95'])
        shares = (f'{row["right"]:.3f}', spread, f'{row["chance"]:.3f}')
        rows.append([task, *shares, str(row['scenes'])])
    header = ['task', 'right', '95 %', 'chance', 'scenes']
    return Sheet('best match, mean over scenes (simulated)', header, rows)
