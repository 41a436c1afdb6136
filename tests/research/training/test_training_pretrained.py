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

from pathlib import Path

import pytest

torch = pytest.importorskip('torch')

from av_tracker_nodes.errors import InputError  # noqa: E402
from av_tracker_nodes.research.networks.alexnet import AlexNetV1, PaperFieldEncoder  # noqa: E402
from av_tracker_nodes.research.training.pretrained import load_pretrained  # noqa: E402


@pytest.fixture
def public():
    """A backbone as SiamFC publishes it: the names of its weights begin with ``backbone.``."""
    torch.manual_seed(1)
    weights = AlexNetV1().state_dict()
    return {f'backbone.{name}': weight for name, weight in weights.items()}


def test_a_backbone_goes_into_every_network_that_has_it(public, tmp_path):
    torch.save(public, tmp_path / 'public.pth')
    network = PaperFieldEncoder()
    before = network.narrow.weight.clone()
    taken = load_pretrained(network, tmp_path / 'public.pth')
    assert sorted(taken) == sorted(public)
    weights = network.state_dict()
    assert all(torch.equal(weights[name], public[name]) for name in public)
    assert torch.equal(network.narrow.weight, before)


def test_what_has_another_shape_stays(public, tmp_path):
    public['backbone.conv1.0.weight'] = torch.zeros(8, 3, 11, 11)
    torch.save({'state_dict': public}, tmp_path / 'public.pth')
    taken = load_pretrained(PaperFieldEncoder(), tmp_path / 'public.pth')
    assert 'backbone.conv1.0.weight' not in taken
    assert len(taken) == len(public) - 1


def test_the_longest_name_counts(tmp_path):
    torch.save({'weight': torch.zeros(2, 2), 'b.weight': torch.ones(2, 2)}, tmp_path / 'w.pth')
    network = torch.nn.ModuleDict(
        {'a': torch.nn.Linear(2, 2, bias=False), 'b': torch.nn.Linear(2, 2, bias=False)}
    )
    load_pretrained(network, tmp_path / 'w.pth')
    assert network['a'].weight.eq(0).all()
    assert network['b'].weight.eq(1).all()


def test_what_cannot_be_used_is_refused(public, tmp_path):
    file = tmp_path / 'w.pth'
    for content, message in (
        ({'conv1.0.weight': torch.zeros(1)}, 'nothing in .* fits'),
        ({'epoch': 3}, 'no tensors by name'),
        ({'weights': Path}, 'read safely'),
    ):
        torch.save(content, file)
        with pytest.raises(InputError, match=message):
            load_pretrained(AlexNetV1(), file)
    file.write_bytes(b'no weights')
    with pytest.raises(InputError, match='read safely'):
        load_pretrained(AlexNetV1(), file)
