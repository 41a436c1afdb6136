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

"""Rotations, against SciPy."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry.rotations import (
    matrix_of_quaternion,
    matrix_of_roll_pitch_yaw,
    matrix_of_vector,
    nearest_rotation,
    quaternion_of_matrix,
    vector_of_matrix,
)

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
