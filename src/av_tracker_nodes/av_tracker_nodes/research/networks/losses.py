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

"""Losses: audio-visual contrastive learning (AVCLNet eqs 10-13), and where and who.

Features are rows of unit length. Rows of the same identity are never negatives of each other;
negatives are the other people of all frames of a batch, so that the losses are finite with one
speaker too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

if TYPE_CHECKING:
    from av_tracker_nodes.research.networks.inputs import Prediction
    from av_tracker_nodes.research.training.candidate_batches import Batch

TEMPERATURE_LIMITS = 0.05, 0.5


@dataclass(frozen=True)
class ContrastiveWeights:
    """Weights of eq 13, the margin of eq 12, and the form of eqs 10 and 11.

    Attributes
    ----------
    cross, visual, quintuplet : float
        lambda, mu, eta.
    margin : float
        epsilon; cosine distances reach from 0 to 2.
    printed : bool
        Leave the positive pair out of the denominators, as eqs 10 and 11 are printed. InfoNCE has
        it in: without it the losses have no lower bound, and a learnt temperature runs away.
    """

    cross: float = 0.4
    visual: float = 0.3
    quintuplet: float = 0.3
    margin: float = 0.2
    printed: bool = False


def contrast(
    anchors: Tensor,
    positives: Tensor,
    identities: Tensor,
    temperature: Tensor | float,
    printed: bool = False,
) -> Tensor:
    """Contrast each anchor with its positive against the positives of others.

    ``-log exp(a_i p_i / tau) / sum_j exp(a_i p_j / tau)``, j over i and all other identities, or
    over the others alone where `printed`.

    Parameters
    ----------
    anchors, positives : Tensor, shape (n, width)
    identities : Tensor, shape (n,), int
    temperature : Tensor or float
    printed : bool

    Returns
    -------
    Tensor
        Mean over the anchors; 0 without any that has a negative.
    """
    similarity = anchors @ positives.T / temperature
    negative = identities[:, None] != identities[None, :]
    contrasted = negative.any(dim=1)
    if not contrasted.any():
        return similarity.sum() * 0.0
    own = torch.eye(len(anchors), dtype=torch.bool, device=anchors.device)
    counted = negative if printed else negative | own
    total = similarity.masked_fill(~counted, -torch.inf)[contrasted].logsumexp(dim=1)
    return (total - similarity.diagonal()[contrasted]).mean()


def cross_modal_loss(
    sight: Tensor,
    sound: Tensor,
    identities: Tensor,
    temperature: Tensor | float,
    printed: bool = False,
) -> Tensor:
    """Cross-modal contrastive loss, eq 10.

    Both terms are printed alike; after the text, the first is a face against the sounds of others
    and the second a sound against the faces of others.
    """
    return 0.5 * (
        contrast(sight, sound, identities, temperature, printed)
        + contrast(sound, sight, identities, temperature, printed)
    )


def intra_visual_loss(
    faces: Tensor,
    neighbours: Tensor,
    identities: Tensor,
    temperature: Tensor | float,
    printed: bool = False,
) -> Tensor:
    """Intra-visual contrastive loss, eq 11: a face and the same face up to n+ images away."""
    return 0.5 * contrast(faces, neighbours, identities, temperature, printed)


def quintuplet_loss(
    sight: Tensor, sound: Tensor, neighbours: Tensor, identities: Tensor, margin: float
) -> Tensor:
    """Audio-visual quintuplet loss, eq 12, on cosine distances.

    ``max(|I_i - S_i| + |I_i - I_i+| - min |I_i - I_i-| - min |S_i - S_i-| + epsilon, 0)``. The
    printed positive pair, I_i with S_j, cannot be meant.

    Parameters
    ----------
    sight, sound, neighbours : Tensor, shape (n, width)
        I, S and I+.
    identities : Tensor, shape (n,), int
    margin : float

    Returns
    -------
    Tensor
        Mean over those who have a negative; 0 without any.
    """
    other = identities[:, None] != identities[None, :]
    contrasted = other.any(dim=1)
    if not contrasted.any():
        return sight.sum() * 0.0
    together = 1 - (sight * sound).sum(dim=1) + 1 - (sight * neighbours).sum(dim=1)
    apart = [
        (1 - tokens @ tokens.T).masked_fill(~other, torch.inf).amin(dim=1)
        for tokens in (sight, sound)
    ]
    hinge = torch.relu(together - apart[0] - apart[1] + margin)
    return hinge[contrasted].mean()


def position_loss(offset: Tensor, log_deviation: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood of positions as Gaussians, and how far off they are.

    Parameters
    ----------
    offset, target : Tensor, shape (n, 3)
        Across (2, face heights) and along (log range).
    log_deviation : Tensor, shape (n, 2)
        Of both.

    Returns
    -------
    Tensor
        Mean; 0 without any.
    """
    if not len(offset):
        return offset.sum() * 0.0
    square = (target - offset).square()
    squares = torch.stack([square[:, :2].sum(dim=1), square[:, 2]], dim=1)
    terms = 0.5 * squares * torch.exp(-2 * log_deviation)
    terms = terms + torch.tensor([2.0, 1.0], device=offset.device) * log_deviation
    return terms.sum(dim=1).mean() + smooth_l1_loss(offset, target, beta=0.1)


def presence_loss(log_odds: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy of log-odds, shape (n,); 0 without any."""
    if not len(log_odds):
        return log_odds.sum() * 0.0
    return binary_cross_entropy_with_logits(log_odds, truth)


def prediction_losses(prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
    """Losses of what a network says of candidates, which the papers leave unsaid.

    Positions as Gaussians where somebody is near enough to be pictured; whether somebody is there,
    of all candidates; whether the head is seen and whether the person speaks, which nobody does
    who is not there.
    """
    somebody, labelled = batch.identity >= 0, batch.speaking.isfinite()
    placed = somebody & batch.offset.isfinite().all(dim=1)
    deviation, offset = prediction.log_deviation[placed], prediction.offset[placed]
    return {
        'position': position_loss(offset, deviation, batch.offset[placed]),
        'person': presence_loss(prediction.person, somebody.float()),
        'visible': presence_loss(prediction.visible, batch.visible),
        'speaking': presence_loss(prediction.speaking[labelled], batch.speaking[labelled]),
    }
