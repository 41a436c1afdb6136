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

from av_tracker_nodes.research.networks.gld_network import GldTracker  # noqa: E402
from av_tracker_nodes.research.networks.gld_objective import GldObjective, _soft  # noqa: E402
from av_tracker_nodes.research.networks.search_inputs import SearchInputs  # noqa: E402
from av_tracker_nodes.research.training.onnx_forms import SEARCH  # noqa: E402
from av_tracker_nodes.research.training.search_batches import SearchBatch  # noqa: E402

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
