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

from av_tracker_nodes.association.kalman import HeadFilter, Measurement
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD


def head_filter(position=(2.0, 0.0, 0.0), std=0.1, acceleration=1.0, memory=1e6):
    return HeadFilter(
        Measurement(np.array(position), std**2 * np.eye(3)), acceleration, 0.3, memory, 0.03
    )


def textbook_filter(measurements, std, acceleration, dt):
    """Constant-velocity Kalman filter of one axis, written out independently."""
    x, p = np.array([measurements[0], 0.0]), np.diag([std**2, 0.5**2])
    f = np.array([[1, dt], [0, 1]])
    q = acceleration**2 * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
    h = np.array([[1.0, 0.0]])
    for z in measurements[1:]:
        x, p = f @ x, f @ p @ f.T + q
        k = p @ h.T / (h @ p @ h.T + std**2)
        x, p = x + (k * (z - h @ x)).ravel(), (np.eye(2) - k @ h) @ p
    return x, p


def test_equals_the_textbook_filter_without_damping_and_size():
    rng = np.random.default_rng(1)
    axis = 2.0 + np.arange(30) * 0.02 + rng.normal(0, 0.02, 30)
    ours = head_filter((axis[0], 0, 0), memory=1e9)
    for value in axis[1:]:
        ours.predict(0.04)
        ours.update(Measurement(np.array([value, 0, 0]), 0.01 * np.eye(3)))
    state, covariance = textbook_filter(axis, 0.1, 1.0, 0.04)
    assert ours.position[0] == pytest.approx(state[0], abs=1e-6)
    assert ours.velocity[0] == pytest.approx(state[1], abs=1e-6)
    assert ours.covariance[0, 0] == pytest.approx(covariance[0, 0], rel=1e-6)


def test_an_unseen_person_comes_to_rest():
    walker = head_filter(memory=0.5)
    walker.state[3] = 1.0
    walker.predict(100.0)
    assert walker.velocity[0] == pytest.approx(0.0, abs=1e-9)
    assert walker.position[0] == pytest.approx(2.0 + 0.5)


def test_averaging_frames_does_not_remove_the_doubt_about_the_head_size():
    camera = np.zeros(3)
    along = np.diag([(2 * HEAD_SIZE_STD) ** 2 + 0.05**2, 1e-4, 1e-4])
    measured = Measurement(np.array([2.0, 0, 0]), along, 1.0, camera)
    standing = HeadFilter(measured, 1e-3, 0.3, 1.0, 0.03)
    for _ in range(500):
        standing.predict(0.04)
        standing.update(measured)
    assert np.sqrt(standing.covariance[0, 0]) > 0.8 * 2 * HEAD_SIZE_STD


def test_a_heard_range_teaches_the_head_size_and_outlasts_the_voice():
    """A head 8 % too large looks 8 % too near; after it has talked it is placed rightly."""
    camera, true = np.zeros(3), np.array([2.0, 0, 0])
    seen = true / 1.08
    along = np.diag([(2 * HEAD_SIZE_STD) ** 2 + 0.05**2, 1e-4, 1e-4])
    by_face = Measurement(seen, along, 1.0, camera)
    person = HeadFilter(by_face, 1.0, 0.3, 1.0, 0.03)
    for _ in range(100):
        person.predict(0.04)
        person.update(by_face)
        person.update(Measurement(true, 0.05**2 * np.eye(3)))
    for _ in range(250):
        person.predict(0.04)
        person.update(by_face)
    np.testing.assert_allclose(person.position, true, atol=0.03)
    assert np.exp(person.state[6]) == pytest.approx(1.08, abs=0.02)


def test_covariance_stays_symmetric_and_positive():
    rng = np.random.default_rng(0)
    walker = head_filter()
    for _ in range(5000):
        walker.predict(rng.uniform(0, 0.1))
        position = np.array([2.0, 0, 0]) + rng.normal(0, 0.05, 3)
        covariance = np.diag([0.04, 1e-4, 1e-4])
        walker.update(Measurement(position, covariance, rng.uniform(0, 1), np.zeros(3)))
    np.testing.assert_allclose(walker.covariance, walker.covariance.T, atol=1e-12)
    assert np.linalg.eigvalsh(walker.covariance).min() > 0


def test_somebody_unseen_stays_on_the_same_level():
    """So the elevation of a voice, 1 m above the arrays at 45 degrees, tells its range."""
    hidden = HeadFilter(Measurement(np.array([2.0, 0, 1.0]), 0.02**2 * np.eye(3)), 1, 0.3, 1, 0.03)
    across, upwards = np.array([0, 1.0, 0]), np.array([-1.0, 0, 1]) / np.sqrt(2)
    outwards = np.array([1.0, 0, 1]) / np.sqrt(2)
    voice = sum(
        std**2 * np.outer(axis, axis)
        for axis, std in ((across, 0.05), (upwards, 0.05), (outwards, 1.0))
    )
    for _ in range(10):
        hidden.predict(0.4, seen=False)
        # Far off along the sight of the arrays, as echoes pull it, but in the right direction.
        hidden.update(Measurement(np.array([1.0, 0, 1]) * 1.4, voice))
    np.testing.assert_allclose(hidden.position, (1.0, 0, 1.0), atol=0.1)


def test_an_old_position_is_taken_for_what_it_was():
    """A walker whose sound arrives 0.1 s late is not dragged behind."""
    walker = head_filter(position=(0, 0, 0), memory=1e6)
    for k in range(1, 100):
        now = k * 0.04
        walker.predict(0.04)
        walker.update(Measurement(np.array([now - 0.1, 0, 0]), 0.01 * np.eye(3), delay=0.1))
    assert walker.position[0] == pytest.approx(99 * 0.04, abs=0.01)


def test_a_known_head_size_is_expected_in_the_next_face():
    """After a heard range, the same face fits, and one of average size there does not."""
    camera, true = np.zeros(3), np.array([2.0, 0, 0])
    along = np.diag([(2 * HEAD_SIZE_STD) ** 2 + 0.05**2, 1e-4, 1e-4])
    large = Measurement(true / 1.2, along, 1.0, camera)
    person = HeadFilter(large, 1.0, 0.3, 1.0, 0.03)
    for _ in range(100):
        person.predict(0.04)
        person.update(large)
        person.update(Measurement(true, 0.02**2 * np.eye(3)))
    average = Measurement(true, along, 1.0, camera)
    assert person.innovation(large)[1] < 1 < 4 < person.innovation(average)[1]
    np.testing.assert_allclose(person.innovation(large)[0], 0, atol=0.05)


def test_an_outlier_moves_a_track_less_than_its_covariance_says():
    measured = Measurement(np.array([2.2, 0, 0]), 0.1**2 * np.eye(3))
    wild = Measurement(np.array([4.0, 0, 0]), 0.1**2 * np.eye(3))
    near, far = head_filter(), head_filter()
    near.update(measured)
    far.update(wild)
    assert near.position[0] == pytest.approx(2.1)
    assert far.position[0] - 2.0 < 0.15 * 2.0
