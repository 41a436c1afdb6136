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
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.association.assignment import greedy, optimal
from av_tracker_nodes.association.cost import (
    NO_BOX,
    appearance_cost,
    distance_cost,
    dual_geometric_cost,
    kernel_width,
)

BOX = np.array([0, 0, 10, 10.0])


def test_cost_by_hand():
    shifted = BOX + np.array([5, 0, 0, 0])
    cost = dual_geometric_cost(BOX[None], shifted[None], np.array([[0.5]]), 0.6, 0.5)
    flat = 1 - 50 / 150
    deep = 1 - np.exp(-(0.5**2) / (2 * 0.5**2))
    assert cost[0, 0] == pytest.approx(0.6 * flat + 0.4 * deep)


def test_a_voice_is_matched_by_distance_alone():
    distance = np.array([[0.2, 0.3], [0.8, 0.1]])
    cost = dual_geometric_cost(
        np.stack([BOX, NO_BOX]), np.stack([NO_BOX, BOX]), distance, 0.6, 0.5
    )
    by_distance = distance_cost(distance, 0.5)
    assert cost[0, 0] == by_distance[0, 0]
    assert cost[1, 1] == by_distance[1, 1]
    assert cost[0, 1] == pytest.approx(0.4 * by_distance[0, 1])


@pytest.mark.parametrize(('depth', 'width'), [(3.0, 0.5), (0.1, 0.25), (6.0, 1.0), (60.0, 1.0)])
def test_kernel_follows_the_depth_of_the_room(depth, width):
    assert kernel_width(0.5, depth) == pytest.approx(width)


@pytest.mark.parametrize(('tracks', 'detections'), [(0, 1), (1, 0), (0, 0)])
def test_nobody_or_nothing(tracks, detections):
    boxes = [np.tile(BOX, (count, 1)) for count in (tracks, detections)]
    cost = dual_geometric_cost(*boxes, np.zeros((tracks, detections)), 0.6, 0.5)
    assert cost.shape == (tracks, detections)
    assert optimal(cost, cost < 2) == greedy(cost, cost < 2) == []


def test_looks_by_hand():
    first, second = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    cost = appearance_cost([first, None], [first, second, -first, None])
    np.testing.assert_allclose(cost[0, :3], [0, 0.4, 2], atol=1e-7)
    assert (cost[1] == cost[0, 3]).all()
    assert 0 < cost[0, 3] < 1
    another_kind = np.array([1.0, 0.0, 0.0])
    assert appearance_cost([first], [another_kind]) == cost[0, 3]


def test_greedy_takes_the_cheapest_pair_and_optimal_the_cheapest_sum():
    cost = np.array([[0.1, 0.2], [0.3, 0.9]])
    allowed = np.ones_like(cost, bool)
    assert greedy(cost, allowed) == [(0, 0), (1, 1)]
    assert sorted(optimal(cost, allowed)) == [(0, 1), (1, 0)]


def test_gated_pairs_are_never_matched():
    cost = np.array([[0.1, 0.2], [0.3, 0.9]])
    allowed = np.array([[True, False], [True, False]])
    assert greedy(cost, allowed) == optimal(cost, allowed) == [(0, 0)]


@given(
    st.integers(0, 5).flatmap(
        lambda rows: st.lists(
            st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=rows, max_size=rows
        )
    )
)
def test_assignments_are_one_to_one_and_optimal_is_never_dearer(rows):
    cost = np.array(rows, float).reshape(-1, 4)
    allowed = np.ones_like(cost, bool)
    for assign in (optimal, greedy):
        pairs = assign(cost, allowed)
        assert len(pairs) == min(cost.shape)
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    total = {f: sum(cost[i, j] for i, j in f(cost, allowed)) for f in (optimal, greedy)}
    assert total[optimal] <= total[greedy] + 1e-9
