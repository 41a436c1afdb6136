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

"""Who belongs to which group of looks."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.research.experiments.looks.groups import (
    GROUPINGS,
    SKIN_BOUNDS,
    SKIN_GROUPS,
    beard,
    hair_colour,
    luminance,
    skin_group,
)
from av_tracker_nodes.research.simulation.figures import build_figure, traits_of

SOMEBODY = traits_of(0)
BLACK, BROWN, RED = (0.07, 0.06, 0.06), (0.45, 0.32, 0.20), (0.48, 0.22, 0.10)
BLOND, GREY = (0.72, 0.56, 0.34), (0.66, 0.65, 0.63)


def colour_of(value):
    """The neutral colour of an albedo luminance."""
    return np.full(3, value ** (1 / 2.2))


@pytest.mark.parametrize(
    ('colour', 'expected'),
    [((0, 0, 0), 0), ((1, 1, 1), 1), ((0, 1, 0), 0.7152), ((0.5, 0, 0), 0.2126 * 0.5**2.2)],
)
def test_luminance_is_that_of_the_reflected_light(colour, expected):
    assert luminance(colour) == pytest.approx(expected)


def test_thirds_of_the_skin_have_the_same_width_between_the_darkest_and_the_lightest():
    darkest, lightest = luminance([0.34, 0.22, 0.16]), luminance([0.93, 0.75, 0.60])
    assert SKIN_BOUNDS[0] == pytest.approx(darkest)
    assert SKIN_BOUNDS[-1] == pytest.approx(lightest, abs=0.01)
    np.testing.assert_allclose(np.diff(SKIN_BOUNDS), np.ptp(SKIN_BOUNDS) / 3)


@pytest.mark.parametrize('number', range(3))
def test_skin_is_sorted_by_the_luminance_that_the_group_is_named_by(number):
    low, high = SKIN_BOUNDS[number : number + 2]
    assert SKIN_GROUPS[number].endswith(f'{low:.2f} to {high:.2f}')
    for value in (low + 1e-3, (low + high) / 2, high - 1e-3):
        assert skin_group(replace(SOMEBODY, skin=colour_of(value))) == SKIN_GROUPS[number]


def test_the_extremes_of_the_skin_are_in_the_outer_thirds():
    extremes = [replace(SOMEBODY, skin=colour_of(value)) for value in SKIN_BOUNDS[[0, -1]]]
    assert [skin_group(traits) for traits in extremes] == [SKIN_GROUPS[0], SKIN_GROUPS[-1]]


@pytest.mark.parametrize(
    ('style', 'colour', 'group'),
    [
        ('short', BLACK, 'dark'),
        ('short', BROWN, 'dark'),
        ('long', RED, 'dark'),
        ('long', BLOND, 'fair'),
        ('bob', GREY, 'grey'),
        ('cropped', 0.5 * (np.array(BLOND) + GREY), 'grey'),
        ('cropped', 0.2 * np.array(GREY), 'dark'),
        ('bald', BLACK, None),
    ],
)
def test_hair_is_dark_fair_or_grey_where_there_is_some(style, colour, group):
    assert hair_colour(replace(SOMEBODY, hair_style=style, hair=np.array(colour))) == group


@pytest.mark.parametrize(
    ('male', 'strength', 'group'),
    [(1.0, 0.0, 'shaved'), (1.0, 0.3, 'with a beard'), (0.0, 0.0, None)],
)
def test_beards_are_compared_among_men(male, strength, group):
    assert beard(replace(SOMEBODY, male=male, beard=strength)) == group


@pytest.mark.parametrize('trait', GROUPINGS)
def test_everybody_is_in_one_of_the_groups_and_no_group_is_empty(trait):
    group_of, groups = GROUPINGS[trait]
    counts = Counter(group_of(traits_of(identity)) for identity in range(300))
    assert set(counts) - {None} == set(groups)
    if trait not in ('hair colour', 'men'):
        assert None not in counts


@pytest.mark.thorough
def test_the_traits_are_those_of_the_body_that_is_drawn():
    """Of bare skin in the open, as much as reflects is what the traits say."""
    for identity in (1001, 1002, 1003):
        skin = traits_of(identity).skin ** 2.2
        drawn = build_figure(identity, 1.0, 1.6).albedo[:, ::-1]
        assert np.isclose(drawn, skin, rtol=0.02).all(axis=1).mean() > 0.02
