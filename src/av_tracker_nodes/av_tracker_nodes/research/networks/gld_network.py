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

"""The student of GLDTracker, which is what runs; equations are those of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from av_tracker_nodes.research.networks.blocks import ConvolutionUnit
from av_tracker_nodes.research.networks.search_blocks import LightSiamese, on_grid, tokens_of
from av_tracker_nodes.research.networks.search_inputs import Found, SearchInputs

WIDTH = 64
"""Of the tokens, of the student and of its teachers."""


@dataclass(frozen=True)
class Branch:
    """Tokens of one modality of n people, each of shape (n, GRID^2, width).

    Attributes
    ----------
    local : Tensor
        Of the incomplete input: V_s or A_s.
    reconstructed : Tensor
        What the generator makes of them: V_s^g or A_s^g.
    fused : Tensor
        Both, weighted: V_s^gl or A_s^gl.
    """

    local: Tensor
    reconstructed: Tensor
    fused: Tensor


class Generator(nn.Module):
    """Reconstruct complete features from incomplete ones: a small U-Net on the grid.

    What it makes is normed as the features of teachers are: they could be told by their size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = ConvolutionUnit(width, 2 * width, 2)
        self.deep = ConvolutionUnit(2 * width, 2 * width, 2)
        self.up = ConvolutionUnit(4 * width, width)
        self.last = nn.Conv2d(2 * width, width, 3, padding=1)
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Keep the shape (n, GRID^2, width)."""
        local = on_grid(tokens)
        half = self.down(local)
        quarter = interpolate(self.deep(half), size=half.shape[-2:])
        whole = interpolate(self.up(torch.cat([half, quarter], dim=1)), size=local.shape[-2:])
        return self.norm(tokens_of(self.last(torch.cat([local, whole], dim=1))))


class GlobalLocalAttention(nn.Module):
    """Weigh local and reconstructed features, channel by channel (eqs 5 and 6)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(2 * width, width // 2), nn.ReLU(), nn.Linear(width // 2, 2 * width)
        )

    def forward(self, local: Tensor, reconstructed: Tensor) -> Tensor:
        """Keep the shape (n, tokens, width)."""
        means = torch.cat([local.mean(dim=1), reconstructed.mean(dim=1)], dim=1)
        share = self.weigh(means).unflatten(1, (2, -1)).softmax(dim=1)[:, :, None]
        return share[:, 0] * local + share[:, 1] * reconstructed


class GldTracker(LightSiamese):
    """The student, which is what runs.

    Parameters
    ----------
    width : int
        Of the tokens.
    heads : int
        Of the attention.
    reconstructs : bool
        Use the feature reconstruction module (FRM).
    attends : bool
        Use the multi-level attention (MM-FAM); features are added up otherwise.
    """

    def __init__(
        self, width: int = WIDTH, heads: int = 4, reconstructs: bool = True, attends: bool = True
    ) -> None:
        super().__init__(width, heads)
        self.reconstructs, self.attends = reconstructs, attends
        self.sight_generator, self.sound_generator = Generator(width), Generator(width)
        self.weigh_sight = GlobalLocalAttention(width)
        self.weigh_sound = GlobalLocalAttention(width)

    def encode(self, inputs: SearchInputs) -> tuple[Branch, Branch]:
        """Encode sight and sound, and reconstruct what they lack."""
        sight, sound = self.tokens(inputs)
        return (
            self._branch(sight, self.sight_generator, self.weigh_sight),
            self._branch(sound, self.sound_generator, self.weigh_sound),
        )

    def detect(self, sight: Branch, sound: Branch, inputs: SearchInputs) -> Found:
        """Fuse the modalities (eq 7), and find people."""
        seen, heard = self.place(sight.fused), self.place(sound.fused)
        mixed = self.attended(seen, heard) if self.attends else seen + heard
        return self.found(self.fused_norm(mixed), inputs)

    def forward(self, inputs: SearchInputs) -> Found:
        """Find people."""
        return self.detect(*self.encode(inputs), inputs)

    def _branch(self, local: Tensor, generator: Generator, weigh: GlobalLocalAttention) -> Branch:
        if not self.reconstructs:
            return Branch(local, local, local)
        reconstructed = generator(local)
        fused = weigh(local, reconstructed) if self.attends else local + reconstructed
        return Branch(local, reconstructed, fused)
