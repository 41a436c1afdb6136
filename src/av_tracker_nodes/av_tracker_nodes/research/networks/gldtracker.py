# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""GLDTracker (Li et al. 2024): a tracker that reconstructs what an incomplete input lacks.

As published: a visual and an audio teacher on complete input, a light student on input with a part
of the picture covered and half of the microphones missing, generators that reconstruct the
teachers' features from the student's against discriminators (eqs 3 and 4), weights of local and
reconstructed features (eqs 5 and 6), cross-attention of both modalities (eq 7), and four losses
(eqs 8 to 14). Different here: the teachers learn beside the student instead of before it, and
their features have the student's width, so that eq 8 compares them as they are; generators
minimise ``-log D(G(.))``, which has the same optimum as ``log(1 - D(G(.)))`` and a gradient where
the discriminator is sure, and encoders do not learn from it, for its gradient drowns that of
eq 8; a teacher's position is followed where it is nearer to the truth than the student's (the
bounded regression of Chen et al. 2017), for sound places hardly anybody within a search crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, logsigmoid, mse_loss
from torch.nn.utils.parametrizations import spectral_norm

from av_tracker_nodes.research.networks.blocks import ConvolutionUnit
from av_tracker_nodes.research.networks.reconstructions import draw_reconstructions
from av_tracker_nodes.research.networks.search_blocks import (
    GRID,
    AudioTeacher,
    LightSiamese,
    VisualTeacher,
    tokens_of,
)
from av_tracker_nodes.research.networks.search_inputs import Found, SearchInputs
from av_tracker_nodes.research.networks.search_losses import (
    POSITION_WEIGHT,
    search_losses,
    search_scores,
)
from av_tracker_nodes.research.networks.spec import NetworkSpec, Variant

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.search_batches import SearchBatch

_WIDTH = 64
_TEMPERATURE = 5.0


@dataclass(frozen=True)
class Branch:
    """Tokens of one modality of n people, each of shape (n, GRID^2, width).

    Attributes
    ----------
    local : Tensor
        Of the incomplete input: V_s or A_s.
    reconstructed : Tensor
        What the generator makes of them: V_s^g or A_s^g.
    fused : Tensor
        Both, weighted: V_s^gl or A_s^gl.
    """

    local: Tensor
    reconstructed: Tensor
    fused: Tensor


class Generator(nn.Module):
    """Reconstruct complete features from incomplete ones: a small U-Net on the grid.

    What it makes is normed as the features of teachers are: they could be told by their size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = ConvolutionUnit(width, 2 * width, 2)
        self.deep = ConvolutionUnit(2 * width, 2 * width, 2)
        self.up = ConvolutionUnit(4 * width, width)
        self.last = nn.Conv2d(2 * width, width, 3, padding=1)
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Keep the shape (n, GRID^2, width)."""
        local = _on_grid(tokens)
        half = self.down(local)
        quarter = interpolate(self.deep(half), size=half.shape[-2:])
        whole = interpolate(self.up(torch.cat([half, quarter], dim=1)), size=local.shape[-2:])
        return self.norm(tokens_of(self.last(torch.cat([local, whole], dim=1))))


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


