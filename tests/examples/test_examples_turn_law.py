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

"""The control law of the example that turns to the speaker."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_law import Limits, TurnLaw, reachable, wrap

STEP = 0.05
TINY = 1e-9

limits = st.builds(
    Limits,
    speed=st.floats(0.1, 3.0),
    acceleration=st.floats(0.3, 10.0),
    dead_band=st.floats(0.02, 0.3),
    gain=st.floats(0.5, 4.0),
)
angles = st.floats(-math.pi, math.pi)
steps = st.floats(0.0, 0.1)


def turn(law, error, seconds, times=400):
    """Errors and speeds while something turns as it is told."""
    errors, speeds = [error], []
    for _ in range(times):
        speeds.append(law.step(errors[-1], seconds))
        errors.append(errors[-1] - speeds[-1] * seconds)
    return errors, speeds


@given(limits, st.lists(st.tuples(st.none() | st.floats(), steps)))
def test_limits_hold_whatever_comes(limits, inputs):
    law = TurnLaw(limits)
    for error, seconds in inputs:
        before = law.speed
        speed = law.step(error, seconds)
        assert abs(speed) <= limits.speed
        assert abs(speed - before) <= limits.acceleration * seconds + TINY


@given(limits, angles, st.floats(0.01, 0.1))
def test_it_arrives_without_overshoot_and_rests(limits, error, seconds):
    rest = 20 + 2 * math.pi / limits.speed
    errors, speeds = turn(TurnLaw(limits), error, seconds, round(rest / seconds))
    assert abs(errors[-1]) <= limits.dead_band
    assert speeds[-1] == 0
    assert all(e * math.copysign(1, error) > -limits.dead_band for e in errors)


@given(limits, angles, st.integers(0, 100))
def test_without_a_goal_it_brakes_to_rest(limits, error, turned):
    law = TurnLaw(limits)
    turn(law, error, STEP, turned)
    for _ in range(math.ceil(limits.speed / limits.acceleration / STEP) + 1):
        law.step(None, STEP)
    assert law.speed == 0


def test_a_speaker_in_the_dead_band_moves_nothing():
    law = TurnLaw(Limits(dead_band=0.1))
    assert {law.step(error, STEP) for error in (0.09, -0.09, 0.05)} == {0.0}


def test_a_turn_that_has_begun_goes_on_into_the_dead_band():
    errors, _ = turn(TurnLaw(Limits(dead_band=0.1)), 1.0, STEP)
    assert abs(errors[-1]) < 0.05


def test_full_turn_takes_what_the_speed_limit_allows():
    errors, speeds = turn(TurnLaw(Limits(speed=1.0, acceleration=2.0)), 3.0, STEP)
    assert max(speeds) == 1.0
    arrival = next(k for k, e in enumerate(errors) if e < 0.1) * STEP
    assert 3.0 < arrival < 5.0


@pytest.mark.parametrize('error', [math.nan, math.inf])
def test_nonsense_is_no_goal(error):
    assert TurnLaw(Limits()).step(error, STEP) == 0


@given(st.floats(-100, 100))
def test_wrapped_angles_point_the_same_way(angle):
    assert -math.pi <= wrap(angle) <= math.pi
    assert math.cos(wrap(angle) - angle) == pytest.approx(1)


@given(angles, angles, st.floats(-6, -0.1), st.floats(0.1, 6))
def test_goal_is_in_range_and_at_the_speaker_if_it_can(bearing, angle, lower, upper):
    goal = reachable(bearing, angle, lower, upper)
    assert lower <= goal <= upper
    if lower <= bearing <= upper:
        assert math.cos(goal - bearing) == pytest.approx(1)


@pytest.mark.parametrize(
    ('bearing', 'angle', 'goal'),
    [
        (1.0, 0.0, 1.0),
        (-1.0, 1.5, -1.0),
        (2.0, 0.0, 1.5),  # out of reach
        (3.1, 1.5, 1.5),  # behind, passing from left to right: stays where it is
        (-3.1, 1.5, 1.5),
        (-3.1, -1.5, -1.5),
    ],
)
def test_goal_of_a_head_that_reaches_a_radian_and_a_half(bearing, angle, goal):
    assert reachable(bearing, angle, -1.5, 1.5) == pytest.approx(goal)


def test_a_head_that_turns_all_round_takes_the_shorter_way():
    assert reachable(-3.0, 3.0, -6.0, 6.0) == pytest.approx(math.tau - 3.0)
