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

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.frame_tree import (
    FrameTree,
    StaleTransformError,
    StampedTransform,
    Transforms,
    UnconnectedError,
)

MS = 1_000_000
SECOND = 1000 * MS


def turned(degrees, *translation):
    return RigidTransform(
        Rotation.from_euler('z', degrees, degrees=True).as_matrix(), np.array(translation, float)
    )


def shifted(x=0, y=0, z=0):
    return turned(0, x, y, z)


def random_pose(rng):
    return RigidTransform(Rotation.random(rng=rng).as_matrix(), rng.normal(size=3))


def matrix_of(pose):
    """Homogeneous matrix, shape (4, 4)."""
    return np.block([[pose.rotation, pose.translation[:, None]], [0, 0, 0, 1]])


def between(samples, stamp):
    """Homogeneous matrix at a stamp between samples {stamp: pose}, by SciPy's Slerp."""
    stamps = np.array(list(samples), float)
    poses = list(samples.values())
    at = np.clip(stamp, stamps[0], stamps[-1])
    turns = Slerp(stamps, Rotation.from_matrix(np.stack([pose.rotation for pose in poses])))
    places = np.stack([pose.translation for pose in poses])
    pose = np.eye(4)
    pose[:3, :3] = turns(at).as_matrix()
    pose[:3, 3] = [np.interp(at, stamps, axis) for axis in places.T]
    return pose


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_any_two_frames_of_any_tree(seed, count):
    """Trees of static and moving frames, against products of matrices."""
    rng = np.random.default_rng(seed)
    tree, root_from = FrameTree(), [np.eye(4)]
    stamp = int(rng.integers(0, 400)) * MS
    messages = []
    for child in range(1, count):
        parent = int(rng.integers(child))
        if rng.random() < 0.5:
            pose = random_pose(rng)
            messages.append((f'f{parent}', f'f{child}', pose, None))
            step = matrix_of(pose)
        else:
            samples = {k * 100 * MS: random_pose(rng) for k in range(5)}
            messages += [(f'f{parent}', f'f{child}', pose, at) for at, pose in samples.items()]
            step = between(samples, stamp)
        root_from.append(root_from[parent] @ step)
    for k in rng.permutation(len(messages)):
        parent, child, pose, at = messages[k]
        if at is None:
            tree.fix(parent, child, pose)
        else:
            tree.move(parent, child, pose, at)
    for target, source in rng.integers(count, size=(5, 2)):
        found = tree.look_up(f'f{target}', f'f{source}', stamp, timeout=0.05)
        expected = np.linalg.inv(root_from[target]) @ root_from[source]
        np.testing.assert_allclose(matrix_of(found), expected, atol=1e-9)


def test_a_frame_is_itself():
    pose = FrameTree().look_up('world', 'world', 0)
    np.testing.assert_array_equal(pose.rotation, np.eye(3))
    np.testing.assert_array_equal(pose.translation, 0)


@pytest.mark.parametrize(('target', 'source'), [('world', '/cam'), ('/world', 'cam')])
def test_leading_slashes_are_nothing(target, source):
    tree = FrameTree()
    tree.fix('/world', '/base', shifted(1, 0, 0))
    tree.move('base', 'cam', shifted(0, 2, 0), SECOND)
    np.testing.assert_array_equal(tree.look_up(target, source).translation, [1, 2, 0])


class TestUnconnected:
    def test_what_is_there_is_told(self):
        tree = FrameTree.of({('world', 'base'): shifted(), ('moon', 'rover'): shifted()}, 'a bag')
        with pytest.raises(UnconnectedError) as raised:
            tree.look_up('world', 'rover')
        assert isinstance(raised.value, InputError)
        assert str(raised.value) == (
            "a bag does not connect 'rover' to 'world'; it holds moon -> rover, world -> base"
        )
        with pytest.raises(UnconnectedError, match='it holds nothing'):
            FrameTree().look_up('world', 'camera')

    def test_of_many_frames_those_that_lead_to_the_wanted_one_are_told(self):
        tree = FrameTree()
        for k in range(90):
            tree.move('base', f'joint_{k}', shifted(), 0)
        tree.fix('base', 'head', shifted())
        tree.fix('head', 'camera', shifted())
        with pytest.raises(UnconnectedError) as raised:
            tree.look_up('world', 'camera')
        assert 'holds base -> head, head -> camera, ' in str(raised.value)
        assert len(str(raised.value)) < 300

    def test_frames_become_connected_later(self):
        tree = FrameTree()
        tree.fix('base', 'camera', shifted(0, 0, 1))
        assert not tree.connects('world', 'camera')
        tree.move('world', 'base', shifted(1, 0, 0), SECOND)
        assert tree.connects('world', 'camera')
        np.testing.assert_array_equal(
            tree.look_up('world', 'camera', SECOND).translation, [1, 0, 1]
        )

    def test_a_loop_of_frames_ends(self):
        tree = FrameTree()
        for parent, child in (('a', 'b'), ('b', 'c'), ('c', 'a'), ('c', 'c')):
            tree.fix(parent, child, shifted())
        with pytest.raises(UnconnectedError):
            tree.look_up('a', 'z')
        assert set(tree.ancestors('b')) == {'a', 'b', 'c'}


