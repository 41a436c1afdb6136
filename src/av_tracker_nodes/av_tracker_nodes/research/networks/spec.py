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

"""What training and export need to know of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.candidate_batches import Batch


@dataclass(frozen=True)
class Variant:
    """A part taken away or set another way, to see what it is worth.

    Attributes
    ----------
    name : str
    objective, schedule, tracker, network, thresholds : mapping
        What differs from the defaults of the objective, of `training.schedule.Schedule`, of
        `association.TrackerConfig`, of the network, and from the thresholds of the network that
        is shipped.
    """

    name: str
    objective: Mapping[str, Any] = field(default_factory=dict)
    schedule: Mapping[str, Any] = field(default_factory=dict)
    tracker: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)


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
    ablations : tuple of Variant
        Those of the paper.
    task : str
        What it is given, see `training.tasks`.
    draw : callable or None
        Draws, of network, objective and batch, what can be seen of its inside into a file.
    """

    network: Callable[..., nn.Module]
    objective: Callable[..., nn.Module]
    scores: Callable[[nn.Module, Batch], dict[str, float]]
    ablations: tuple[Variant, ...] = ()
    task: str = 'candidates'
    draw: Callable[[nn.Module, nn.Module, Any, Path], None] | None = None
