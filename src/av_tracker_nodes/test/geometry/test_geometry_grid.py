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

from av_tracker_nodes.geometry import Room
from av_tracker_nodes.geometry.grid import (
    box_grid,
    directions,
    image_grid,
    inverse_ranges,
    surround_grid,
)


def test_image_grid_of_the_corpus():
    grid = image_grid((360, 288), 3)
    assert grid.shape == (96, 120, 2)
    np.testing.assert_allclose(grid[0, 0], [1, 1])
    np.testing.assert_allclose(grid[-1, -1], [358, 286])


def test_box_grid_holds_the_centres_of_its_cells():
    grid = box_grid(np.array([10, 20, 4, 6]), rows=3, columns=2)
    np.testing.assert_allclose(grid[:, 0, 1], [21, 23, 25])
    np.testing.assert_allclose(grid[0, :, 0], [11, 13])


@given(step=st.floats(2, 12))
def test_no_direction_is_far_from_the_lattice(step):
    lattice = directions(np.deg2rad(step))
    np.testing.assert_allclose(np.linalg.norm(lattice, axis=1), 1)
    probes = np.random.default_rng(0).normal(size=(100, 3))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    gap = np.degrees(np.arccos(np.clip((probes @ lattice.T).max(axis=1), -1, 1)))
    assert gap.max() < step


def test_inverse_ranges_are_as_dense_as_the_baseline_resolves():
    single = inverse_ranges(0.2, 0.5, 6, np.deg2rad(10))
    double = inverse_ranges(1.0, 0.5, 6, np.deg2rad(10))
    assert single[0] == double[0] == pytest.approx(2)
    assert single[-1] == double[-1] == pytest.approx(1 / 6)
    assert len(single) < len(double)
    assert np.diff(double).min() >= -np.deg2rad(10) / 1.0


def test_surround_grid_stays_in_the_room():
    room = Room(np.array([-1, -1, 0.0]), np.array([1, 1, 2.0]))
    lattice = directions(np.deg2rad(10))
    large = Room(np.full(3, -9.0), np.full(3, 9.0))
    everywhere = surround_grid(np.zeros(3), lattice, np.array([2, 0.2]), large)
    inside = surround_grid(np.zeros(3), lattice, np.array([2, 0.2]), room)
    assert len(everywhere) == 2 * len(lattice)
    assert room.contains(inside).all()
    assert len(inside) == room.contains(everywhere).sum() > 0
