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
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import RigidTransform


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def random_transform(rng):
    return RigidTransform.from_quaternion(rng.normal(size=3), Rotation.random(rng=rng).as_quat())


def test_quarter_turn_about_z_by_hand():
    half = np.sqrt(0.5)
    turn = RigidTransform.from_quaternion([1, 2, 3], [0, 0, half, half])
    np.testing.assert_allclose(turn @ np.array([1.0, 0, 0]), [1, 3, 3], atol=1e-12)
    np.testing.assert_allclose(turn.rotate(np.array([0, 1.0, 0])), [-1, 0, 0], atol=1e-12)


def test_mapping_points_is_what_scipy_does(rng):
    quaternion, translation = Rotation.random(rng=rng).as_quat(), rng.normal(size=3)
    points = rng.normal(size=(4, 5, 3))
    expected = Rotation.from_quat(quaternion).apply(points.reshape(-1, 3)) + translation
    mapped = RigidTransform.from_quaternion(translation, quaternion) @ points
    np.testing.assert_allclose(mapped, expected.reshape(4, 5, 3), atol=1e-12)


def test_chain_applies_the_right_hand_side_first(rng):
    first, second, point = random_transform(rng), random_transform(rng), rng.normal(size=3)
    np.testing.assert_allclose((second @ first) @ point, second @ (first @ point), atol=1e-12)


def test_covariance_turns_like_its_samples(rng):
    transform = random_transform(rng)
    samples = rng.normal(size=(500, 3)) * [1, 2, 3]
    expected = np.cov((transform @ samples).T)
    np.testing.assert_allclose(
        transform.rotate_covariance(np.cov(samples.T)), expected, atol=1e-10
    )


@given(st.integers(0, 2**32 - 1))
def test_inverse_undoes(seed):
    rng = np.random.default_rng(seed)
    transform, points = random_transform(rng), rng.normal(size=(6, 3))
    np.testing.assert_allclose(transform.inverse @ (transform @ points), points, atol=1e-10)


@given(st.integers(0, 2**32 - 1))
def test_quaternion_survives_up_to_sign(seed):
    rng = np.random.default_rng(seed)
    quaternion = Rotation.random(rng=rng).as_quat()
    again = RigidTransform.from_quaternion(np.zeros(3), quaternion).quaternion
    assert abs(quaternion @ again) == pytest.approx(1, abs=1e-12)
