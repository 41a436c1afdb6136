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

"""What GLDTracker learns of teachers and against discriminators; equations are the paper's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import logsigmoid, mse_loss
from torch.nn.utils.parametrizations import spectral_norm

from av_tracker_nodes.research.networks.gld_network import WIDTH, GldTracker
from av_tracker_nodes.research.networks.search_blocks import (
    GRID,
    AudioTeacher,
    VisualTeacher,
    on_grid,
)
from av_tracker_nodes.research.networks.search_losses import POSITION_WEIGHT, search_losses

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.search_batches import SearchBatch

_TEMPERATURE = 5.0


class Discriminator(nn.Sequential):
    """Log-odds, shape (n, 1), that features (n, width, GRID, GRID) are those of a teacher.

    Its weights have spectral norm 1 (Miyato et al. 2018): it would be sure within a few batches.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            spectral_norm(nn.Conv2d(width, width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            spectral_norm(nn.Linear(width * (GRID // 4) ** 2, 1)),
        )


class GldObjective(nn.Module):
    """What GLDTracker learns, eq 14: ``1/2 L_FA + 1/4 L_vGD + 1/4 L_aGD + 1/2 L_LD``.

    Parameters
    ----------
    alignment : float
        Weight of L_FA, eq 8.
    adversarial : float
        Of L_vGD and L_aGD each, eqs 9 and 10, whose second term is ``log(1 - D(G(.)))`` for the
        discriminator: as it is printed, ``1 - log D(G(.))``, it has no lower bound.
    logits : float
        Of L_LD, eq 13.
    soft, hard : float
        lambda_s and lambda_h in it, of eqs 11 and 12.
    width : int
        Of the tokens of the network.
    """

    def __init__(
        self,
        alignment: float = 0.5,
        adversarial: float = 0.25,
        logits: float = 0.5,
        soft: float = 0.5,
        hard: float = 2.0,
        width: int = WIDTH,
    ) -> None:
        super().__init__()
        self.alignment, self.adversarial = alignment, adversarial
        self.soft, self.hard = logits * soft, logits * hard
        self.visual, self.audio = VisualTeacher(width), AudioTeacher(width)
        self.visual_discriminator = Discriminator(width)
        self.audio_discriminator = Discriminator(width)

    def forward(self, network: GldTracker, batch: SearchBatch) -> dict[str, Tensor]:
        """Return the losses of a batch by name; their sum is to be minimised."""
        sight, sound = network.encode(batch.inputs)
        found = network.detect(sight, sound, batch.inputs)
        losses = search_losses(found, batch)
        if not len(batch.offset):
            return losses
        seen, seen_at = self.visual(batch.complete)
        heard, heard_at = self.audio(batch.complete)
        losses['visual_teacher'] = POSITION_WEIGHT * mse_loss(seen_at, batch.offset)
        losses['audio_teacher'] = POSITION_WEIGHT * mse_loss(heard_at, batch.offset)
        seen, heard = seen.detach(), heard.detach()
        losses['alignment'] = self.alignment * (
            mse_loss(sight.local, seen) + mse_loss(sound.local, heard)
        )
        for name, discriminator, generator, real, branch in (
            ('visual', self.visual_discriminator, network.sight_generator, seen, sight),
            ('audio', self.audio_discriminator, network.sound_generator, heard, sound),
        ):
            made = generator(branch.local.detach())
            judged, fooled = _adversarial(discriminator, real, made)
            losses[f'{name}_discriminator'] = judged
            losses[f'{name}_generator'] = self.adversarial * fooled
        losses['soft'] = self.soft * _soft(found.offset, batch.offset, seen_at, heard_at)
        losses['position'] = self.hard * losses['position']
        return losses


def _adversarial(
    discriminator: Discriminator, real: Tensor, made: Tensor
) -> tuple[Tensor, Tensor]:
    """Losses of discriminator (eq 9 or 10, negated) and generator."""
    judged = -logsigmoid(discriminator(on_grid(real))).mean()
    judged = judged - logsigmoid(-discriminator(on_grid(made.detach()))).mean()
    # The discriminator must not learn from being fooled.
    discriminator.requires_grad_(False)
    fooled = -logsigmoid(discriminator(on_grid(made))).mean()
    discriminator.requires_grad_(True)
    return judged, fooled


def _soft(student: Tensor, truth: Tensor, *teachers: Tensor) -> Tensor:
    """Temperature-scaled L1 distance to the teachers who are better, eq 11, times T^2 (eq 13)."""
    apart = student.sum() * 0.0
    for teacher in (each.detach() for each in teachers):
        better = (teacher - truth).norm(dim=1) < (student.detach() - truth).norm(dim=1)
        apart = apart + (better[:, None] * (student - teacher).abs()).mean()
    return _TEMPERATURE**2 * apart / _TEMPERATURE
