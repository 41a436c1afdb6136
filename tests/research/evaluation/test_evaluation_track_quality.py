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

from av_tracker_nodes.recordings.tracks_csv import read_tracks
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.track_quality import track_quality

COUNT = 10
LEFT, RIGHT, BEHIND = [2.0, 0.5, 0.0], [2.0, -0.5, 0.0], [-2.0, 0.5, 0.0]


@pytest.fixture
def quality(world, tmp_path):
    """Score a list of tracks for each image against two people who stand still."""
    people = [
        world.person(k, np.tile(np.array(place), (COUNT, 1)))
        for k, place in ((1, LEFT), (2, RIGHT))
    ]

    def run(frames):
        tracks = read_tracks(world.write(tmp_path / 'run', frames))
        return track_quality(Matching(world.truth(*people), tracks))

    return run


def test_tracks_that_are_right_from_the_start(world, quality):
    scores = quality([[world.track(4, LEFT), world.track(9, RIGHT)]] * COUNT)
    assert scores == {'purity': 100, 'confirm_s': 0, 'false_tracks': 0}


def test_a_swap_is_impure(world, quality):
    before, after = [world.track(1, LEFT)], [world.track(1, RIGHT)]
    assert quality([before] * 7 + [after] * 3)['purity'] == pytest.approx(70)


def test_a_late_track_takes_time(world, quality):
    scores = quality([[]] * 5 + [[world.track(1, LEFT)]] * 5)
    assert scores['confirm_s'] == pytest.approx(5 * 0.04)


def test_tracks_of_nobody_are_counted_once_each(world, quality):
    ghost, other = world.track(7, [2.0, 0.0, 0.5]), world.track(8, [2.0, 0.0, -0.5])
    frames = [[world.track(1, LEFT), ghost, other]] * 6 + [[world.track(1, LEFT), ghost]] * 4
    assert quality(frames)['false_tracks'] == 2


def test_nothing_tracked_is_nothing_told(quality):
    scores = quality([[]] * COUNT)
    assert np.isnan(scores['purity'])
    assert np.isnan(scores['confirm_s'])
    assert scores['false_tracks'] == 0
