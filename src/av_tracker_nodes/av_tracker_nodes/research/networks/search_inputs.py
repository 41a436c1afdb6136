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

"""What Siamese networks are given, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SearchInputs:
    """n people to be found; see `fusion.search.SearchArrays`.

    Attributes
    ----------
    templates : Tensor, shape (n, 48, 48, 3), uint8
    searches : Tensor, shape (n, 96, 96, 3), uint8
    maps : Tensor, shape (n, 3, 24, 24)
    sound : Tensor, shape (n, SOUND_FEATURES)
    """

    templates: Tensor
    searches: Tensor
    maps: Tensor
    sound: Tensor


@dataclass(frozen=True)
class Found:
    """Where a network finds n people.

    Attributes
    ----------
    offset : Tensor, shape (n, 2)
        From the centre of the search crop to the mouth (face heights right, down).
    quality : Tensor, shape (n,)
        Log-odds; see `fusion.quality.quality_of`.
    speaking : Tensor, shape (n,)
        Log-odds.
    """

    offset: Tensor
    quality: Tensor
    speaking: Tensor

    def joined(self) -> Tensor:
        """Return the numbers side by side, shape (n, 4)."""
        return torch.cat([self.offset, self.quality[:, None], self.speaking[:, None]], dim=1)
