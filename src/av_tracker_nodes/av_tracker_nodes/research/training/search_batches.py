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

"""People to be found again, of several images, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from av_tracker_nodes.fusion.search import SearchArrays
from av_tracker_nodes.research.networks.search_inputs import SearchInputs
from av_tracker_nodes.research.training.search_samples import SearchSample


@dataclass(frozen=True)
class SearchBatch:
    """n people.

    Attributes
    ----------
    inputs, complete : SearchInputs
        What a network is given, and the same with nothing taken away; the latter may be empty.
    offset : Tensor, shape (n, 2)
        From the centre of the search crop to the mouth (face heights right, down).
    visible, speaking : Tensor, shape (n,)
        0 or 1; speaking is NaN without a label.
    """

    inputs: SearchInputs
    complete: SearchInputs
    offset: Tensor
    visible: Tensor
    speaking: Tensor


def collate(samples: Sequence[tuple[int, SearchSample]]) -> SearchBatch:
    """Lay samples end to end.

    Parameters
    ----------
    samples : sequence of (int, SearchSample)
        Number of the clip, and sample.
    """
    return SearchBatch(
        _inputs([sample.arrays for _, sample in samples]),
        _inputs([sample.complete for _, sample in samples]),
        _joined([sample.offset for _, sample in samples]),
        _joined([sample.visible for _, sample in samples]),
        _joined([sample.speaking for _, sample in samples]),
    )


def _inputs(parts: Sequence[SearchArrays]) -> SearchInputs:
    arrays = SearchArrays.joined(parts)
    return SearchInputs(*(torch.from_numpy(part) for part in vars(arrays).values()))


def _joined(arrays: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(arrays)).float()
