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

import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.recordings.messages import from_transforms, stamped_transforms, to_transforms

STAMP = 12_345_678_901


def message(count=3):
    rng = np.random.default_rng(0)
    poses = {
        f'/joint_{k}': RigidTransform(Rotation.random(rng=rng).as_matrix(), rng.normal(size=3))
        for k in range(count)
    }
    return to_transforms('/base', poses, STAMP), list(poses.values())


@pytest.mark.parametrize('is_static', [True, False])
def test_a_message_comes_back(is_static):
    sent, poses = message()
    read = stamped_transforms(sent, is_static)
    assert read.is_static == is_static
    assert read.rejected == ()
    assert [(each.parent, each.child, each.stamp) for each in read.transforms] == [
        ('base', f'joint_{k}', STAMP) for k in range(3)
    ]
    for each, pose in zip(read.transforms, poses, strict=True):
        np.testing.assert_allclose(each.parent_from_child.rotation, pose.rotation, atol=1e-12)
        np.testing.assert_allclose(each.parent_from_child.translation, pose.translation)


def test_quaternions_need_not_have_unit_length():
    sent, (pose, *_) = message()
    rotation = sent.transforms[0].transform.rotation
    for axis in 'xyzw':
        setattr(rotation, axis, 3 * getattr(rotation, axis))
    read = stamped_transforms(sent).transforms[0].parent_from_child
    np.testing.assert_allclose(read.rotation, pose.rotation, atol=1e-12)


def test_an_empty_message_tells_nothing():
    assert stamped_transforms(message(0)[0]).transforms == ()


ABSURD = 'numbers that are not finite, or above 1e+06'


@pytest.mark.parametrize(
    ('part', 'axes', 'value', 'told'),
    [
        ('rotation', 'xyzw', 0.0, 'a quaternion of zeros'),
        ('rotation', 'z', np.nan, ABSURD),
        ('translation', 'y', np.inf, ABSURD),
        ('translation', 'x', 1e300, ABSURD),
        ('rotation', 'w', -1e300, ABSURD),
    ],
)
def test_a_transform_that_is_none_leaves_the_others(part, axes, value, told):
    sent, _ = message()
    for axis in axes:
        setattr(getattr(sent.transforms[1].transform, part), axis, value)
    read = stamped_transforms(sent)
    assert [each.child for each in read.transforms] == ['joint_0', 'joint_2']
    assert read.rejected == (f"transform from 'base' to 'joint_1' has {told}",)
    with pytest.raises(InputError, match=re.escape(told)):
        from_transforms(sent)
