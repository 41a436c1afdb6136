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

"""What every network is given, and what it says."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from av_tracker_nodes.fusion.candidates import (
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    SIGHT_FEATURES,
    SOUND_FEATURES,
)

_DEVIATION_LIMITS = -4.0, 2.0


@dataclass(frozen=True)
class Inputs:
    """Candidates of several frames, flattened: n in all.

    Attributes
    ----------
    crops : Tensor, shape (n, 64, 64, 3), uint8
    maps : Tensor, shape (n, 16, 16)
    sight, sound : Tensor, shapes (n, SIGHT_FEATURES) and (n, SOUND_FEATURES)
    global_maps : Tensor, shape (frames, 48, 60)
    slots : Tensor, shape (n,), int
        Place of each candidate among frames x slots.
    valid : Tensor, shape (frames, slots), bool
        Which places are taken.
    """

    crops: Tensor
    maps: Tensor
    sight: Tensor
    sound: Tensor
    global_maps: Tensor
    slots: Tensor
    valid: Tensor

    @classmethod
    def empty(cls) -> Inputs:
        """No candidates of no frames."""
        return cls(
            torch.zeros(0, CROP_SIZE, CROP_SIZE, 3, dtype=torch.uint8),
            torch.zeros(0, MAP_SIZE, MAP_SIZE),
            torch.zeros(0, SIGHT_FEATURES),
            torch.zeros(0, SOUND_FEATURES),
            torch.zeros(0, *GLOBAL_MAP_SIZE),
            torch.zeros(0, dtype=torch.long),
            torch.zeros(0, 0, dtype=torch.bool),
        )

    def placed(self, tokens: Tensor) -> Tensor:
        """Put tokens (n, width) into their places, shape (frames, slots, width)."""
        places = tokens.new_zeros(self.valid.numel(), tokens.shape[1])
        return places.index_copy(0, self.slots, tokens).unflatten(0, tuple(self.valid.shape))

    def taken(self, tokens: Tensor) -> Tensor:
        """Take tokens (frames, slots, width) out of their places, shape (n, width)."""
        return tokens.flatten(0, 1)[self.slots]


@dataclass(frozen=True)
class Prediction:
    """What the head says of n candidates.

    Attributes
    ----------
    offset : Tensor, shape (n, 3)
        See `fusion.sight_frame.SightFrame`.
    log_deviation : Tensor, shape (n, 2)
        Across (face heights) and along (log range).
    person, visible, speaking : Tensor, shape (n,)
        Log-odds that somebody is there, that the head is seen, that the person speaks.
    """

    offset: Tensor
    log_deviation: Tensor
    person: Tensor
    visible: Tensor
    speaking: Tensor

    @classmethod
    def of(cls, raw: Tensor) -> Prediction:
        """Name the columns of the output of the head, shape (n, 8)."""
        return cls(
            raw[:, :3], raw[:, 3:5].clamp(*_DEVIATION_LIMITS), raw[:, 5], raw[:, 6], raw[:, 7]
        )

    def joined(self) -> Tensor:
        """Return the columns side by side, shape (n, 8)."""
        last = torch.stack([self.person, self.visible, self.speaking], dim=1)
        return torch.cat([self.offset, self.log_deviation, last], dim=1)
