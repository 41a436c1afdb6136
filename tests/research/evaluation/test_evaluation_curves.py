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

from av_tracker_nodes.research.evaluation.curves import error_curve, roc, speaking_pairs
from av_tracker_nodes.research.evaluation.image_errors import image_errors
from av_tracker_nodes.research.evaluation.scoring import Scoring

LEFT, RIGHT = np.array([3.0, 0.4, 0.0]), np.array([3.0, -0.4, 0.0])


def test_error_over_time_is_the_mean_over_people(world, match):
    people = [world.person(1, [LEFT] * 3), world.person(2, [RIGHT] * 3)]
    frames = [
        [],
        [world.track(1, LEFT, (3, 0)), world.track(2, RIGHT, (0, 5))],
        [world.track(1, LEFT, (4, 0)), world.track(2, RIGHT)],
    ]
    times, errors = error_curve(match(people, frames))
    np.testing.assert_allclose(times, [0, 0.04, 0.08])
    np.testing.assert_allclose(errors, [np.nan, 4, 2], atol=1e-3)


def test_everybody_counts_for_speaking(world, match):
    speaks = np.array([True, False, True])
    people = [world.person(1, [LEFT] * 3, speaks), world.person(2, [RIGHT] * 3, np.zeros(3, bool))]
    frames = [[world.track(1, LEFT, speaking=0.8)], [world.track(1, LEFT, speaking=0.3)], []]
    truth, said = speaking_pairs(match(people, frames))
    assert truth.tolist() == [True, False, False, False, True, False]
    np.testing.assert_allclose(said, [0.8, 0, 0.3, 0, 0, 0])


def test_without_labels_there_is_nothing_to_say(world, match):
    truth, said = speaking_pairs(match([world.person(1, [LEFT])], [[world.track(1, LEFT)]]))
    assert len(truth) == len(said) == 0


def test_roc_by_hand():
    speaks = np.array([True, True, False, True, False])
    said = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    false, true, area = roc(speaks, said)
    np.testing.assert_allclose(false, [0, 0, 0, 0.5, 0.5, 1])
    np.testing.assert_allclose(true, [0, 1 / 3, 2 / 3, 2 / 3, 1, 1])
    # Of the six pairs of a speaker and a listener, five are in order.
    assert area == pytest.approx(5 / 6)


def test_ties_count_half():
    assert roc(np.array([True, False]), np.array([0.5, 0.5]))[2] == pytest.approx(0.5)


@pytest.mark.parametrize('speaks', [[], [True, True], [False]])
def test_roc_needs_both_kinds(speaks):
    assert np.isnan(roc(np.array(speaks, bool), np.ones(len(speaks)))[2])


def test_mouths_are_compared_where_a_protocol_says_so(world, match):
    person = world.person(1, [LEFT])
    track = world.track(1, LEFT)
    lower = track.box + np.array([0, 0, 0, 8])
    frames = [[type(track)(**{**vars(track), 'box': lower})]]
    centre = image_errors(match([person], frames))['mae_px']
    mouth = image_errors(match([person], frames, Scoring('mouth')))['mae_px']
    assert centre == pytest.approx(4, abs=0.01)
    # Three quarters of the 8 pixels, and what perspective bends the face by.
    assert mouth == pytest.approx(6, abs=0.5)


def test_thresholds_are_those_of_the_protocol(world, match):
    person = world.person(1, [LEFT])
    diagonal = float(np.hypot(*person.box[0, 2:]))
    frames = [[world.track(1, LEFT, (0.4 * diagonal, 0))]]
    assert image_errors(match([person], frames))['acc'] == 100
    assert image_errors(match([person], frames, Scoring(success_share=1 / 30)))['acc'] == 0
    assert match([person], frames, Scoring(gate_share=0.001)).in_view == [{}]