class TestAge:
    @pytest.fixture
    def tree(self):
        """The base moves from 1 s to 2 s, then again from 5 s on; the camera is fixed to it."""
        tree = FrameTree()
        tree.fix('base', 'camera', shifted(0, 0, 1))
        for seconds, x in ((1.0, 1), (1.5, 1.5), (2.0, 2), (5.0, 5)):
            tree.move('odom', 'base', shifted(x, 0, 0), round(seconds * SECOND))
        return tree

    @pytest.mark.parametrize(
        ('seconds', 'x'), [(0.6, 1), (1, 1), (1.25, 1.25), (2.5, 2.5), (4.9, 4.9), (5.5, 5)]
    )
    def test_near_its_samples_a_transform_is_known(self, tree, seconds, x):
        pose = tree.look_up('odom', 'camera', round(seconds * SECOND), timeout=0.5)
        np.testing.assert_allclose(pose.translation, [x, 0, 1])

    @pytest.mark.parametrize(
        ('seconds', 'told'),
        [
            (0.4, 'begins 0.6 s later'),
            (3.0, 'is 1.0 s old'),
            (4.0, 'begins 1.0 s later'),
            (6.3, 'is 1.3 s old'),
        ],
    )
    @pytest.mark.parametrize(('target', 'source'), [('odom', 'camera'), ('camera', 'odom')])
    def test_far_from_them_it_is_stale(self, tree, seconds, told, target, source):
        with pytest.raises(StaleTransformError) as raised:
            tree.look_up(target, source, round(seconds * SECOND), timeout=0.5)
        assert str(raised.value) == f"transform from 'odom' to 'base' {told}"
        assert (raised.value.parent, raised.value.child) == ('odom', 'base')

    def test_the_timeout_is_that_of_the_look_up(self, tree):
        assert tree.look_up('odom', 'base', 8 * SECOND, timeout=3.0).translation[0] == 5
        with pytest.raises(StaleTransformError, match=r'3\.0 s old'):
            tree.look_up('odom', 'base', 8 * SECOND, timeout=2.9)

    def test_static_transforms_never_age(self, tree):
        for stamp in (None, 0, 10**18):
            pose = tree.look_up('base', 'camera', stamp, timeout=0.0)
            np.testing.assert_array_equal(pose.translation, [0, 0, 1])

    def test_without_a_stamp_the_newest_is_taken(self, tree):
        assert tree.look_up('odom', 'camera', timeout=0.0).translation[0] == 5

    def test_time_that_falls_back_begins_anew(self, tree):
        tree.move('odom', 'base', shifted(7, 0, 0), 1 * SECOND)
        assert tree.look_up('odom', 'base', 1 * SECOND + 400 * MS).translation[0] == 7
        with pytest.raises(StaleTransformError):
            tree.look_up('odom', 'base', 5 * SECOND)

    def test_of_one_stamp_the_last_counts(self, tree):
        for x in (8, 9):
            tree.move('odom', 'base', shifted(x, 0, 0), 5 * SECOND)
        assert tree.look_up('odom', 'base', 5 * SECOND).translation[0] == 9


