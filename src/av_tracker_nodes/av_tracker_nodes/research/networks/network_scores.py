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

"""How good the predictions of a network are, in numbers that mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from av_tracker_nodes.fusion.candidates import Kind
from av_tracker_nodes.fusion.learned import CAUTION, LEAST_RANGE_STD
from av_tracker_nodes.research.evaluation.position_errors import INSIDE_95

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.candidate_batches import Batch


def candidate_scores(network: nn.Module, batch: Batch) -> dict[str, float]:
    """Score predictions.

    Returns
    -------
    dict
        For each kind of candidate that stands for a visible person, mean distance across (face
        heights) before (``face_base``) and after (``face_across``) the network, mean error of the
        range (log) and its absolute value (``face_along``, ``face_range``), and share inside the
        ellipsoid of 95 % that is published of them (``face_inside``); share of candidates of whom
        ``person`` and ``speaking`` are right at even odds.
    """
    _, prediction = network(batch.inputs)
    somebody = (batch.identity >= 0) & (batch.visible > 0.5)
    error = prediction.offset - batch.offset
    left, along = error[:, :2].norm(dim=1), error[:, 2]
    inside = is_inside(error, prediction.log_deviation).float()
    before = batch.offset[:, :2].norm(dim=1)
    scores = {}
    for kind in Kind:
        rows = somebody & (batch.kind == kind)
        scores[f'{kind.name.lower()}_base'] = _mean(before[rows])
        scores[f'{kind.name.lower()}_across'] = _mean(left[rows])
        scores[f'{kind.name.lower()}_along'] = _mean(along[rows])
        scores[f'{kind.name.lower()}_range'] = _mean(along[rows].abs())
        scores[f'{kind.name.lower()}_inside'] = _mean(inside[rows])
    person = (batch.identity >= 0).float()
    scores['person'] = _right(prediction.person, person)
    labelled = batch.speaking.isfinite()
    scores['speaking'] = _right(prediction.speaking[labelled], batch.speaking[labelled])
    return scores


def is_inside(error: Tensor, log_deviation: Tensor) -> Tensor:
    """Tell which errors lie inside the ellipsoid of 95 % that is published of them, shape (n,).

    Parameters
    ----------
    error : Tensor, shape (n, 3)
        Of offsets, see `fusion.sight_frame.SightFrame`.
    log_deviation : Tensor, shape (n, 2)
        As the network says them; what `fusion.learned` makes of them is published.
    """
    across, along = (CAUTION * log_deviation.exp()).unbind(dim=1)
    squared = error[:, :2].square().sum(dim=1) / across.square()
    squared = squared + (error[:, 2] / along.clamp(min=LEAST_RANGE_STD)).square()
    return squared <= INSIDE_95


def _right(log_odds: Tensor, truth: Tensor) -> float:
    return _mean(((log_odds > 0) == (truth > 0.5)).float())


def _mean(values: Tensor) -> float:
    return values.mean().item() if len(values) else torch.nan
