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

"""Assignment, against SciPy."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from av_tracker_nodes.assignment import assign

SHAPES = st.tuples(st.integers(0, 7), st.integers(0, 7))
COSTS = st.one_of(st.floats(-10, 10), st.sampled_from([0.0, 1.0, 1e6]))


@given(SHAPES.flatmap(lambda shape: arrays(float, shape, elements=COSTS)))
def test_no_assignment_is_cheaper(cost):
    rows, columns = assign(cost)
    assert len(rows) == len(columns) == min(cost.shape)
    assert sorted(set(rows)) == list(rows)
    assert len(set(columns)) == len(columns)
    least = cost[linear_sum_assignment(cost)].sum()
    assert cost[rows, columns].sum() == pytest.approx(least, abs=1e-6)


def test_a_crowd():
    rng = np.random.default_rng(7)
    cost = rng.random((60, 80))
    assert cost[assign(cost)].sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum())