class TestConflicts:
    @pytest.mark.parametrize('static_first', [True, False])
    def test_of_static_and_moving_the_static_holds(self, static_first):
        tree = FrameTree()
        if static_first:
            tree.fix('base', 'arm', shifted(1, 0, 0))
        tree.move('base', 'arm', shifted(2, 0, 0), SECOND)
        if not static_first:
            tree.fix('base', 'arm', shifted(1, 0, 0))
        assert tree.look_up('base', 'arm', 100 * SECOND).translation[0] == 1

    def test_of_two_static_ones_the_last_holds(self):
        tree = FrameTree()
        for x in (1, 2):
            tree.fix('base', 'arm', shifted(x, 0, 0))
        assert tree.look_up('base', 'arm').translation[0] == 2

    def test_both_parents_of_a_frame_lead_to_it_while_both_are_told(self):
        tree = FrameTree()
        for k in range(20):
            tree.move('odom', 'base', shifted(k, 0, 0), k * 100 * MS)
            tree.move('map', 'base', shifted(0, k, 0), k * 100 * MS)
        for target in ('odom', 'map'):
            assert tree.look_up(target, 'base', 1900 * MS).translation.sum() == 19
        np.testing.assert_array_equal(
            tree.look_up('map', 'odom', 1900 * MS).translation, [-19, 19, 0]
        )

    def test_a_frame_leaves_its_former_parent(self):
        """What the gripper holds is no longer on the table, though the way was the shorter."""
        tree = FrameTree()
        tree.fix('table', 'wrist', shifted(5, 0, 0))
        tree.fix('wrist', 'gripper', shifted())
        for k in range(30):
            parent = 'table' if k < 10 else 'gripper'
            tree.move(parent, 'cup', shifted(k, 0, 0), k * 100 * MS)
        assert tree.look_up('table', 'cup', 2900 * MS).translation[0] == 29 + 5

    def test_people_who_are_gone_leave_no_frames(self):
        tree = FrameTree()
        tree.fix('base', 'camera', shifted())
        tree.move('odom', 'base', shifted(), 0)
        tree.look_up('odom', 'camera', 0)
        for k in range(300):
            tree.move('camera', f'face_{k}', shifted(), k * SECOND)
        assert not tree.knows('face_0')
        assert tree.knows('face_299')
        with pytest.raises(StaleTransformError):
            tree.look_up('odom', 'camera', 300 * SECOND)


class TestMountings:
    def test_a_mounting_places_a_frame_that_nobody_tells(self):
        tree = FrameTree()
        tree.mount('base', 'camera', shifted(0, 0, 1))
        tree.move('odom', 'base', shifted(3, 0, 0), SECOND)
        np.testing.assert_array_equal(
            tree.look_up('odom', 'camera', SECOND).translation, [3, 0, 1]
        )
        with pytest.raises(StaleTransformError):
            tree.look_up('odom', 'camera', 9 * SECOND)

    @pytest.mark.parametrize('is_static', [True, False])
    def test_a_frame_that_is_told_has_no_mounting(self, is_static):
        tree = FrameTree()
        tree.mount('base', 'camera', shifted(0, 0, 1))
        assert not tree.tells('camera')
        told = StampedTransform('base', 'camera', shifted(0, 0, 2), SECOND)
        tree.take(Transforms((told,), is_static))
        assert tree.tells('camera')
        assert tree.look_up('base', 'camera', SECOND).translation[2] == 2

    def test_not_even_if_it_is_told_in_another_tree(self):
        tree = FrameTree()
        tree.mount('base', 'camera', shifted(0, 0, 1))
        tree.fix('stand', 'camera', shifted())
        with pytest.raises(UnconnectedError):
            tree.look_up('base', 'camera')

    def test_what_hangs_on_a_frame_does_not_place_it(self):
        tree = FrameTree()
        tree.mount('base', 'camera', shifted(0, 0, 1))
        tree.move('camera', 'tag', shifted(), SECOND)
        assert tree.look_up('base', 'camera', SECOND).translation[2] == 1


def test_a_busy_robot_is_looked_up_fast():
    """A hundred moving frames: a look-up costs a small part of an image's time."""
    tree = FrameTree()
    chain = ['odom', 'base', 'torso', 'neck', 'head']
    for k in range(200):
        for parent, child in pairwise(chain):
            tree.move(parent, child, turned(k, k, 0, 0), k * 10 * MS)
        for joint in range(96):
            tree.move('base', f'joint_{joint}', shifted(), k * 10 * MS)
    tree.fix('head', 'camera', shifted(0, 0, 1))
    began = time.process_time()
    for k in range(200):
        tree.look_up('odom', 'camera', k * 10 * MS - 5 * MS)
    assert (time.process_time() - began) / 200 < 2e-3
