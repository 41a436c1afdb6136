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
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE
from av_tracker_nodes.research.simulation.trajectories import (
    MOUTH_REACH,
    Itinerary,
    Look,
    jaw_opening,
    look_ahead,
    look_away,
    mouth_of,
    smooth,
    turn_head,
    wander,
)

TIMES = np.arange(-1.0, 12.0, 0.01)
points = st.tuples(st.floats(-1.5, 1.5), st.floats(-5, 2))


@settings(max_examples=30)
@given(st.lists(points, min_size=1, max_size=5), st.floats(0.2, 1.1))
def test_walks_are_never_faster_than_asked_and_reach_their_end(places, speed):
    route = Itinerary.start((0.0, 0.0), 0.0)
    for place in places:
        route.walk(place, speed)
    times = np.arange(-1.0, route.end + 1.0, 0.01)
    path = route.positions(times)
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() / 0.01 <= speed + 1e-6
    np.testing.assert_allclose(path[-1], places[-1], atol=1e-9)


def test_smoothing_keeps_constants_and_straight_lines():
    line = 2.0 * TIMES - 1.0
    inner = slice(60, -60)
    np.testing.assert_allclose(smooth(line, TIMES, 0.8)[inner], line[inner], atol=1e-9)
    np.testing.assert_allclose(smooth(np.full((TIMES.size, 2), 3.0), TIMES, 0.8), 3.0)


def test_wander_has_the_deviation_asked_for():
    times = np.arange(0, 2000, 0.01)
    path = wander(times, 0.3, 2.0, np.random.default_rng(0))
    assert path.std() == pytest.approx(0.3, rel=0.1)


def test_head_turns_to_what_it_looks_at_and_keeps_its_yaw_continuous():
    axis = np.tile([1.0, 0.0, 0.8], (TIMES.size, 1))
    looks = [Look(0.0, np.array([0.0, 0.1, 0.8])), Look(5.0, np.array([0.0, -0.1, 0.0]))]
    yaw, pitch, roll = turn_head(axis, looks, TIMES, np.random.default_rng(0)).T
    before, after = TIMES < 4.0, TIMES > 6.0
    assert np.degrees(yaw[before].mean()) == pytest.approx(180 - 5.7, abs=4)
    assert np.degrees(yaw[after].mean()) == pytest.approx(180 + 5.7, abs=4)
    assert np.abs(np.diff(yaw)).max() < 0.05
    assert np.degrees(pitch[after].mean()) == pytest.approx(20, abs=4)
    assert np.abs(np.degrees(roll)).max() < 15


def test_looking_away_shows_the_back_and_looking_ahead_follows_the_walk():
    camera = np.array([-1.5, 2.0, 1.4])
    route = Itinerary.start((0.5, 1.0), 0.0).wait(2.0).walk((1.0, -1.0), 0.5)
    axis = np.column_stack([route.positions(TIMES), np.full(TIMES.size, 0.8)])
    to_camera, away = camera - axis, look_away(axis.copy(), camera) - axis
    cosine = np.einsum('ij,ij->i', to_camera[:, :2], away[:, :2])
    cosine /= np.linalg.norm(to_camera[:, :2], axis=1) * np.linalg.norm(away[:, :2], axis=1)
    np.testing.assert_allclose(cosine, -1.0)
    ahead = look_ahead(axis, TIMES) - axis
    np.testing.assert_allclose(
        ahead[TIMES > 4.0][0, :2] / 2, np.array([0.5, -2.0]) / np.hypot(0.5, 2.0), atol=1e-6
    )


def test_mouth_lies_before_the_axis_where_the_head_points():
    orientation = np.radians([[0.0, 0.0, 0.0], [90.0, 0.0, 5.0], [0.0, 90.0, 0.0]])
    expected = MOUTH_REACH * np.array([[1, 0, 0], [0, 1, 0], [0, 0, -1.0]])
    np.testing.assert_allclose(mouth_of(np.zeros((3, 3)), orientation), expected, atol=1e-12)


def test_jaw_follows_the_energy_of_speech():
    speech = np.zeros(10 * RATE, np.float32)
    loud = slice(3 * RATE, 5 * RATE)
    speech[loud] = ACTIVE_LEVEL * np.random.default_rng(0).normal(size=2 * RATE)
    jaw = jaw_opening(speech, TIMES)
    assert jaw[(TIMES > 3.2) & (TIMES < 4.8)].min() > 0.4
    assert jaw[(TIMES < 2.8) | (TIMES > 5.2)].max() == 0
    assert jaw.max() <= 1
