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

"""Whole recordings, simulated with validation seeds, through the live nodes and offline."""

import importlib.util

import numpy as np
import pytest

from av_tracker_nodes.launching.replay import replay
from av_tracker_nodes.pipeline import track_bag
from av_tracker_nodes.recordings.tracks_csv import read_tracks
from av_tracker_nodes.research.datasets.convert import convert_sequence
from av_tracker_nodes.research.evaluation.metrics import evaluate
from av_tracker_nodes.research.simulation.simulate import simulate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec('rclpy') is None, reason='needs rclpy'),
]

SEED = 1002


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    """Simulate and convert each scenario once; returns its sequence and bag."""
    folder = tmp_path_factory.mktemp('recordings')
    made = {}

    def make(scenario):
        if scenario not in made:
            sequence = simulate(scenario, SEED, folder)
            bag = folder / f'bag_{scenario}'
            made[scenario] = (sequence, convert_sequence(sequence.parent, sequence.name, 1, bag))
        return made[scenario]

    return make


def live(recording, scenario, out):
    sequence, bag = recording(scenario)
    run = replay(bag, out=out)
    assert run['frames_answered'] == run['frames_in'] > 0
    assert run['lost_frames'] == 0
    return evaluate(out, sequence, 1)


def test_two_crossing_live(recording, tmp_path):
    metrics = live(recording, 'two_crossing', tmp_path)
    assert metrics['mota'] >= 97
    assert metrics['mae_px'] <= 3.5
    assert metrics['ids'] <= 1
    assert metrics['mae_3d_speaking_m'] <= 0.15
    assert metrics['mae_3d_silent_m'] <= 0.30
    assert metrics['coverage_3sigma'] >= 0.95
    assert metrics['speaking_f1'] >= 0.8


def test_one_walking_live(recording, tmp_path):
    metrics = live(recording, 'one_walking', tmp_path)
    assert metrics['mota'] >= 95
    assert metrics['mae_px'] <= 4
    assert metrics['face_away_recall'] >= 0.8


def test_hearing_follows_who_turned_away(recording, tmp_path):
    """Without a network, which sees the back of a head: with sound, and muted."""
    sequence, bag = recording('one_walking')
    track_bag(bag, tmp_path / 'heard', 'vggcf')
    assert evaluate(tmp_path / 'heard', sequence, 1)['face_away_recall'] >= 0.8
    track_bag(bag, tmp_path / 'muted', 'vggcf', mute=True)
    assert evaluate(tmp_path / 'muted', sequence, 1)['face_away_recall'] < 0.8


def test_a_voice_out_of_view_live(recording, tmp_path):
    metrics = live(recording, 'voice_out_of_view', tmp_path)
    assert metrics['voice_direction_median_deg'] <= 10
    assert metrics['voice_recall_10deg'] >= 0.7


def test_silent_people_live(recording, tmp_path):
    assert live(recording, 'silent', tmp_path)['speaking_false_share'] == 0


def test_live_and_offline_tracks_agree(recording, tmp_path):
    """The same rows with the same ids up to renaming; 99 % of the boxes within 1 px."""
    _, bag = recording('two_crossing')
    replay(bag, out=tmp_path / 'live')
    track_bag(bag, tmp_path / 'offline')
    online, offline = (read_tracks(tmp_path / name) for name in ('live', 'offline'))
    np.testing.assert_array_equal(online.stamp, offline.stamp)
    renamed = dict(zip(online.id.tolist(), offline.id.tolist(), strict=True))
    assert [renamed[i] for i in online.id.tolist()] == offline.id.tolist()
    seen = ~np.isnan(offline.box).any(axis=1)
    difference = np.abs(online.box[seen] - offline.box[seen]).max(axis=1)
    assert (difference < 1).mean() >= 0.99
