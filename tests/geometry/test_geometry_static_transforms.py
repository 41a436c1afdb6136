# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.static_transforms import chain

QUARTER_TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
EDGES = {
    ('world', 'robot'): RigidTransform(QUARTER_TURN, np.array([1.0, 2.0, 0.0])),
    ('mast', 'robot'): RigidTransform(np.eye(3), np.array([0.0, 0.0, -0.5])),
    ('mast', 'camera'): RigidTransform(np.eye(3), np.array([0.25, 0.0, 0.0])),
    ('moon', 'rover'): RigidTransform(),
}


def test_frames_are_chained_from_parent_to_child_and_back():
    world_from_camera = chain(EDGES, 'world', '/camera', 'a bag')
    # The camera is at (0.25, 0, 0.5) from the robot, whose x axis is the y axis of the world.
    np.testing.assert_allclose(world_from_camera.translation, [1.0, 2.25, 0.5])
    np.testing.assert_allclose(world_from_camera.rotation, QUARTER_TURN)
    back = chain(EDGES, 'camera', 'world', 'a bag')
    np.testing.assert_allclose((back @ world_from_camera).translation, 0.0, atol=1e-12)


def test_a_frame_is_its_own_without_any_transform():
    np.testing.assert_array_equal(chain({}, 'world', 'world', 'a bag').translation, 0.0)


def test_frames_that_are_not_connected():
    with pytest.raises(InputError) as raised:
        chain(EDGES, 'world', 'rover', 'a bag')
    assert str(raised.value) == (
        "a bag does not connect 'rover' to 'world'; it holds world -> robot, mast -> robot, "
        'mast -> camera, moon -> rover'
    )
    with pytest.raises(InputError, match='it holds nothing'):
        chain({}, 'world', 'camera', 'a bag')
