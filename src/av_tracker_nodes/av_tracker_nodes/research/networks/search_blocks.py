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

"""Building blocks that the Siamese networks share: from crops and maps to tokens, and to places.

Tokens lie on a grid over the search crop, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from av_tracker_nodes.fusion.candidates import SOUND_FEATURES
from av_tracker_nodes.fusion.search import FACE_PIXELS, SEARCH_SIZE, SOUND_MAPS
from av_tracker_nodes.research.networks.blocks import (
    ConvolutionUnit,
    CrossAttention,
    FeatureEncoder,
    ResidualUnit,
    as_pictures,
)
from av_tracker_nodes.research.networks.correlation import correlate
from av_tracker_nodes.research.networks.search_inputs import Found, SearchInputs

GRID = SEARCH_SIZE // 8
"""Tokens along each side of a search crop."""

_WAVELENGTHS = 1e4


class HeadEncoder(nn.Sequential):
    """Encode pictures (n, 3, size, size) on a grid an eighth as fine, (n, width, grid, grid)."""

    def __init__(self, width: int, channels: Sequence[int] = (24, 48)) -> None:
        first, second = channels
        super().__init__(
            ConvolutionUnit(3, first, 2),
            ConvolutionUnit(first, second, 2),
            ConvolutionUnit(second, second),
            ConvolutionUnit(second, width, 2),
            ResidualUnit(width),
        )


class FieldEncoder(nn.Sequential):
    """Encode maps of coherence (n, SOUND_MAPS, 2 grid, 2 grid) as (n, width, grid, grid)."""

    def __init__(self, width: int, channels: int = 32) -> None:
        super().__init__(
            ConvolutionUnit(SOUND_MAPS, channels),
            ConvolutionUnit(channels, width, 2),
            ResidualUnit(width),
        )


class SiameseResponse(nn.Module):
    """Compare search crops with templates: one encoder for both, and their correlation.

    What is encoded of the search crop is passed on beside the correlation, which is as blurred as
    the template is large: it tells which head it is, and the crop itself where exactly.

    Parameters
    ----------
    width : int
        Of the response.
    compared : int
        Channels that are correlated.
    channels : sequence of int
        Of the first two stages of the encoder.
    """

    def __init__(self, width: int, compared: int = 32, channels: Sequence[int] = (24, 48)) -> None:
        super().__init__()
        self.encoder = HeadEncoder(width, channels)
        self.narrow, self.widen = nn.Conv2d(width, compared, 1), nn.Conv2d(compared, width, 1)
        self.beside = nn.Conv2d(width, width, 1)

    def forward(self, searches: Tensor, templates: Tensor) -> Tensor:
        """Return the response, shape (n, width, grid, grid), of crops in uint8."""
        search, template = (self.encoder(as_pictures(crops)) for crops in (searches, templates))
        response = correlate(self.narrow(search), self.narrow(template))
        return self.widen(response) + self.beside(search)


def tokens_of(features: Tensor) -> Tensor:
    """Lay features (n, width, grid, grid) out as tokens (n, grid^2, width)."""
    return features.flatten(2).transpose(1, 2)


def on_grid(tokens: Tensor) -> Tensor:
    """Lay tokens (n, GRID^2, width) out as features (n, width, GRID, GRID)."""
    return tokens.transpose(1, 2).unflatten(2, (GRID, GRID))


class PositionEncoding(nn.Module):
    """Add sines of the place on the grid to tokens (n, grid^2, width): rows, then columns."""

    def __init__(self, grid: int, width: int) -> None:
        super().__init__()
        rates = _WAVELENGTHS ** (-torch.arange(0, width // 2, 2) * 2 / width)
        angles = torch.arange(1, grid + 1)[:, None] * rates
        line = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
        rows, columns = line[:, None].expand(-1, grid, -1), line[None].expand(grid, -1, -1)
        self.register_buffer('encoding', torch.cat([rows, columns], dim=2).flatten(0, 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Keep the shape."""
        return tokens + self.encoding


