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

"""STNet (Li et al. 2024): Siamese search guided by sound, and a judgement of its quality.

As published: one encoder for template and search crop and their correlation, an encoder of the
best maps of visual-guided GCF, cross-modal attention in both directions with shared weights, a
predictor of the position and a head that predicts how good the position is. Smaller: a grid of
12 x 12 tokens instead of 35 x 35, one scale (that of the face) instead of three; the published
size can be chosen. Beyond that a head tells whether the person speaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from av_tracker_nodes.fusion.candidates import SOUND_FEATURES
from av_tracker_nodes.research.networks.alexnet import (
    PAPER_GRID,
    PAPER_HEADS,
    PAPER_WIDTH,
    PaperFieldEncoder,
    PaperResponse,
)
from av_tracker_nodes.research.networks.search_blocks import (
    GRID,
    FieldEncoder,
    PooledHead,
    PositionEncoding,
    PositionHead,
    SiameseResponse,
    TokenAttention,
    tokens_of,
)
from av_tracker_nodes.research.networks.search_inputs import Found, SearchInputs
from av_tracker_nodes.research.networks.search_losses import search_losses, search_scores
from av_tracker_nodes.research.networks.spec import NetworkSpec, Variant

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.search_batches import SearchBatch


class StNet(nn.Module):
    """The network.

    Parameters
    ----------
    width : int
        Of the tokens.
    heads : int
        Of the attention.
    attends : bool
        Let the modalities attend to each other; their tokens are added up otherwise.
    paper : bool
        The published encoders, grid, width and number of heads; for offline use.
    """

    def __init__(
        self, width: int = 96, heads: int = 4, attends: bool = True, paper: bool = False
    ) -> None:
        super().__init__()
        grid = GRID
        if paper:
            grid, width, heads = PAPER_GRID, PAPER_WIDTH, PAPER_HEADS
        self.response = PaperResponse() if paper else SiameseResponse(width)
        self.field_encoder = PaperFieldEncoder() if paper else FieldEncoder(width)
        self.sight_norm, self.sound_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.place = PositionEncoding(grid, width)
        self.attention = TokenAttention(width, heads) if attends else None
        self.fused_norm, self.judged_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.position = PositionHead(grid, width)
        self.quality = PooledHead(width)
        self.speaking = PooledHead(width, SOUND_FEATURES)

    def forward(self, inputs: SearchInputs) -> Found:
        """Find people."""
        response = self.response(inputs.searches, inputs.templates)
        sight = self.place(self.sight_norm(tokens_of(response)))
        sound = self.place(self.sound_norm(tokens_of(self.field_encoder(inputs.maps))))
        fused = self.fused_norm(self._fused(sight, sound))
        judged = self.judged_norm(sight + sound + fused)
        return Found(
            self.position(fused), self.quality(judged), self.speaking(judged, inputs.sound)
        )

    def _fused(self, sight: Tensor, sound: Tensor) -> Tensor:
        if self.attention is None:
            return sight + sound
        return self.attention(sound, sight) + self.attention(sight, sound)


class StNetObjective(nn.Module):
    """What STNet learns: the position, and the quality of what it says.

    Parameters
    ----------
    judged : bool
        Learn the quality.
    """

    def __init__(self, judged: bool = True) -> None:
        super().__init__()
        self.judged = judged

    def forward(self, network: StNet, batch: SearchBatch) -> dict[str, Tensor]:
        """Return the losses of a batch by name; their sum is to be minimised."""
        losses = search_losses(network(batch.inputs), batch)
        if not self.judged:
            losses['quality'] = torch.zeros_like(losses['quality'])
        return losses


_ABLATIONS = (
    Variant('without attention', network={'attends': False}),
    # Qualities that no result has: nothing is decided by them.
    Variant('without quality', {'judged': False}, thresholds={'update': 1.01, 'reset': -0.01}),
)

SPEC = NetworkSpec(StNet, StNetObjective, search_scores, _ABLATIONS, task='search')
