# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.association.assignment import greedy, optimal
from av_tracker_nodes.association.cost import (
    Hypothesis,
    distance_cost,
    dual_geometric_cost,
    kernel_width,
    squared_mahalanobis,
)


def hypothesis_at(x, box=(0, 0, 10, 10), std=0.1):
    box = None if box is None else np.array(box, float)
    return Hypothesis(np.array([x, 0.0, 0.0]), std**2 * np.eye(3), box)


def test_cost_by_hand():
    tracks = [hypothesis_at(0.0)]
    detections = [hypothesis_at(0.5, (5, 0, 10, 10))]
    flat = 1 - 50 / 150
    deep = 1 - np.exp(-(0.5**2) / (2 * 0.5**2))
    assert dual_geometric_cost(tracks, detections, 0.6, 0.5)[0, 0] == pytest.approx(
        0.6 * flat + 0.4 * deep
    )


def test_a_voice_is_matched_by_distance_alone():
    tracks = [hypothesis_at(0.0), hypothesis_at(1.0, None)]
    detections = [hypothesis_at(0.2, None)]
    np.testing.assert_allclose(
        dual_geometric_cost(tracks, detections, 0.6, 0.5), distance_cost(tracks, detections, 0.5)
    )


def test_mahalanobis_adds_both_covariances():
    distance = squared_mahalanobis([hypothesis_at(0.0, std=0.3)], [hypothesis_at(1.0, std=0.4)])
    assert distance[0, 0] == pytest.approx(1.0 / 0.5**2)


@pytest.mark.parametrize(('depth', 'width'), [(3.0, 0.5), (0.1, 0.25), (6.0, 1.0), (60.0, 1.0)])
def test_kernel_follows_the_depth_of_the_room(depth, width):
    assert kernel_width(0.5, depth) == pytest.approx(width)


@pytest.mark.parametrize('empty', [([], [hypothesis_at(0)]), ([hypothesis_at(0)], []), ([], [])])
def test_nobody_or_nothing(empty):
    tracks, detections = empty
    cost = dual_geometric_cost(tracks, detections, 0.6, 0.5)
    assert cost.shape == (len(tracks), len(detections))
    assert optimal(cost, cost < 2) == greedy(cost, cost < 2) == []


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
