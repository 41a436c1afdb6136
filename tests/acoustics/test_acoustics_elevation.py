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

"""What flat arrays tell of the elevation of a voice."""

import numpy as np
import pytest
from acoustic_scenes import Everywhere
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.elevation import Plane
from av_tracker_nodes.acoustics.location import SourceLocator
from av_tracker_nodes.geometry import MicrophoneArray

SQUARE = 0.023 * np.array([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]])
SHARP = -((2 * np.pi * 2500) ** 2)
ANGLE = st.floats(-180, 180)


def towards(azimuth, elevation):
    azimuth, elevation = np.radians([azimuth, elevation])
    level = np.cos(elevation)
    return np.array([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)])


def located(elevation, coherence, azimuth=40.0, turn=None):
    """Elevation that is told of a peak, and its deviation (degrees)."""
    turn = np.eye(3) if turn is None else turn
    array = MicrophoneArray(SQUARE @ turn.T)
    locator = SourceLocator(PairDelays.of(array), Everywhere(), (1 / 6, 2.0), AcousticConfig())
    correlation = np.tile([coherence, 0.0, coherence * SHARP], (6, 1))
    position, covariance = locator.locate(
        correlation, turn @ (2.0 * towards(azimuth, elevation)), correlation[:, 0].mean()
    )
    position, covariance = turn.T @ position, turn.T @ covariance @ turn
    distance = np.linalg.norm(position)
    upright = np.cross(position, np.cross([0, 0, 1.0], position))
    upright /= np.linalg.norm(upright)
    told = np.degrees(np.arcsin(position[2] / distance))
    return told, np.degrees(np.sqrt(upright @ covariance @ upright) / distance)


def test_a_voice_on_the_level_of_the_array_is_not_put_above_it():
    """Floor, ceiling and a diffuse field make it sound from 35 degrees above."""
    told, deviation = located(35.0, 0.28)
    assert told < 20
    assert told - 1.96 * deviation < 0 < 35 < told + 2.5 * deviation


@pytest.mark.parametrize('elevation', [50.0, 65.0, 80.0])
def test_a_coherent_voice_far_above_is_left_there(elevation):
    told, deviation = located(elevation, 0.6)
    assert told == pytest.approx(elevation, abs=6)
    assert deviation < 20


def test_the_nearer_to_the_plane_the_less_is_known():
    deviations = [located(elevation, 0.5)[1] for elevation in (30.0, 55.0, 75.0)]
    assert deviations[0] > deviations[1] > deviations[2]


def test_below_is_no_less_known_than_above():
    told, deviation = located(-10.0, 0.5)
    mirrored, same = located(10.0, 0.5)
    assert told == pytest.approx(-mirrored, abs=0.01)
    assert deviation == pytest.approx(same, rel=1e-3)


@given(azimuth=ANGLE, elevation=st.floats(5, 85), lie=st.tuples(ANGLE, ANGLE, ANGLE))
def test_it_is_the_plane_that_counts_and_not_how_it_lies(azimuth, elevation, lie):
    turn = Rotation.from_euler('xyz', lie, degrees=True).as_matrix()
    lying, turned = located(elevation, 0.4, azimuth), located(elevation, 0.4, azimuth, turn)
    np.testing.assert_allclose(lying, turned, rtol=0.02, atol=0.3)


@pytest.mark.parametrize(
    ('positions', 'groups', 'is_one'),
    [
        (SQUARE, None, True),
        (SQUARE[:2], None, False),
        (np.vstack([SQUARE, [[0, 0, 0.05]]]), None, False),
        (np.vstack([SQUARE, SQUARE + np.array([0, 0.5, 0])]), np.repeat([0, 1], 4), False),
    ],
)
def test_only_one_flat_array_has_a_plane(positions, groups, is_one):
    array = MicrophoneArray(positions, groups)
    assert (Plane.of(PairDelays.of(array), 0.02) is not None) == is_one


def test_on_the_axis_itself_an_elevation_is_told_too():
    told, deviation = located(90.0, 0.5)
    assert told > 85
    assert 1 < deviation < 20
