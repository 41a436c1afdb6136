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

import pytest

torch = pytest.importorskip('torch')

from av_tracker_nodes.research.networks.alexnet import AlexNetV1, PaperFieldEncoder, PaperResponse  # noqa: E402
from av_tracker_nodes.research.networks.stnet import StNet  # noqa: E402
from av_tracker_nodes.research.training.onnx_forms import SEARCH  # noqa: E402


@torch.no_grad()
@pytest.mark.parametrize(('size', 'grid'), [(127, 6), (300, 27), (400, 40), (500, 52)])
def test_the_grids_of_the_backbone_are_the_published_ones(size, grid):
    assert AlexNetV1()(torch.zeros(1, 3, size, size)).shape == (1, 256, grid, grid)


def test_the_backbone_has_the_published_number_of_weights():
    weights = sum(weight.numel() for weight in AlexNetV1().parameters())
    assert weights == pytest.approx(2.34e6, rel=0.01)


@torch.no_grad()
def test_response_and_maps_have_the_published_shape():
    response, fields = PaperResponse().eval(), PaperFieldEncoder().eval()
    searches = torch.zeros(1, 96, 96, 3, dtype=torch.uint8)
    templates = torch.zeros(1, 48, 48, 3, dtype=torch.uint8)
    assert response(searches, templates).shape == (1, 256, 35, 35)
    assert fields(torch.zeros(1, 3, 24, 24)).shape == (1, 256, 35, 35)


@torch.no_grad()
def test_the_network_of_published_size_finds_people_as_the_small_one_does():
    found = SEARCH.module(StNet(paper=True)).eval()(*SEARCH.example(1))
    assert found[0].shape == SEARCH.module(StNet()).eval()(*SEARCH.example(1))[0].shape
