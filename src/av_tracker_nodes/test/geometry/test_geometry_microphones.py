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
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.microphones import speed_of_sound


def two_circles():
    angles = np.deg2rad(180 + 45 * np.arange(8))
    ring = 0.1 * np.stack([np.cos(angles), np.sin(angles), np.zeros(8)], axis=-1)
    offset = np.array([0, 0.4, 0])
    positions = np.concatenate([ring + offset, ring - offset])
    return MicrophoneArray(positions, groups=np.repeat([0, 1], 8))


def test_pairs_of_two_arrays():
    array = two_circles()
    within, across = array.pairs(), array.pairs(across=True)
    assert within.shape == (56, 2)
    assert across.shape == (120, 2)
    assert (array.groups[within[:, 0]] == array.groups[within[:, 1]]).all()
    for pairs in (within, across):
        assert (pairs[:, 0] < pairs[:, 1]).all()
        assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)


def test_pairs_are_dealt_evenly_and_long_ones_first():
    rng = np.random.default_rng(0)
    array = MicrophoneArray(rng.uniform(-0.3, 0.3, (64, 3)))
    assert len(array.pairs()) == 2016
    dealt = array.pairs(most=256)
    assert dealt.shape == (256, 2)
    assert len({tuple(pair) for pair in dealt.tolist()}) == 256
    assert (dealt[:, 0] < dealt[:, 1]).all()
    shares = np.bincount(dealt.ravel(), minlength=64)
    assert shares.min() >= 4
    assert shares.max() <= 9
    lengths = [
        np.linalg.norm(np.subtract(*array.positions[p.T]), axis=1) for p in (dealt, array.pairs())
    ]
    assert np.median(lengths[0]) > 1.2 * np.median(lengths[1])
    np.testing.assert_array_equal(array.pairs(most=2016), array.pairs())


def test_few_pairs_are_never_fewer():
    array = two_circles()
    np.testing.assert_array_equal(array.pairs(most=256), array.pairs())
    assert array.pairs(across=True, most=256).shape == (120, 2)
    groups = array.groups[array.pairs(most=20)]
    assert (groups[:, 0] == groups[:, 1]).all()


def test_one_microphone_makes_no_pair():
    assert MicrophoneArray(np.zeros((1, 3))).pairs().shape == (0, 2)


def test_centres():
    array = two_circles()
    np.testing.assert_allclose(array.centre, np.zeros(3), atol=1e-12)
    np.testing.assert_allclose(array.group_centres(), [[0, 0.4, 0], [0, -0.4, 0]], atol=1e-12)


def test_defaults_are_one_group_and_channels_in_order():
    array = MicrophoneArray(np.arange(9.0).reshape(3, 3))
    assert array.groups.tolist() == [0, 0, 0]
    assert array.channels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'positions': [[0, 0]]}, 'x, y, z triples'),
        ({'positions': [[0, 0, np.nan]]}, 'x, y, z triples'),
        ({'groups': [0]}, '2 positions need as many groups'),
        ({'channels': [1, 1]}, 'distinct'),
        ({'channels': [-1, 0]}, 'not negative'),
        ({'positions': [[0, 0, 0], [100, 0, 0]]}, 'positions are in metres'),
        ({'speed_of_sound': 0.34}, 'positions are in metres'),
    ],
)
def test_bad_arrays_are_refused(change, message):
    values = {'positions': [[0, 0, 0], [0.1, 0, 0]]} | change
    with pytest.raises(InputError, match=message):
        MicrophoneArray(**values)


@pytest.mark.parametrize(
    ('temperature', 'speed'), [(0, 331.3), (15, 340.3), (20, 343.2), (35, 351.9)]
)
def test_speed_of_sound_in_the_tables(temperature, speed):
    assert speed_of_sound(temperature) == pytest.approx(speed, abs=0.1)


@pytest.mark.parametrize('temperature', [-273.0, 61, np.nan])
def test_what_is_no_temperature_is_refused(temperature):
    with pytest.raises(InputError, match='no temperature of a room'):
        speed_of_sound(temperature)


LINE = [[0, y, 0] for y in (-0.1, -0.02, 0.05, 0.1)]
LEVEL = [[0.1, 0, 0], [0, 0.1, 0], [-0.1, 0, 0], [0, -0.1, 0.004]]
UPRIGHT = [[0, 0.1, 0.1], [0, -0.1, 0.1], [0, -0.1, -0.1], [0, 0.1, -0.1]]
SLANTING = [[0.1, 0.1, 0], [-0.1, -0.1, 0]]
SOLID = [[0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1], [0, 0, 0]]


@pytest.mark.parametrize(
    ('positions', 'in_its_frame', 'among_people'),
    [
        ([[0, 0.3, 0]], 'a single microphone', 'a single microphone'),
        (LINE, 'on a line (along its y axis)', 'front and back, above and below sound alike'),
        (LEVEL, 'in a plane (the x-y plane)', '(level).*above and below sound alike'),
        (UPRIGHT, 'in a plane (the y-z plane)', 'front and back sound alike'),
        (SLANTING, 'on a line: they hear the angle', 'on a line: they hear the angle'),
        (SOLID, '', ''),
    ],
)
def test_arrays_tell_what_they_cannot_tell_apart(positions, in_its_frame, among_people):
    array = MicrophoneArray(np.array(positions, float))
    told = array.ambiguity, Rig(None, array).ambiguity
    for text, expected in zip(told, (in_its_frame, among_people), strict=True):
        assert re.search(expected.replace('(', r'\(').replace(')', r'\)'), text)
        assert bool(text) == bool(expected)


@given(angles=st.tuples(*[st.floats(-180, 180)] * 3), count=st.integers(2, 6))
def test_what_sounds_alike_does_not_depend_on_how_the_array_lies(angles, count):
    turn = Rotation.from_euler('xyz', angles, degrees=True).as_matrix()
    flat = np.array(LEVEL[:3]) @ turn.T
    line = np.outer(np.arange(count), [0.1, 0, 0]) @ turn.T
    assert 'in a plane' in MicrophoneArray(flat).ambiguity
    assert 'on a line' in MicrophoneArray(line).ambiguity
    assert MicrophoneArray(np.array(SOLID) @ turn.T).ambiguity == ''


def test_an_array_on_its_side_is_named_as_it_stands():
    lying = MicrophoneArray(np.array(LEVEL, float))
    upright = RigidTransform(Rotation.from_euler('y', 90, degrees=True).as_matrix())
    assert 'above and below' in Rig(None, lying).ambiguity
    assert 'front and back' in Rig(None, lying, upright).ambiguity
