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

"""Who is who: embeddings of head and upper body, near for one person and far for two."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from av_tracker_nodes.research.networks.blocks import ConvolutionUnit, ResidualUnit, as_pictures

SIZE, WIDTH = 48, 64
"""Side of the pictures (pixels), a multiple of 16, and width of the embedding."""


class AppearanceNet(nn.Module):
    """Embeds people by their head and upper body."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            ConvolutionUnit(6, 24, 2),
            ConvolutionUnit(24, 48, 2),
            ResidualUnit(48),
            ConvolutionUnit(48, 96, 2),
            ResidualUnit(96),
            ConvolutionUnit(96, 96, 2),
        )
        self.project = nn.Linear(96 * (SIZE // 16) ** 2, WIDTH)

    def forward(self, crops: Tensor) -> Tensor:
        """Embed pictures (n, SIZE, SIZE, 6), uint8; unit length, shape (n, WIDTH)."""
        features = self.stages(as_pictures(crops)).flatten(1)
        return normalize(self.project(features), dim=-1)


def supervised_contrastive_loss(embeddings: Tensor, people: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, eq 2).

    ``-mean_i mean_p log(exp(z_i.z_p / t) / sum_a exp(z_i.z_a / t))``, over the other views p of
    the person of view i, and all other views a.

    Parameters
    ----------
    embeddings : Tensor, shape (n, width)
        Unit length.
    people : Tensor, shape (n,)
        Who is seen; everybody at least twice.
    temperature : float
    """
    itself = torch.eye(len(people), dtype=torch.bool, device=people.device)
    alike = (embeddings @ embeddings.T / temperature).masked_fill(itself, -torch.inf)
    log_share = alike - alike.logsumexp(dim=1, keepdim=True)
    same = (people[:, None] == people) & ~itself
    return -(log_share.masked_fill(~same, 0).sum(dim=1) / same.sum(dim=1)).mean()
