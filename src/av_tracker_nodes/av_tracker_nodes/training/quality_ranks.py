# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Thresholds of quality for networks that are less, or more, sure of themselves than others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from av_tracker_nodes.training.search_batches import SearchBatch

UPDATED, RESET = 0.43, 0.01
"""Shares of results that renew the template, and that are not believed, of the thresholds that
served STNet best on validation scenes."""


@torch.no_grad()
def quality_thresholds(network: nn.Module, batches: Iterable[SearchBatch]) -> dict[str, float]:
    """Choose thresholds by the rank of a result among those of validation images.

    Networks of short trainings predict low qualities throughout: with the thresholds of a long
    one nearly nobody would be believed, whatever the result is worth.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    batches : iterable of SearchBatch

    Returns
    -------
    dict
        ``update`` and ``reset``, see `fusion.siamese.QualityThresholds`.
    """
    qualities = torch.cat([network(batch.inputs).quality.sigmoid() for batch in batches])
    ranks = qualities.new_tensor([RESET, 1 - UPDATED])
    reset, update = torch.quantile(qualities, ranks).tolist()
    return {'update': round(update, 4), 'reset': round(reset, 4)}
