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

"""Losses and scores of networks that search for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from av_tracker_nodes.fusion.search import FACE_PIXELS, QUALITY_DECAY

if TYPE_CHECKING:
    from av_tracker_nodes.research.networks.search_inputs import Found
    from av_tracker_nodes.research.training.search_batches import SearchBatch

POSITION_WEIGHT = 10.0
"""Of errors of position in face heights beside those of quality and speech."""
_LEAST_DEVIATION = 0.04
"""Of a position, in face heights: nobody counts more than who is found as well as this."""


def quality_label(offset: Tensor, truth: Tensor) -> Tensor:
    """Quality of results, shape (n,): ``2 / (exp(0.05 d) + 1)``, d in pixels of the search crop.

    No gradient flows through it: a result must not become better by being judged otherwise.
    """
    error = FACE_PIXELS * (offset - truth).norm(dim=1).detach()
    return 2 / (torch.exp(QUALITY_DECAY * error) + 1)


def sureness(found: Found) -> Tensor:
    """Weights of people, shape (n,), mean 1: inverse of the squared error that is expected.

    As in the likelihood of a Gaussian; those who cannot be found would drown the rest. What is
    expected is what the quality says, of which no gradient flows back.
    """
    quality = found.quality.detach().sigmoid().clamp(min=1e-3)
    expected = (2 / quality - 1).log() / (QUALITY_DECAY * FACE_PIXELS)
    weights = 1 / (expected.square() + _LEAST_DEVIATION**2)
    return weights / weights.mean()


def search_losses(found: Found, batch: SearchBatch) -> dict[str, Tensor]:
    """Squared errors of position (face heights, by `sureness`) and quality; entropy of speech."""
    if not len(found.offset):
        nothing = found.joined().sum() * 0.0
        return {'position': nothing, 'quality': nothing, 'speaking': nothing}
    label = quality_label(found.offset, batch.offset)
    square = (found.offset - batch.offset).square().mean(dim=1)
    labelled = batch.speaking.isfinite()
    speaking = found.speaking.sum() * 0.0
    if labelled.any():
        speaking = binary_cross_entropy_with_logits(
            found.speaking[labelled], batch.speaking[labelled]
        )
    return {
        'position': POSITION_WEIGHT * (sureness(found) * square).mean(),
        'quality': mse_loss(found.quality.sigmoid(), label),
        'speaking': speaking,
    }


@torch.no_grad()
def search_scores(network: nn.Module, batch: SearchBatch) -> dict[str, float]:
    """Score a network.

    Returns
    -------
    dict
        Mean distance (face heights) before the network (``base``) and after it, of heads that are
        seen (``seen``) and that are hidden; mean error of the quality; share of people of whom
        ``speaking`` is right at even odds.
    """
    found = network(batch.inputs)
    error, base = (found.offset - batch.offset).norm(dim=1), batch.offset.norm(dim=1)
    seen = batch.visible > 0.5
    off = (found.quality.sigmoid() - quality_label(found.offset, batch.offset)).abs()
    labelled = batch.speaking.isfinite()
    right = ((found.speaking > 0) == (batch.speaking > 0.5))[labelled]
    return {
        'base': _mean(base),
        'seen': _mean(error[seen]),
        'hidden': _mean(error[~seen]),
        'quality': _mean(off),
        'speaking': _mean(right.float()),
    }


def _mean(values: Tensor) -> float:
    return values.mean().item() if len(values) else float('nan')
