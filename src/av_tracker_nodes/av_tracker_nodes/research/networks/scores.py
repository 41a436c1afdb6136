# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""How good the predictions of a network are, in numbers that mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from av_tracker_nodes.fusion.candidates import Kind

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.candidate_batches import Batch


def candidate_scores(network: nn.Module, batch: Batch) -> dict[str, float]:
    """Score predictions.

    Returns
    -------
    dict
        For each kind of candidate that stands for a visible person, mean distance across (face
        heights) before (``face_base``) and after (``face_across``) the network; share of
        candidates of whom ``person`` and ``speaking`` are right at even odds.
    """
    _, prediction = network(batch.inputs)
    somebody = (batch.identity >= 0) & (batch.visible > 0.5)
    left = (prediction.offset - batch.offset)[:, :2].norm(dim=1)
    before = batch.offset[:, :2].norm(dim=1)
    scores = {}
    for kind in Kind:
        rows = somebody & (batch.kind == kind)
        scores[f'{kind.name.lower()}_base'] = _mean(before[rows])
        scores[f'{kind.name.lower()}_across'] = _mean(left[rows])
    person = (batch.identity >= 0).float()
    scores['person'] = _right(prediction.person, person)
    labelled = batch.speaking.isfinite()
    scores['speaking'] = _right(prediction.speaking[labelled], batch.speaking[labelled])
    return scores


def _right(log_odds: Tensor, truth: Tensor) -> float:
    return _mean(((log_odds > 0) == (truth > 0.5)).float())


def _mean(values: Tensor) -> float:
    return values.mean().item() if len(values) else torch.nan
