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
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.rotations import (
    matrix_of_quaternion,
    matrix_of_roll_pitch_yaw,
    matrix_of_vector,
    nearest_rotation,
    quaternion_of_matrix,
    vector_of_matrix,
)


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


# ---- rotations, against SciPy


COMPONENTS = st.floats(-1.0, 1.0, width=32)
QUATERNIONS = arrays(float, 4, elements=COMPONENTS).filter(lambda q: np.linalg.norm(q) > 1e-3)
VECTORS = arrays(float, 3, elements=st.floats(-3.0, 3.0))


@given(QUATERNIONS)
def test_quaternions(quaternion):
    known = Rotation.from_quat(quaternion)
    matrix = matrix_of_quaternion(quaternion)
    np.testing.assert_allclose(matrix, known.as_matrix(), atol=1e-14)
    found = quaternion_of_matrix(matrix)
    # A rotation has two quaternions.
    unit = quaternion / np.linalg.norm(quaternion)
    np.testing.assert_allclose(found * np.sign(found @ unit), unit, atol=1e-14)
    assert found[np.abs(found).argmax()] > 0


@given(VECTORS, st.sampled_from([1.0, 1e-5, 1e-8, 0.0]))
def test_vectors(vector, scale):
    matrix = matrix_of_vector(scale * vector)
    np.testing.assert_allclose(
        matrix, Rotation.from_rotvec(scale * vector).as_matrix(), atol=1e-14
    )
    found = vector_of_matrix(matrix)
    assert np.linalg.norm(found) <= np.pi + 1e-12
    np.testing.assert_allclose(matrix_of_vector(found), matrix, atol=1e-13)
    if np.linalg.norm(scale * vector) < 3.1:
        np.testing.assert_allclose(found, scale * vector, atol=1e-12)


@given(VECTORS)
def test_roll_pitch_yaw(angles):
    known = Rotation.from_euler('xyz', angles).as_matrix()
    np.testing.assert_allclose(matrix_of_roll_pitch_yaw(angles), known, atol=1e-14)


@given(QUATERNIONS, arrays(float, (3, 3), elements=st.floats(-0.1, 0.1)))
def test_the_nearest_rotation_is_a_rotation_and_no_other_is_nearer(quaternion, change):
    rotation = matrix_of_quaternion(quaternion)
    found = nearest_rotation(rotation + change)
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(found) > 0
    off = np.linalg.norm(rotation + change - found)
    assert off <= np.linalg.norm(change) + 1e-12
