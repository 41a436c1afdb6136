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
from scipy.signal import correlate as scipy_correlate

torch = pytest.importorskip('torch')

from av_tracker_nodes.fusion.quality import quality_of  # noqa: E402
from av_tracker_nodes.research.networks.alexnet import AlexNetV1, PaperFieldEncoder, PaperResponse  # noqa: E402
from av_tracker_nodes.research.networks.correlation import correlate  # noqa: E402
from av_tracker_nodes.research.networks.gld_network import GldTracker  # noqa: E402
from av_tracker_nodes.research.networks.gld_objective import GldObjective, _soft  # noqa: E402
from av_tracker_nodes.research.networks.search_blocks import PositionEncoding, PositionHead  # noqa: E402
from av_tracker_nodes.research.networks.search_inputs import Found, SearchInputs  # noqa: E402
from av_tracker_nodes.research.networks.search_losses import quality_label, search_losses, sureness  # noqa: E402
from av_tracker_nodes.research.networks.stnet import StNet  # noqa: E402
from av_tracker_nodes.research.training.export import gflops  # noqa: E402
from av_tracker_nodes.research.training.onnx_forms import SEARCH  # noqa: E402
from av_tracker_nodes.research.training.search_batches import SearchBatch  # noqa: E402


def inputs(count):
    return SearchInputs(*SEARCH.example(count))


def test_the_response_is_a_cross_correlation_of_each_channel():
    rng = np.random.default_rng(0)
    search, template = rng.normal(size=(2, 3, 9, 9)), rng.normal(size=(2, 3, 4, 4))
    response = correlate(torch.from_numpy(search), torch.from_numpy(template)).numpy()
    for n in range(2):
        for c in range(3):
            padded = np.pad(search[n, c], ((2, 1), (2, 1)))
            expected = scipy_correlate(padded, template[n, c], mode='valid') / 16
            np.testing.assert_allclose(response[n, c], expected, atol=1e-12)


def test_nobody_has_no_response():
    assert correlate(torch.zeros(0, 3, 9, 9), torch.zeros(0, 3, 4, 4)).shape == (0, 3, 9, 9)


def test_the_response_is_highest_where_the_template_is():
    draw = torch.Generator().manual_seed(1)
    search = torch.randn(1, 8, 12, 12, generator=draw)
    response = correlate(search, search[:, :, 5:11, 2:8]).sum(dim=1)[0]
    row, column = np.unravel_index(int(response.argmax()), (12, 12))
    assert (row, column) == (5 + 3, 2 + 3)


def test_no_two_places_are_encoded_alike():
    encoded = PositionEncoding(12, 96)(torch.zeros(1, 144, 96))[0]
    apart = torch.cdist(encoded, encoded) + 10 * torch.eye(144)
    assert apart.min() > 0.1


def test_the_position_is_the_centre_of_mass_of_the_scores():
    head = PositionHead(12, 4)
    with torch.no_grad():
        head.score.weight.copy_(torch.tensor([[100.0, 0, 0, 0]]))
    tokens = torch.zeros(1, 144, 4)
    torch.testing.assert_close(head(tokens), torch.zeros(1, 2), atol=1e-6, rtol=0)
    tokens[0, 3 * 12 + 9, 0] = 1.0
    # Tokens are a third of a face height apart: columns 9 and row 3 from 5.5.
    torch.testing.assert_close(
        head(tokens), torch.tensor([[3.5 / 3, -2.5 / 3]]), atol=1e-4, rtol=0
    )


def test_the_label_of_quality_is_that_of_the_running_code_and_carries_no_gradient():
    offset = torch.tensor([[0.0, 0.0], [0.5, 0.0], [3.0, 4.0]], requires_grad=True)
    label = quality_label(offset, torch.zeros(3, 2))
    assert not label.requires_grad
    np.testing.assert_allclose(label.numpy(), quality_of(24 * np.array([0, 0.5, 5])), rtol=1e-6)