class TokenAttention(nn.Module):
    """Attention of one modality to the other, with the latter passed on beside it.

    ``LN(K + MHA(Q, K, K))``, as the public code of STNet has it.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attend, self.norm = CrossAttention(width, heads), nn.LayerNorm(width)

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        """Attend with tokens (n, m, width) to as many others; keep the shape."""
        return self.norm(context + self.attend(queries, context))


class PositionHead(nn.Module):
    """Predict where the mouth is from tokens.

    What is highest over all tokens goes through three layers, as published. To that is added the
    centre of mass of a score of each token, which needs no learning of where tokens are, and what
    a few channels of all tokens, end to end, say of places between them.
    """

    def __init__(self, grid: int, width: int, hidden: int = 128, channels: int = 16) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)
        self.refine = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.narrow = nn.Linear(width, channels)
        self.whole = nn.Sequential(nn.Linear(channels * grid**2, hidden), nn.ReLU())
        self.last = nn.Linear(2 * hidden, 2, bias=False)
        nn.init.zeros_(self.last.weight)
        middles = ((torch.arange(grid) + 0.5) / grid - 0.5) * SEARCH_SIZE / FACE_PIXELS
        places = torch.stack(torch.meshgrid(middles, middles, indexing='xy'), dim=2)
        self.register_buffer('places', places.flatten(0, 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return offsets, shape (n, 2) (face heights), of tokens (n, grid^2, width)."""
        share = self.score(tokens).softmax(dim=1)
        highest = self.refine(tokens.amax(dim=1))
        everything = self.whole(self.narrow(tokens).relu().flatten(1))
        finer = self.last(torch.cat([highest, everything], dim=1))
        return (share * self.places).sum(dim=1) + finer


class PooledHead(nn.Module):
    """Predict a number from tokens, their maximum and mean, and from numbers beside them."""

    def __init__(self, width: int, numbers: int = 0, hidden: int = 64) -> None:
        super().__init__()
        self.numbers = FeatureEncoder(numbers, hidden) if numbers else None
        self.pooled = nn.Linear(2 * width, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, tokens: Tensor, numbers: Tensor | None = None) -> Tensor:
        """Return log-odds, shape (n,)."""
        hidden = self.pooled(torch.cat([tokens.amax(dim=1), tokens.mean(dim=1)], dim=1))
        if self.numbers is not None:
            hidden = hidden + self.numbers(numbers)
        return self.last(torch.relu(hidden))[:, 0]


class LightSiamese(nn.Module):
    """Sight and sound as tokens, attention in both directions, and the heads: light students.

    Parameters
    ----------
    width : int
        Of the tokens.
    heads : int
        Of the attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.response = SiameseResponse(width, channels=(16, 32), compared=24)
        self.field_encoder = FieldEncoder(width)
        self.sight_norm, self.sound_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.place = PositionEncoding(GRID, width)
        self.to_sight, self.to_sound = TokenAttention(width, heads), TokenAttention(width, heads)
        self.fused_norm = nn.LayerNorm(width)
        self.position = PositionHead(GRID, width)
        self.quality, self.speaking = PooledHead(width), PooledHead(width, SOUND_FEATURES)

    def tokens(self, inputs: SearchInputs) -> tuple[Tensor, Tensor]:
        """Encode sight and sound, each of shape (n, GRID^2, width)."""
        return (
            self.sight_norm(tokens_of(self.response(inputs.searches, inputs.templates))),
            self.sound_norm(tokens_of(self.field_encoder(inputs.maps))),
        )

    def attended(self, sight: Tensor, sound: Tensor) -> Tensor:
        """Let tokens that know their places attend to those of the other sense, and add up."""
        return self.to_sight(sound, sight) + self.to_sound(sight, sound)

    def found(self, fused: Tensor, inputs: SearchInputs) -> Found:
        """Find people by their fused tokens."""
        return Found(self.position(fused), self.quality(fused), self.speaking(fused, inputs.sound))


class VisualTeacher(nn.Module):
    """Siamese response, norm and predictor: a tracker by sight alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.response, self.norm = SiameseResponse(width), nn.LayerNorm(width)
        self.place, self.position = PositionEncoding(GRID, width), PositionHead(GRID, width)

    def forward(self, inputs: SearchInputs) -> tuple[Tensor, Tensor]:
        """Return tokens (n, GRID^2, width) and offsets (n, 2)."""
        tokens = self.norm(tokens_of(self.response(inputs.searches, inputs.templates)))
        return tokens, self.position(self.place(tokens))


class AudioTeacher(nn.Module):
    """Encoder of maps, norm and predictor: a tracker by sound alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.encoder, self.norm = FieldEncoder(width), nn.LayerNorm(width)
        self.place, self.position = PositionEncoding(GRID, width), PositionHead(GRID, width)

    def forward(self, inputs: SearchInputs) -> tuple[Tensor, Tensor]:
        """Return tokens (n, GRID^2, width) and offsets (n, 2)."""
        tokens = self.norm(tokens_of(self.encoder(inputs.maps)))
        return tokens, self.position(self.place(tokens))
