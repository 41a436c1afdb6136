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

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import load_microphones, load_room
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