def test_who_is_expected_to_be_off_counts_less_by_the_square_of_it():
    expected = np.array([0.0, 0.04, 0.2])
    quality = torch.from_numpy(quality_of(24 * expected)).clamp(max=1 - 1e-12).logit()
    weights = sureness(Found(torch.zeros(3, 2), quality.requires_grad_(), torch.zeros(3)))
    assert not weights.requires_grad
    assert weights.mean().item() == pytest.approx(1.0)
    variances = expected**2 + 0.04**2
    np.testing.assert_allclose(weights / weights[0], variances[0] / variances, rtol=1e-4)


def test_losses_are_finite_without_anybody_and_without_labels():
    network = StNet().eval()
    nobody = SearchBatch(
        inputs(2), inputs(2), torch.zeros(2, 2), torch.ones(2), torch.full((2,), torch.nan)
    )
    assert all(loss.isfinite() for loss in search_losses(network(nobody.inputs), nobody).values())
    found = network(inputs(2))
    empty = type(found)(found.offset[:0], found.quality[:0], found.speaking[:0])
    batch = SearchBatch(inputs(2), inputs(2), torch.zeros(0, 2), torch.zeros(0), torch.zeros(0))
    assert all(loss == 0 for loss in search_losses(empty, batch).values())


def test_people_do_not_matter_to_each_other():
    network = StNet().eval()
    both = inputs(2)
    one = type(both)(*(part[:1] for part in vars(both).values()))
    torch.testing.assert_close(network(both).joined()[:1], network(one).joined())


def test_it_is_light():
    network = StNet()
    assert gflops(SEARCH, SEARCH.module(network).eval(), 1) < 1.0
    assert sum(weights.numel() for weights in network.parameters()) < 5e6


# ---- the published backbone


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


# ---- teachers and discriminators


TRUTH = torch.zeros(1, 2)


def batch_of(count):
    inputs = SearchInputs(*SEARCH.example(count))
    return SearchBatch(
        inputs, inputs, torch.full((count, 2), 0.4), torch.ones(count), torch.ones(count)
    )


def test_a_teacher_who_is_farther_off_than_the_student_is_not_followed():
    student = torch.tensor([[0.3, 0.0]], requires_grad=True)
    loss = _soft(student, TRUTH, torch.tensor([[0.6, 0.0]]))
    loss.backward()
    assert loss == 0
    assert not student.grad.any()


def test_the_better_teacher_is_followed_as_eqs_11_and_13_say():
    student = torch.tensor([[0.3, 0.1]])
    better, worse = torch.tensor([[0.1, 0.0]]), torch.tensor([[-1.0, 0.0]])
    # T^2 times the mean of |0.2| / T and |0.1| / T, T being 5.
    assert _soft(student, TRUTH, better, worse).item() == pytest.approx(5 * 0.15)


def test_encoders_learn_nothing_from_fooling_discriminators():
    torch.manual_seed(0)
    network, objective, batch = GldTracker(), GldObjective(), batch_of(3)
    losses = objective(network, batch)
    (losses['visual_generator'] + losses['audio_generator']).backward()
    learning = {name for name, p in network.named_parameters() if p.grad is not None}
    assert {name.split('.')[0] for name in learning} == {'sight_generator', 'sound_generator'}
    assert all(p.grad is None for p in objective.parameters())


def test_discriminators_learn_and_teachers_do_not_from_being_told_apart():
    torch.manual_seed(0)
    network, objective = GldTracker(), GldObjective()
    losses = objective(network, batch_of(3))
    (losses['visual_discriminator'] + losses['audio_discriminator']).backward()
    learning = {n.split('.')[0] for n, p in objective.named_parameters() if p.grad is not None}
    assert learning == {'visual_discriminator', 'audio_discriminator'}
    assert all(p.grad is None for p in network.parameters())
