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

"""Building blocks that the networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class ConvolutionUnit(nn.Sequential):
    """Convolution 3x3, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualUnit(nn.Module):
    """Two convolutions around which the input is passed on (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvolutionUnit(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (n, channels, height, width)."""
        return torch.relu(x + self.second(self.first(x)))


def as_pictures(crops: Tensor) -> Tensor:
    """Bring crops (n, size, size, 3), uint8, to (n, 3, size, size) in -1..1."""
    return crops.permute(0, 3, 1, 2).float() / 128 - 1


class PictureEncoder(nn.Module):
    """Encode square pictures.

    Parameters
    ----------
    size : int
        Side of the pictures (pixels), a multiple of 16.
    width : int
        Of the feature.
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            ConvolutionUnit(3, 16, 2),
            ConvolutionUnit(16, 32, 2),
            ConvolutionUnit(32, 32),
            ConvolutionUnit(32, 64, 2),
            ResidualUnit(64),
            ConvolutionUnit(64, 96, 2),
            ResidualUnit(96),
        )
        self.project = nn.Linear(96 * (size // 16) ** 2, width)

    def forward(self, pictures: Tensor) -> Tensor:
        """Encode pictures.

        Parameters
        ----------
        pictures : Tensor, shape (n, size, size, 3), uint8
            Blue, green, red.

        Returns
        -------
        Tensor, shape (n, width)
        """
        return self.project(self.stages(as_pictures(pictures)).flatten(1))


class MapEncoder(nn.Module):
    """Encode maps of coherence of any size: of a face, or of the whole picture (eq 9).

    Parameters
    ----------
    width : int
        Of the feature.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            ConvolutionUnit(1, 16, 2),
            ConvolutionUnit(16, 32, 2),
            ConvolutionUnit(32, 64, 2),
        )
        self.project = nn.Linear(2 * 64, width)

    def forward(self, maps: Tensor) -> Tensor:
        """Encode maps, shape (n, rows, columns), into features, shape (n, width)."""
        x = self.stages(maps[:, None])
        return self.project(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1))


class FeatureEncoder(nn.Sequential):
    """Encode a vector of numbers, shape (..., inputs), into a feature, shape (..., width)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width))


class CrossAttention(nn.Module):
    """Multi-head attention of one set of tokens to another.

    Parameters
    ----------
    width : int
        Of the tokens.
    heads : int
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.project = nn.Linear(width, width)

    def forward(self, queries: Tensor, context: Tensor, valid: Tensor | None = None) -> Tensor:
        """Attend.

        Parameters
        ----------
        queries : Tensor, shape (frames, n, width)
        context : Tensor, shape (frames, m, width)
        valid : Tensor, shape (frames, m), bool, optional
            Which of the context there is, at least one a frame; all of it if left out.

        Returns
        -------
        Tensor, shape (frames, n, width)
        """
        mixed = scaled_dot_product_attention(
            self._split(self.query(queries)),
            self._split(self.key(context)),
            self._split(self.value(context)),
            attn_mask=None if valid is None else valid[:, None, None, :],
        )
        return self.project(mixed.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class CrossModalFusion(nn.Module):
    """Cross-modal attention in both directions, AVCLNet eq 14.

    ``F = LN(I + MHA(Q_a, K_v, V_v)) (+) LN(S + MHA(Q_v, K_a, V_a))``, where ``(+)``, which the
    paper leaves open, puts the two features end to end.

    Parameters
    ----------
    width : int
        Of the tokens.
    heads : int
    """

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.to_sight, self.to_sound = CrossAttention(width, heads), CrossAttention(width, heads)
        self.sight_norm, self.sound_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, sight: Tensor, sound: Tensor, valid: Tensor) -> Tensor:
        """Fuse tokens.

        Parameters
        ----------
        sight, sound : Tensor, shape (frames, n, width)
        valid : Tensor, shape (frames, n), bool

        Returns
        -------
        Tensor, shape (frames, n, 2 width)
        """
        seen = self.sight_norm(sight + self.to_sight(sound, sight, valid))
        heard = self.sound_norm(sound + self.to_sound(sight, sound, valid))
        return torch.cat([seen, heard], dim=-1)
