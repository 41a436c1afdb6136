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

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from av_tracker_nodes.research.networks.appearance import (  # noqa: E402
    AppearanceNet,
    supervised_contrastive_loss,
)

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
