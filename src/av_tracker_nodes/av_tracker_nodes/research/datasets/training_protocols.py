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

"""What publications learn on, by name, and how they choose.

The code of STNet and MSMD-AVT shuffles the frames of the training sequences and validates on 20 %
of them. Frames follow each other by 40 ms, so nearly every one of those has a twin in the training
set: the score of such a validation says nothing about new recordings. By default the end of each
recording is held out instead; the shuffled split is made on request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.protocols import AV163, CAV3D

GAP = 2.0
"""Seconds between what is learnt on and what is held out."""


@dataclass(frozen=True)
class TrainingProtocol:
    """What a publication learns on.

    Attributes
    ----------
    name : str
    corpus : str
        ``AV16.3`` or ``CAV3D``.
    sequences : tuple of str
        Short names; all cameras.
    publication : str or None
        Whose frame ranges are used; None uses every annotated image.
    held_out : float
        Share of the frames for validation.
    shuffled : bool
        Whether the published split shuffles frames, as its code shows.
    seed : int
        Of the shuffled split.
    pairs : int or None
        Published number of audio-visual pairs.
    source : str
    open_points : tuple of str
        What the source does not say, and what is done here.
    """

    name: str
    corpus: str
    sequences: tuple[str, ...]
    publication: str | None
    held_out: float
    shuffled: bool
    seed: int
    pairs: int | None
    source: str
    open_points: tuple[str, ...] = ()


_STNET = TrainingProtocol(
    'stnet',
    AV163,
    ('seq01', 'seq02', 'seq03'),
    publication='stnet',
    held_out=0.2,
    shuffled=True,
    seed=1,
    pairs=None,
    source='STNet, and its code (github.com/liyidi/STNet)',
    open_points=('the seed of the split is not fixed in the code',),
)
_AVCLNET = TrainingProtocol(
    'avclnet',
    AV163,
    ('seq18', 'seq19', 'seq35', 'seq40'),
    publication='avclnet',
    held_out=0.2,
    shuffled=False,
    seed=1,
    pairs=13_450,
    source='AVCLNet section 4.1.1',
    open_points=(
        'frames and split are not said: every annotated image is used, and the end of each '
        'recording is held out',
    ),
)
_PROTOCOLS = (
    _STNET,
    replace(
        _STNET,
        name='msmd-avt',
        source='code of MSMD-AVT (github.com/moyitech/MSMD-AVT)',
        open_points=(),
    ),
    replace(
        _STNET,
        name='gldtracker',
        pairs=44_958,
        source='GLDTracker section IV-A',
        open_points=(
            'its split is not said: that of the same group (STNet) is taken',
            'its number of pairs is that of the frame ranges without their last frames',
        ),
    ),
    _AVCLNET,
    replace(
        _AVCLNET,
        name='avclnet-cav3d',
        corpus=CAV3D,
        sequences=('seq22', 'seq23', 'seq25'),
        pairs=11_935,
        open_points=(
            'which three of the five sequences is not said: two with two speakers, one with three',
        ),
    ),
)

TRAINING_PROTOCOLS = {protocol.name: protocol for protocol in _PROTOCOLS}
"""Training sets of publications by name."""


def find_training_protocol(name: str) -> TrainingProtocol:
    """Return a training protocol.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    if name not in TRAINING_PROTOCOLS:
        there = ', '.join(TRAINING_PROTOCOLS)
        raise InputError(f"no training protocol '{name}'; there are {there}")
    return TRAINING_PROTOCOLS[name]


def split_frames(
    protocol: TrainingProtocol,
    count: int,
    frame_rate: float,
    leaking: bool = False,
    view: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Split the frames of one camera of a sequence.

    Parameters
    ----------
    protocol : TrainingProtocol
    count : int
        Frames.
    frame_rate : float
        Frames a second.
    leaking : bool
        Shuffle frames as published: neighbours of the held-out frames are learnt on.
    view : int
        Number of the camera of the sequence, so that each is shuffled differently.

    Returns
    -------
    training, validation : np.ndarray, shape (n,), int
        Ascending. Unless `leaking`, validation is the end, and `GAP` before it is in neither.

    Raises
    ------
    InputError
        When a leaking split is asked for and none has been published.
    """
    held = round(protocol.held_out * count)
    if leaking:
        if not protocol.shuffled:
            raise InputError(f'{protocol.name} has published no shuffled split of frames')
        order = np.random.default_rng([protocol.seed, view]).permutation(count)
        return np.sort(order[held:]), np.sort(order[:held])
    last = max(count - held - round(GAP * frame_rate), 0)
    return np.arange(last), np.arange(count - held, count)
