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

pytest.importorskip('torch')

import torch

from av_tracker_nodes.research.networks import NETWORKS
from av_tracker_nodes.research.networks.search_inputs import Found
from av_tracker_nodes.research.training.onnx_forms import SEARCH
from av_tracker_nodes.research.training.quality_ranks import QualityShares
from av_tracker_nodes.research.training.search_batches import SearchBatch
from av_tracker_nodes.research.training.tasks import TASKS


def batches(log_odds):
    """Batches for a network whose log-odds of quality are the first number about the sound."""
    for part in np.array_split(log_odds, 7):
        sound = torch.zeros(len(part), 3)
        sound[:, 0] = torch.from_numpy(part)
        nothing = torch.zeros(len(part))
        inputs = type('Inputs', (), {'sound': sound})
        yield SearchBatch(inputs, inputs, nothing, nothing, nothing)


def network(inputs):
    return Found(torch.zeros(len(inputs.sound), 2), inputs.sound[:, 0], inputs.sound[:, 1])


@pytest.mark.parametrize('sureness', [-4.0, 0.0, 2.0])
def test_the_same_shares_are_renewed_and_doubted_however_sure_a_network_is(sureness):
    log_odds = (sureness + np.random.default_rng(0).normal(size=2000)).astype(np.float32)
    chosen = QualityShares(0.8, 0.05).thresholds(network, batches(log_odds))
    quality = 1 / (1 + np.exp(-log_odds))
    assert (quality >= chosen['update']).mean() == pytest.approx(0.8, abs=0.005)
    assert (quality <= chosen['reset']).mean() == pytest.approx(0.05, abs=0.005)


def test_networks_that_predict_quality_are_given_thresholds_by_rank():
    for name, spec in NETWORKS.items():
        task = TASKS[spec.task]
        assert (task.ranked is not None) == (task.form is SEARCH), name
