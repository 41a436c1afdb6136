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

"""MSMD-AVT (Li et al. 2025): a light tracker that two larger teachers guide at three stages.

As published: a visual teacher (Siamese response, norm, predictor) and an audio teacher (maps,
norm, predictor), a student with cross-attention in both directions, and distillation of features,
of fused features and of positions. Different here: the teachers learn beside the student instead
of before it, a teacher guides each sample as much as it is right about it, and the student does
look at the template, without which it could not tell people apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from av_tracker_nodes.research.networks.search_blocks import (
    AudioTeacher,
    LightSiamese,
    VisualTeacher,
)
from av_tracker_nodes.research.networks.search_inputs import Found, SearchInputs
from av_tracker_nodes.research.networks.search_losses import (
    POSITION_WEIGHT,
    quality_label,
    search_losses,
    search_scores,
    sureness,
)
from av_tracker_nodes.research.networks.spec import NetworkSpec, Variant

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.search_batches import SearchBatch

_TEACHER_WIDTH = 96
_TASK_SHARE, _DISTILLATION_SHARE = 0.7, 0.3


@dataclass(frozen=True)
class Tokens:
    """Tokens of n people, each of shape (n, GRID^2, width)."""

    sight: Tensor
    sound: Tensor
    fused: Tensor


class MsmdAvt(LightSiamese):
    """The student, which is what runs.

    Parameters
    ----------
    width : int
        Of the tokens.
    heads : int
        Of the attention.
    """

    def __init__(self, width: int = 64, heads: int = 4) -> None:
        super().__init__(width, heads)

    def encode(self, inputs: SearchInputs) -> Tokens:
        """Encode sight and sound, and fuse them."""
        sight, sound = self.tokens(inputs)
        return Tokens(
            sight, sound, self.fused_norm(self.attended(self.place(sight), self.place(sound)))
        )

    def forward(self, inputs: SearchInputs) -> Found:
        """Find people."""
        return self.found(self.encode(inputs).fused, inputs)


class MsmdObjective(nn.Module):
    """What MSMD-AVT learns: ``0.7 L_task + 0.3 (L_FA + L_FG + L_LG)``.

    Parameters
    ----------
    alignment : float
        Weight of stage 1: encodings of the student against those of the teachers.
    guidance : float
        Of stage 2: fused tokens against those of the teachers.
    logits : float
        Of stage 3: positions against those of the teachers.
    """

    def __init__(
        self, alignment: float = 1.0, guidance: float = 1.0, logits: float = 1.0, width: int = 64
    ) -> None:
        super().__init__()
        self.weights = alignment, guidance, logits
        self.visual, self.audio = VisualTeacher(_TEACHER_WIDTH), AudioTeacher(_TEACHER_WIDTH)
        self.align_sight = nn.Linear(width, _TEACHER_WIDTH)
        self.align_sound = nn.Linear(width, _TEACHER_WIDTH)
        self.guide_sight = nn.Linear(width, _TEACHER_WIDTH)
        self.guide_sound = nn.Linear(width, _TEACHER_WIDTH)

    def forward(self, network: MsmdAvt, batch: SearchBatch) -> dict[str, Tensor]:
        """Return the losses of a batch by name; their sum is to be minimised."""
        tokens = network.encode(batch.inputs)
        found = network.found(tokens.fused, batch.inputs)
        losses = search_losses(found, batch)
        losses['position'] = (
            _TASK_SHARE * POSITION_WEIGHT * _smooth(found.offset, batch.offset, sureness(found))
        )
        seen, sight = self.visual(batch.inputs)
        heard, sound = self.audio(batch.inputs)
        losses['visual_teacher'] = POSITION_WEIGHT * _smooth(sight, batch.offset)
        losses['audio_teacher'] = POSITION_WEIGHT * _smooth(sound, batch.offset)
        seen_right = quality_label(sight, batch.offset)
        heard_right = quality_label(sound, batch.offset)
        stages = (
            _apart(self.align_sight(tokens.sight), seen, seen_right)
            + _apart(self.align_sound(tokens.sound), heard, heard_right),
            _apart(self.guide_sight(tokens.fused), seen, seen_right)
            + _apart(self.guide_sound(tokens.fused), heard, heard_right),
            _apart(found.offset, sight, seen_right) + _apart(found.offset, sound, heard_right),
        )
        for name, weight, stage in zip(
            ('alignment', 'guidance', 'logits'), self.weights, stages, strict=True
        ):
            losses[name] = _DISTILLATION_SHARE * weight * stage
        return losses


def _smooth(offset: Tensor, truth: Tensor, weights: Tensor | float = 1.0) -> Tensor:
    """Mean over people by weights, shape (n,)."""
    if not len(offset):
        return offset.sum() * 0.0
    return (weights * smooth_l1_loss(offset, truth, reduction='none').mean(dim=1)).mean()


def _apart(student: Tensor, teacher: Tensor, right: Tensor) -> Tensor:
    """Mean squared difference to a teacher, who does not learn from it, where it is right."""
    if not len(student):
        return student.sum() * 0.0
    square = (student - teacher.detach()).square().flatten(1).mean(dim=1)
    return (right * square).mean()


_ABLATIONS = (
    Variant('without alignment', {'alignment': 0.0}),
    Variant('without guidance', {'guidance': 0.0}),
    Variant('without logits', {'logits': 0.0}),
    Variant('without distillation', {'alignment': 0.0, 'guidance': 0.0, 'logits': 0.0}),
)

SPEC = NetworkSpec(MsmdAvt, MsmdObjective, search_scores, _ABLATIONS, task='search')
