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

import math

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from torch.nn.functional import cross_entropy, normalize  # noqa: E402

from av_tracker_nodes.research.networks.appearance import (  # noqa: E402
    AppearanceNet,
    supervised_contrastive_loss,
)
from av_tracker_nodes.research.networks.losses import (  # noqa: E402
    contrast,
    cross_modal_loss,
    intra_visual_loss,
    position_loss,
    quintuplet_loss,
)

AXES = torch.eye(4)


def features(rows: int, seed: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, 8, generator=draw), dim=1)


def test_contrast_of_different_people_is_cross_entropy_over_similarities():
    anchors, positives = features(5, 0), features(5, 1)
    expected = cross_entropy(anchors @ positives.T / 0.1, torch.arange(5))
    assert contrast(anchors, positives, torch.arange(5), 0.1).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_cross_modal_loss_has_both_directions():
    sight, sound, who = features(4, 2), features(4, 3), torch.arange(4)
    both = contrast(sight, sound, who, 0.2) + contrast(sound, sight, who, 0.2)
    assert cross_modal_loss(sight, sound, who, 0.2).item() == pytest.approx(both.item() / 2)


def test_the_same_person_is_no_negative():
    who = torch.tensor([7, 7, 8])
    anchors = torch.stack([AXES[0], AXES[0], AXES[1]])
    # At right angles: one other person for the first two rows, two other rows for the last.
    expected = (2 * math.log1p(math.exp(-2)) + math.log1p(2 * math.exp(-2))) / 3
    assert contrast(anchors, anchors, who, 0.5).item() == pytest.approx(expected, rel=1e-5)


def test_printed_form_leaves_the_positive_out_and_has_no_lower_bound():
    who = torch.arange(3)
    loss = contrast(AXES[:3], AXES[:3], who, 0.05, printed=True).item()
    assert loss == pytest.approx(math.log(2) - 20, rel=1e-5)
    assert contrast(AXES[:3], AXES[:3], who, 0.05).item() >= 0


@pytest.mark.parametrize('count', [0, 1])
def test_losses_are_finite_and_have_gradients_with_nobody_and_with_one_speaker(count):
    sight = features(count, 4).requires_grad_()
    sound, close_by, who = features(count, 5), features(count, 6), torch.zeros(count).long()
    total = (
        cross_modal_loss(sight, sound, who, 0.1)
        + intra_visual_loss(sight, close_by, who, 0.1)
        + quintuplet_loss(sight, sound, close_by, who, 0.2)
        + position_loss(sight[:, :3], sight[:, 3:5], sound[:, :3])
    )
    total.backward()
    assert total.isfinite()
    assert sight.grad is not None


def test_quintuplet_is_zero_when_pairs_are_close_and_others_far_and_counts_the_margin():
    who = torch.arange(2)
    near = quintuplet_loss(AXES[:2], AXES[:2], AXES[:2], who, margin=0.2)
    assert near.item() == 0
    # Distances of 0 together and of 1 + 1 apart leave 2.5 - 2.
    assert quintuplet_loss(AXES[:2], AXES[:2], AXES[:2], who, 2.5).item() == pytest.approx(0.5)
    swapped = quintuplet_loss(AXES[:2], AXES[:2].flip(0), AXES[:2], who, 0.2)
    # Sight and sound one apart: 1 + 0 - 1 - 1 + 0.2 is still no violation.
    assert swapped.item() == 0
    assert quintuplet_loss(AXES[:2], AXES[:2].flip(0), AXES[:2], who, 1.5).item() == (
        pytest.approx(0.5)
    )


def test_position_loss_is_least_at_the_true_deviation():
    draw = torch.Generator().manual_seed(1)
    error = torch.randn(4000, 3, generator=draw) * torch.tensor([0.2, 0.2, 0.05])
    deviations = torch.linspace(-3, 0, 31)
    losses = [
        position_loss(
            error, torch.tensor([value, math.log(0.05)]).expand(4000, 2), torch.zeros(4000, 3)
        ).item()
        for value in deviations
    ]
    best = deviations[losses.index(min(losses))].item()
    assert best == pytest.approx(math.log(0.2), abs=0.08)


# ---- appearance


WHO = np.array([0, 1, 0, 2, 1, 2, 2])


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_the_book(z, who, t):
    """Eq 2 of Khosla et al. 2020, written out."""
    total = 0.0
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        positives = [p for p in others if who[p] == who[i]]
        below = sum(np.exp(z[i] @ z[a] / t) for a in others)
        total -= np.mean([np.log(np.exp(z[i] @ z[p] / t) / below) for p in positives])
    return total / len(z)


def test_the_loss_is_that_of_the_paper():
    z = unit(np.random.default_rng(0).normal(size=(len(WHO), 5)))
    ours = supervised_contrastive_loss(torch.tensor(z), torch.tensor(WHO), 0.3)
    assert ours.item() == pytest.approx(by_the_book(z, WHO, 0.3))


def test_people_apart_lose_less_than_people_mixed_up():
    apart = torch.eye(3)[WHO]
    mixed = torch.eye(3)[np.roll(WHO, 1)]
    who = torch.tensor(WHO)
    losses = [supervised_contrastive_loss(z, who, 0.1).item() for z in (apart, mixed)]
    assert losses[0] < losses[1]


def test_embeddings_have_unit_length_whatever_is_seen():
    crops = torch.stack([torch.full((48, 48, 6), level, dtype=torch.uint8) for level in (0, 255)])
    embeddings = AppearanceNet().eval()(crops)
    assert embeddings.shape == (2, 64)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))
