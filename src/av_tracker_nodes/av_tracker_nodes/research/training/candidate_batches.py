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

"""The candidates of several images laid end to end, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from av_tracker_nodes.fusion.candidates import CandidateArrays
from av_tracker_nodes.research.networks.inputs import Inputs
from av_tracker_nodes.research.training.samples import SLOTS, Sample
from av_tracker_nodes.research.training.truths import NOBODY

_PEOPLE_A_CLIP = 100


@dataclass(frozen=True)
class Batch:
    """n candidates of several images, and m of the same people close by.

    Attributes
    ----------
    inputs : Inputs
    kind : Tensor, shape (n,), int
    identity : Tensor, shape (n,), int
        Of the person that the candidate stands for; `NOBODY` for none.
    offset : Tensor, shape (n, 3)
        NaN where a picture of the candidate does not show the person.
    visible, speaking : Tensor, shape (n,)
        0 or 1; speaking is NaN without a label.
    neighbours : Inputs
        Their slots are not meant to be used.
    neighbour_of : Tensor, shape (m,), int
        Candidate of the same person.
    """

    inputs: Inputs
    kind: Tensor
    identity: Tensor
    offset: Tensor
    visible: Tensor
    speaking: Tensor
    neighbours: Inputs
    neighbour_of: Tensor


def collate(samples: Sequence[tuple[int, Sample]]) -> Batch:
    """Lay samples end to end.

    Parameters
    ----------
    samples : sequence of (int, Sample)
        Number of the clip, and sample.
    """
    counts = [len(sample.kind) for _, sample in samples]
    firsts = np.cumsum([0, *counts[:-1]])
    valid = torch.zeros(len(samples), SLOTS, dtype=torch.bool)
    for row, count in enumerate(counts):
        # Attention needs something to attend to, even where nobody is.
        valid[row, : max(count, 1)] = True
    slots = [np.arange(count) + row * SLOTS for row, count in enumerate(counts)]
    identity = [
        np.where(sample.person == NOBODY, NOBODY, sample.person + _PEOPLE_A_CLIP * clip)
        for clip, sample in samples
    ]
    close_by = [sample.neighbour for _, sample in samples if sample.neighbour is not None]
    neighbour_of = [
        sample.neighbour_of + first
        for (_, sample), first in zip(samples, firsts, strict=True)
        if sample.neighbour is not None
    ]
    return Batch(
        inputs=_inputs([sample.arrays for _, sample in samples], np.concatenate(slots), valid),
        kind=_joined([sample.kind for _, sample in samples]),
        identity=_joined(identity),
        offset=_joined([sample.offset for _, sample in samples]).float(),
        visible=_joined([sample.visible for _, sample in samples]).float(),
        speaking=_joined([sample.speaking for _, sample in samples]).float(),
        neighbours=_inputs(close_by, np.zeros(0, int), valid[:0]),
        neighbour_of=_joined(neighbour_of) if neighbour_of else torch.zeros(0, dtype=torch.long),
    )


def _joined(arrays: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(arrays))


def _inputs(arrays: Sequence[CandidateArrays], slots: np.ndarray, valid: Tensor) -> Inputs:
    if not arrays:
        return Inputs.empty()
    return Inputs(
        _joined([each.crops for each in arrays]),
        _joined([each.maps for each in arrays]),
        _joined([each.sight for each in arrays]),
        _joined([each.sound for each in arrays]),
        torch.from_numpy(np.stack([each.global_map for each in arrays])),
        torch.from_numpy(slots),
        valid,
    )
