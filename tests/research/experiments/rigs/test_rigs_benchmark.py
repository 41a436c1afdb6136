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

"""The benchmark of models in front of many rigs: its counts, its rows and its table."""

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.experiments.rigs.rig_scores import RigScores, score_rig_scene
from av_tracker_nodes.research.experiments.rigs.rigs_benchmark import (
    ALL,
    Options,
    benchmark_rigs,
    rows_of,
    sheet,
)
from av_tracker_nodes.research.experiments.rigs.trials import (
    FIRST_SEED,
    MOST_SCENES,
    SCRIPTS,
    TRIALS,
)
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.types import Modality, TrackState

COUNT = 20
EYES = np.zeros((COUNT, 3))
AHEAD = np.array([1.0, 0.1, 0.0])
MOUTH = 4.0 * AHEAD
SCORES = RigScores(10, 100, 1, (0.02, -0.04, 0.01), 9, 10, 50, 5, 1)


def at(ahead, left):
    """A place beside the mouth (m)."""
    return MOUTH + np.array([ahead, left, 0.0])


@pytest.fixture
def score(world):
    """Score a track that stays at a place while somebody stands and talks."""

    def run(place, mouth=MOUTH, eyes=EYES, **track):
        person = world.person(1, np.tile(mouth, (COUNT, 1)), np.ones(COUNT, bool))
        frames = world.frames(COUNT, world.track(1, place, **track))
        return score_rig_scene(world.truth(person), frames, eyes)

    return run


def test_ranges_are_compared_along_the_line_of_sight_from_where_the_camera_is(score):
    near = score(0.9 * MOUTH)
    assert near.range_errors == pytest.approx([-0.1] * COUNT)
    assert (near.errors, near.objects, near.switches) == (0, COUNT, 0)
    moved = score(0.9 * MOUTH, eyes=np.tile(0.5 * MOUTH, (COUNT, 1)))
    assert moved.range_errors == pytest.approx([-0.2] * COUNT, abs=1e-3)


@pytest.mark.parametrize(('deviation', 'inside'), [(0.10, 0), (0.20, COUNT)])
def test_the_truth_is_in_the_ellipsoid_or_not(score, deviation, inside):
    """An error of 0.4 m is 4 or 2 standard deviations; 95 % of three are within 2.8."""
    scores = score(MOUTH + 0.4 * AHEAD, sigma=deviation)
    assert (scores.inside, scores.stated) == (inside, COUNT)


@pytest.mark.parametrize(
    ('mouth', 'place', 'astray', 'invented'),
    [
        (MOUTH, at(0.4, 0), 0, 0),
        (MOUTH, at(0.6, 0), COUNT, 0),
        (MOUTH, at(0, 0.9), COUNT, COUNT),
        (2 * MOUTH, 2.1 * MOUTH, 0, 0),
        (2 * MOUTH, 2.3 * MOUTH, COUNT, 0),
    ],
)
def test_a_track_far_from_everybody_is_astray_and_far_for_that_distance_nobodys(
    score, mouth, place, astray, invented
):
    scores = score(place, mouth)
    assert (scores.astray, scores.invented) == (astray, invented)


@pytest.mark.parametrize(('degrees', 'astray'), [(10, 0), (25, COUNT)])
def test_a_voice_is_astray_by_its_direction(score, degrees, astray):
    angle = np.radians(degrees) + np.arctan2(0.1, 1.0)
    place = 1.5 * np.array([np.cos(angle), np.sin(angle), 0.0])
    scores = score(place, modalities=Modality.AUDIO)
    assert (scores.astray, scores.invented) == (astray, astray)


def test_tracks_that_are_not_confirmed_are_not_astray(score):
    assert score(at(0, 1.5), state=TrackState.COASTING).astray == 0


def test_models_are_compared_in_the_same_scenes():
    worse = replace(SCORES, errors=30)
    found = {
        (rig, seed): {'ours': replace(SCORES, errors=10 * seed), 'theirs': worse}
        for rig in ('a', 'b')
        for seed in (1, 2)
    }
    rows = rows_of(found, ['ours', 'theirs'])
    assert [(row['rig'], row['model']) for row in rows] == [
        (rig, model) for rig in (ALL, 'a', 'b') for model in ('ours', 'theirs')
    ]
    ours, theirs = rows[:2]
    assert (ours['mota'], theirs['mota'], theirs['difference']) == (85.0, 70.0, -15.0)
    assert theirs['difference_low'] >= -20.0
    assert theirs['difference_high'] <= -10.0
    assert (ours['difference'], ours['difference_low']) == (0.0, 0.0)
    assert ours['range_percent'] == pytest.approx(2.0)
    assert (ours['inside_percent'], ours['astray_percent']) == (90.0, 10.0)
    assert (ours['invented_percent'], ours['scenes'], rows[2]['scenes']) == (2.0, 4, 2)
    text = sheet(rows).markdown()
    assert '| all rigs | theirs | 70.0 (70.0 to 70.0) | -15.0 (-20.0 to -10.0) |' in text


def test_trials_are_of_other_rigs_and_scenes_of_the_split():
    rigs = [trial.rig for trial in TRIALS]
    assert len(set(rigs)) == len(rigs) == 7
    for split, first in FIRST_SEED.items():
        assert {Split.of_seed(first), Split.of_seed(first + MOST_SCENES)} == {Split(split)}
    assert len({SCRIPTS[seed % len(SCRIPTS)] for seed in range(2700, 2705)}) == len(SCRIPTS)


def test_more_scenes_than_a_split_has_are_refused(tmp_path):
    with pytest.raises(InputError, match='choose 1 to 50'):
        benchmark_rigs(tmp_path / 'out', Options(scenes=51), None)
    assert not (tmp_path / 'out').exists()
