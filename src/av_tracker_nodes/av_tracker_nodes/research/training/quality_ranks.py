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

"""Thresholds of quality for networks that are less, or more, sure of themselves than others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.search_batches import SearchBatch


@dataclass(frozen=True)
class QualityShares:
    """Shares of results on validation clips.

    Attributes
    ----------
    updated : float
        Of those that renew the template.
    reset : float
        Of those that are not believed.
    """

    updated: float
    reset: float

    @torch.no_grad()
    def thresholds(self, network: nn.Module, batches: Iterable[SearchBatch]) -> dict[str, float]:
        """Choose thresholds by the rank of a result among those of validation images.

        Networks of short trainings predict low qualities throughout: with the thresholds of a
        long one nearly nobody would be believed, whatever the result is worth.

        Parameters
        ----------
        network : nn.Module
            In evaluation mode.
        batches : iterable of SearchBatch

        Returns
        -------
        dict
            ``update`` and ``reset``, see `fusion.quality.QualityThresholds`.
        """
        qualities = torch.cat([network(batch.inputs).quality.sigmoid() for batch in batches])
        ranks = qualities.new_tensor([self.reset, 1 - self.updated])
        reset, update = torch.quantile(qualities, ranks).tolist()
        return {'update': round(update, 4), 'reset': round(reset, 4)}


COMPLETE, INCOMPLETE = QualityShares(0.89, 0.025), QualityShares(0.59, 0.3)
"""Of STNet, and of GLDTracker, half of whose clips lack the middle of the picture, with the
thresholds that served them best on validation scenes."""
