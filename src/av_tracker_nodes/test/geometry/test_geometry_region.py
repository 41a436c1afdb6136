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

"""Grids of directions and pixels, and the regions in which they lie."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import load_microphones, load_room
from av_tracker_nodes.geometry.grid import (
    box_grid,
    directions,
    image_grid,
    inverse_ranges,
    surround_grid,
)
from av_tracker_nodes.geometry.region import SourceRegion

CALIBRATION = Path(__file__).resolve().parents[2] / 'calibration'
ANGLES = np.arange(8) * np.pi / 4
CIRCLE = 0.1 * np.stack([np.cos(ANGLES), np.sin(ANGLES), np.zeros(8)], axis=-1)
ABOVE, BELOW = np.array([0.5, 0.5, 0.5]), np.array([0.5, 0.5, -0.5])


def rig(camera_at=(0, 0, 1.0), microphones=CIRCLE, rotation=None, room=None):
    pose = RigidTransform(np.eye(3) if rotation is None else rotation, np.array(camera_at))
    camera = Camera(400, 400, 180, 144, (360, 288), pose=pose)
    return Rig(camera, MicrophoneArray(microphones), room=room)


@pytest.mark.parametrize('height', [1.0, -1.0])
def test_flat_arrays_hear_the_side_of_the_camera(height):
    region = SourceRegion.of(rig(camera_at=(0, 0, height)))
    assert region.contains(np.stack([ABOVE, BELOW])).tolist() == [height > 0, height < 0]


def test_a_camera_in_the_plane_tells_the_side_that_it_looks_to():
    looks_down = np.diag([1.0, -1.0, -1.0])
    region = SourceRegion.of(rig(camera_at=(0, 0, 0.0), rotation=looks_down))
    assert region.contains(np.stack([ABOVE, BELOW])).tolist() == [False, True]


def test_the_plane_is_that_of_the_target_of_the_array():
    turned = RigidTransform(np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]]), np.zeros(3))
    mounted = replace(rig(camera_at=(1.0, 0, 0)), target_from_array=turned)
    assert SourceRegion.of(mounted).contains(np.stack([ABOVE, BELOW])).tolist() == [True, False]


@pytest.mark.parametrize(
    'microphones',
    [
        np.concatenate([CIRCLE, CIRCLE + np.array([0, 0, 0.2])]),
        np.array([[0, 0, 0], [0.1, 0, 0], [0.2, 0, 0.0]]),
        np.array([[0, 0, 0], [0.1, 0, 0.0]]),
    ],
)
def test_other_arrays_hear_all_round(microphones):
    region = SourceRegion.of(rig(microphones=microphones))
    assert region.contains(np.stack([ABOVE, BELOW])).all()


def test_the_room_bounds_both_sides():
    room = Room(np.array([0, 0, -1.0]), np.array([0.4, 1, 1]))
    region = SourceRegion.of(rig(room=room))
    assert not region.contains(ABOVE)
    assert region.contains(np.array([0.3, 0.5, 0.5]))


def test_a_table_is_no_source():
    table = Box(np.array([-0.6, -0.6, -2.0]), np.array([0.6, 0.6, 0.02]))
    room = Room(np.full(3, -2.0), np.full(3, 2.0), (table,))
    points = np.array([[0.3, 0.3, -0.03], [0.3, 0.3, 0.3], [1.0, 0.3, -0.03], [5.0, 0, 0.5]])
    assert room.contains(points).tolist() == [False, True, True, False]
    furnished = SourceRegion.of(rig(room=room))
    assert furnished.contains(points).tolist() == [False, True, True, False]
    assert not furnished.is_same(SourceRegion.of(rig(room=replace(room, obstacles=()))))
    assert furnished.is_same(SourceRegion.of(rig(room=room)))


def test_nothing_is_heard_from_below_the_table_of_av163():
    path = CALIBRATION / 'av163_arrays.yaml'
    described = rig(microphones=load_microphones(path).positions, room=load_room(path))
    region = SourceRegion.of(described)
    below = np.random.default_rng(0).uniform([-1.8, -6, -0.73], [1.8, 2.2, -0.05], (200, 3))
    assert not region.contains(below).any()
    assert region.contains(np.array([[0.9, -0.3, 0.4], [-0.2, -1.5, 0.3]])).all()


def test_regions_are_compared_by_what_they_contain():
    first = SourceRegion.of(rig())
    assert first.is_same(SourceRegion.of(rig(camera_at=(0.3, 0.2, 0.9))))
    assert not first.is_same(SourceRegion.of(rig(camera_at=(0, 0, -1))))
    room = Room(np.array([0, 0, -1.0]), np.array([0.4, 1, 1]))
    assert not first.is_same(SourceRegion.of(rig(room=room)))


def test_up_in_the_array_is_up_in_the_room():
    lying = RigidTransform(np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]]), np.array([1.0, 2, 3]))
    mounted = replace(rig(), target_from_array=lying)
    raised = lying @ mounted.up_in_array - lying @ np.zeros(3)
    np.testing.assert_allclose(raised, [0, 0, 1], atol=1e-12)


# ---- grids


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