class GlobalLocalAttention(nn.Module):
    """Weigh local and reconstructed features, channel by channel (eqs 5 and 6)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(2 * width, width // 2), nn.ReLU(), nn.Linear(width // 2, 2 * width)
        )

    def forward(self, local: Tensor, reconstructed: Tensor) -> Tensor:
        """Keep the shape (n, tokens, width)."""
        means = torch.cat([local.mean(dim=1), reconstructed.mean(dim=1)], dim=1)
        share = self.weigh(means).unflatten(1, (2, -1)).softmax(dim=1)[:, :, None]
        return share[:, 0] * local + share[:, 1] * reconstructed


class GldTracker(LightSiamese):
    """The student, which is what runs.

    Parameters
    ----------
    width : int
        Of the tokens.
    heads : int
        Of the attention.
    reconstructs : bool
        Use the feature reconstruction module (FRM).
    attends : bool
        Use the multi-level attention (MM-FAM); features are added up otherwise.
    """

    def __init__(
        self, width: int = _WIDTH, heads: int = 4, reconstructs: bool = True, attends: bool = True
    ) -> None:
        super().__init__(width, heads)
        self.reconstructs, self.attends = reconstructs, attends
        self.sight_generator, self.sound_generator = Generator(width), Generator(width)
        self.weigh_sight = GlobalLocalAttention(width)
        self.weigh_sound = GlobalLocalAttention(width)

    def encode(self, inputs: SearchInputs) -> tuple[Branch, Branch]:
        """Encode sight and sound, and reconstruct what they lack."""
        sight, sound = self.tokens(inputs)
        return (
            self._branch(sight, self.sight_generator, self.weigh_sight),
            self._branch(sound, self.sound_generator, self.weigh_sound),
        )

    def detect(self, sight: Branch, sound: Branch, inputs: SearchInputs) -> Found:
        """Fuse the modalities (eq 7), and find people."""
        seen, heard = self.place(sight.fused), self.place(sound.fused)
        mixed = self.attended(seen, heard) if self.attends else seen + heard
        return self.found(self.fused_norm(mixed), inputs)

    def forward(self, inputs: SearchInputs) -> Found:
        """Find people."""
        return self.detect(*self.encode(inputs), inputs)

    def _branch(self, local: Tensor, generator: Generator, weigh: GlobalLocalAttention) -> Branch:
        if not self.reconstructs:
            return Branch(local, local, local)
        reconstructed = generator(local)
        fused = weigh(local, reconstructed) if self.attends else local + reconstructed
        return Branch(local, reconstructed, fused)


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
        width: int = _WIDTH,
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


def _on_grid(tokens: Tensor) -> Tensor:
    return tokens.transpose(1, 2).unflatten(2, (GRID, GRID))


def _adversarial(
    discriminator: Discriminator, real: Tensor, made: Tensor
) -> tuple[Tensor, Tensor]:
    """Losses of discriminator (eq 9 or 10, negated) and generator."""
    judged = -logsigmoid(discriminator(_on_grid(real))).mean()
    judged = judged - logsigmoid(-discriminator(_on_grid(made.detach()))).mean()
    # The discriminator must not learn from being fooled.
    discriminator.requires_grad_(False)
    fooled = -logsigmoid(discriminator(_on_grid(made))).mean()
    discriminator.requires_grad_(True)
    return judged, fooled


def _soft(student: Tensor, truth: Tensor, *teachers: Tensor) -> Tensor:
    """Temperature-scaled L1 distance to the teachers who are better, eq 11, times T^2 (eq 13)."""
    apart = student.sum() * 0.0
    for teacher in (each.detach() for each in teachers):
        better = (teacher - truth).norm(dim=1) < (student.detach() - truth).norm(dim=1)
        apart = apart + (better[:, None] * (student - teacher).abs()).mean()
    return _TEMPERATURE**2 * apart / _TEMPERATURE


_UNGUIDED = {'alignment': 0.0, 'adversarial': 0.0, 'soft': 0.0}

_ABLATIONS = (
    # Table 2.
    Variant('without MM-FAM', network={'attends': False}),
    Variant('without MM-FAM, FRM', network={'attends': False, 'reconstructs': False}),
    Variant(
        'without MM-FAM, FRM, G2L', _UNGUIDED, network={'attends': False, 'reconstructs': False}
    ),
    # Table 3.
    Variant('without L_FA', {'alignment': 0.0}),
    Variant('without L_GD', {'adversarial': 0.0}),
    Variant('without L_soft', {'soft': 0.0}),
    Variant('without L_hard', {'hard': 0.0}),
    Variant('without L_FA, L_GD', {'alignment': 0.0, 'adversarial': 0.0}),
)

SPEC = NetworkSpec(
    GldTracker,
    GldObjective,
    search_scores,
    _ABLATIONS,
    task='incomplete search',
    draw=draw_reconstructions,
)
