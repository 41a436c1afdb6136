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

"""What ``av-tracker train`` and ``av-tracker export`` do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.training_protocols import find_training_protocol
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.corpus import (
    AV163_TRAINING,
    AV163_VALIDATION,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    local_path,
    make_corpus,
    make_local_sounds,
    make_sequence_clips,
)
from av_tracker_nodes.research.training.protocol_clips import protocol_clips, write_split


def require_torch() -> None:
    """Say what to do where torch is missing.

    Raises
    ------
    InputError
    """
    if find_spec('torch') is None:
        raise InputError('training needs torch; run: make setup EXTRAS=train')


def run_training(
    model: str,
    data: Path,
    out: Path,
    minutes: float,
    seed: int,
    jobs: int | None,
    progress_bar: ProgressBar,
    av163: Path | None = None,
    images: int = 24,
    options: Mapping[str, Any] | None = None,
    pretrained: Path | None = None,
    protocol: str | None = None,
    leaking: bool = False,
    clips: int | None = None,
) -> None:
    """Train a network, on clips that are made where they are missing.

    Parameters
    ----------
    model : str
        Network.
    data : Path
        Folder of the clips.
    out : Path
        Folder of the training.
    minutes : float
        Time to train.
    seed : int
    jobs : int or None
        Processes that record clips, and threads that train; one a core for None.
    progress_bar : ProgressBar
    av163 : Path or None
        Root of AV16.3 or CAV3D; None learns on simulated scenes.
    images : int
        In a batch.
    options : mapping of str to object, optional
        Of the network.
    pretrained : Path or None
        Weights to start from.
    protocol : str or None
        Learn on what a publication learnt on, of the corpus at `av163`.
    leaking : bool
        Split its frames as published, shuffled.
    clips : int or None
        Simulated clips to learn on; all of the corpus for None.

    Raises
    ------
    InputError
        There is no torch, no such network or option of it, weights do not fit, or something of
        the data is missing.
    """
    require_torch()
    import torch

    from av_tracker_nodes.research.networks import NETWORKS
    from av_tracker_nodes.research.training.schedule import Schedule
    from av_tracker_nodes.research.training.tasks import TASKS
    from av_tracker_nodes.research.training.trainer import Trainer

    if model not in NETWORKS:
        raise InputError(f"no network '{model}'; there are {', '.join(NETWORKS)}")
    jobs = jobs or len(os.sched_getaffinity(0))
    torch.set_num_threads(jobs)
    schedule = Schedule(minutes=minutes, seed=seed, images=images)
    local = TASKS[NETWORKS[model].task].local
    if protocol is None:
        paths = corpus_paths(data, jobs, progress_bar, av163, local, clips)
        training, validation = (load_clips(part, local=local) for part in paths)
    else:
        published = find_training_protocol(protocol)
        if av163 is None:
            raise InputError(f'{protocol} learns on {published.corpus}: say where it is')
        load = partial(load_clips, local=local)
        with progress_bar(f'clips of {protocol}') as advance:
            training, validation = protocol_clips(published, av163, data, leaking, load, advance)
        write_split(out, published, leaking, training, validation)
    trainer = Trainer(
        model,
        training,
        validation,
        out,
        schedule,
        network=dict(options or {}),
        pretrained=pretrained,
    )
    with progress_bar(f'training {model}') as advance:
        trainer.run(advance)


def corpus_paths(
    data: Path,
    jobs: int,
    progress_bar: ProgressBar,
    av163: Path | None = None,
    local: bool = False,
    limit: int | None = None,
) -> tuple[list[Path], list[Path]]:
    """Make the clips that are missing; return those to learn on and those to choose by.

    Parameters
    ----------
    data, jobs, progress_bar, av163
        See `run_training`.
    local : bool
        Make what half of the microphones tell, too.
    limit : int or None
        Simulated clips to learn on; all of the corpus for None.
    """
    paths = []
    for text, seeds, sequences in (
        ('clips to learn on', TRAINING_SEEDS[:limit], AV163_TRAINING),
        ('clips to choose by', VALIDATION_SEEDS, AV163_VALIDATION),
    ):
        with progress_bar(text) as advance:
            if av163 is None:
                paths.append(make_corpus(data, seeds, jobs, advance))
            else:
                paths.append(make_sequence_clips(data, av163, sequences, advance))
        if local and av163 is None:
            with progress_bar(f'{text}, half of the microphones') as advance:
                make_local_sounds(paths[-1], seeds, jobs, advance)
    return paths[0], paths[1]


def load_clips(paths: list[Path], enhanced: bool = True, local: bool = False) -> list[Clip]:
    """Read clips, their faces with V-WSWE or without, with the local sound or without."""
    clips = []
    for path in paths:
        clip = Clip.load(path)
        clip = clip.enhanced() if enhanced else clip
        clips.append(clip.with_local(Clip.load(local_path(path))) if local else clip)
    return clips


def run_export(training: Path, out: Path, thresholds: Mapping[str, float]) -> float:
    """Export a trained network; see `export.export_network`."""
    require_torch()
    from av_tracker_nodes.research.training.export import export_network

    return export_network(training, out, thresholds)
