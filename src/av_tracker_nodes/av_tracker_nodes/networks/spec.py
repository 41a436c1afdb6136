# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What training and export need to know of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from av_tracker_nodes.training.batches import Batch


@dataclass(frozen=True)
class NetworkSpec:
    """A network and how it learns.

    Attributes
    ----------
    network : callable
        Makes the network.
    objective : callable
        Makes what is called with network and batch and returns losses by name.
    scores : callable
        Scores a network on a batch: numbers by name, NaN where there is nothing to score.
    """

    network: Callable[[], nn.Module]
    objective: Callable[..., nn.Module]
    scores: Callable[[nn.Module, Batch], dict[str, float]]
