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

"""Kinds of networks by what they are given: how to draw samples for them, and to export them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from av_tracker_nodes.fusion.learned import Thresholds
from av_tracker_nodes.fusion.quality import QualityThresholds
from av_tracker_nodes.research.training import quality_ranks
from av_tracker_nodes.research.training.candidate_batches import collate as collate_candidates
from av_tracker_nodes.research.training.clip_source import ClipSource
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.disturbances import (
    INCOMPLETE,
    SEARCHED,
    UNDISTURBED,
    Disturbance,
)
from av_tracker_nodes.research.training.onnx_forms import CANDIDATES, SEARCH, OnnxForm
from av_tracker_nodes.research.training.samples import SampleSource
from av_tracker_nodes.research.training.schedule import Schedule
from av_tracker_nodes.research.training.search_batches import collate as collate_searches
from av_tracker_nodes.research.training.search_samples import SearchSource


@dataclass(frozen=True)
class Task:
    """A kind of networks.

    Attributes
    ----------
    source : callable
        Makes a `ClipSource` of clips and a schedule, disturbed or as recorded.
    collate : callable
        Makes a batch of (number of the clip, sample) pairs.
    form : OnnxForm
    thresholds : type
        From when on what a network says is believed; a dataclass of numbers.
    local : bool
        Clips need to tell what half of the microphones hear.
    ranked : callable or None
        Chooses, of a network and validation batches, the thresholds that depend on how sure the
        network is of itself, which comes with the length of its training.
    """

    source: Callable[[Sequence[Clip], Schedule, bool], ClipSource]
    collate: Callable[[Sequence[tuple[int, Any]]], Any]
    form: OnnxForm
    thresholds: type
    local: bool = False
    ranked: Callable[[nn.Module, Iterable[Any]], dict[str, float]] | None = None


def _candidates(clips: Sequence[Clip], schedule: Schedule, disturbed: bool) -> SampleSource:
    how = Disturbance() if disturbed else UNDISTURBED
    return SampleSource(clips, how, schedule.neighbours)


def _searches(clips: Sequence[Clip], schedule: Schedule, disturbed: bool) -> SearchSource:
    return SearchSource(clips, SEARCHED if disturbed else UNDISTURBED)


def _incomplete(clips: Sequence[Clip], schedule: Schedule, disturbed: bool) -> SearchSource:
    """Take away as GLDTracker's incomplete set does, in validation too."""
    how = INCOMPLETE if disturbed else replace(UNDISTURBED, occluded=0.5, local=0.5)
    return SearchSource(clips, how, paired=True)


TASKS = {
    'candidates': Task(_candidates, collate_candidates, CANDIDATES, Thresholds),
    'search': Task(
        _searches,
        collate_searches,
        SEARCH,
        QualityThresholds,
        ranked=quality_ranks.COMPLETE.thresholds,
    ),
    'incomplete search': Task(
        _incomplete,
        collate_searches,
        SEARCH,
        QualityThresholds,
        local=True,
        ranked=quality_ranks.INCOMPLETE.thresholds,
    ),
}
"""By name."""
