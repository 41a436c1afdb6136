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

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.geometry.head import overlap
from av_tracker_nodes.types import Face, to_nanoseconds
from av_tracker_nodes.vision.tracklets import Tracklets

RATES = [5, 12.5, 25, 50]


def face(x, y=100.0, size=20.0):
    return Face(np.array([x - size / 2, y - 0.6 * size, size, 1.25 * size]), 0.9)


def follow(times, *paths, tracklets=None):
    """Tracklet of each path (x at a time, NaN for unseen) at each time; 0 where unseen."""
    tracklets = tracklets or Tracklets()
    result = []
    for time in times:
        places = [path(time) for path in paths]
        seen = [i for i, x in enumerate(places) if np.isfinite(x)]
        named = tracklets.update([face(places[i]) for i in seen], to_nanoseconds(time))
        row = np.zeros(len(paths), int)
        row[seen] = [f.tracklet for f in named]
        result.append(row)
    return np.array(result)


@pytest.mark.parametrize('rate', RATES)
def test_one_walker_is_one_tracklet(rate):
    ids = follow(np.arange(0, 4, 1 / rate), lambda t: 20 + 70 * t)
    assert set(ids[:, 0]) == {1}


@pytest.mark.parametrize('rate', RATES)
def test_jitter_and_missed_frames_do_not_break_a_tracklet(rate):
    rng = np.random.default_rng(3)
    ids = follow(
        np.arange(0, 6, 1 / rate),
        lambda t: 150 + 60 * np.sin(t) + rng.normal(0, 1) if rng.random() > 0.1 else np.nan,
    )
    assert set(ids[:, 0]) <= {0, 1}


@pytest.mark.parametrize('rate', RATES)
@pytest.mark.parametrize(('gap', 'same'), [(0.35, True), (0.75, False)])
def test_memory_is_half_a_second_at_any_rate(rate, gap, same):
    def path(t):
        return np.nan if 1.0 < t < 1.0 + gap else 150 + 20 * t

    ids = follow(np.arange(0, 3, 1 / rate), path)
    assert (ids[0, 0] == ids[-1, 0]) == same


@pytest.mark.parametrize('rate', RATES)
def test_two_side_by_side_keep_their_names(rate):
    times = np.arange(0, 3, 1 / rate)
    ids = follow(times, lambda t: 100 + 30 * t, lambda t: 140 + 30 * t)
    assert [set(column) for column in ids.T] == [{1}, {2}]


def test_order_of_faces_does_not_matter():
    tracklets = Tracklets()
    first = tracklets.update([face(50), face(150), face(250)], 0)
    again = tracklets.update([face(251), face(49), face(151)], 40_000_000)
    assert [f.tracklet for f in first] == [1, 2, 3]
    assert [f.tracklet for f in again] == [3, 1, 2]


def test_another_size_is_another_person():
    tracklets = Tracklets()
    tracklets.update([face(100, size=20)], 0)
    (other,) = tracklets.update([face(100, size=40)], 40_000_000)
    assert other.tracklet == 2


def dressed(x, angle):
    """A face whose looks are a direction: those of two people are far apart."""
    return replace(face(x), embedding=np.array([np.cos(angle), np.sin(angle)]))


@pytest.mark.parametrize(('angle', 'same'), [(0.0, True), (0.1, True), (0.6, False)])
def test_who_comes_out_from_behind_somebody_is_somebody_else(angle, same):
    tracklets = Tracklets()
    for frame in range(10):
        (before,) = tracklets.update([dressed(100, 0.0)], to_nanoseconds(0.04 * frame))
    (after,) = tracklets.update([dressed(101, angle)], to_nanoseconds(0.48))
    assert (after.tracklet == before.tracklet) == same


def test_looks_may_change_little_by_little():
    tracklets = Tracklets()
    named = [
        tracklets.update([dressed(100, 0.03 * frame)], to_nanoseconds(0.04 * frame))[0].tracklet
        for frame in range(50)
    ]
    assert set(named) == {1}


def test_standing_still_at_the_same_place_after_both_were_lost_is_somebody_new():
    tracklets = Tracklets()
    tracklets.update([face(100), face(104)], 0)
    (back,) = tracklets.update([face(102)], 200_000_000)
    assert back.tracklet == 3


def test_reset_and_a_recording_that_starts_over_use_new_names():
    tracklets = Tracklets()
    assert tracklets.update([face(100)], 10**9)[0].tracklet == 1
    tracklets.reset()
    assert tracklets.update([face(100)], 2 * 10**9)[0].tracklet == 2
    assert tracklets.update([face(100)], 10**9)[0].tracklet == 3


def test_repeated_stamp_changes_nothing():
    tracklets = Tracklets()
    names = [tracklets.update([face(100), face(120)], 10**9) for _ in range(3)]
    assert all([f.tracklet for f in faces] == [1, 2] for faces in names)


def test_no_faces():
    tracklets = Tracklets()
    assert tracklets.update([], 0) == []
    assert tracklets.update([face(5)], 1)[0].tracklet == 1
    assert tracklets.update([], 2) == []


def cross(seed, rate):
    """Two people meet in the image, one behind the other; how many tracklets changed owner."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, 4, 1 / rate)
    speed = rng.uniform(40, 120, 2) * [1, -1]
    x = 180 + np.outer(times - 2, speed) + rng.normal(0, 3, 2)
    y = 150 + rng.normal(0, 4, 2)
    size = rng.uniform(17, 23, 2)
    front = rng.integers(2)
    tracklets, owners, changes = Tracklets(), {}, 0
    for time, row in zip(times, x + rng.normal(0, 0.8, x.shape), strict=True):
        faces = [face(row[i], y[i] + rng.normal(0, 0.8), size[i]) for i in range(2)]
        merged = overlap([faces[0].box], [faces[1].box])[0, 0] > 0.3
        seen = [front] if merged else [i for i in range(2) if rng.random() > 0.03]
        named = tracklets.update([faces[i] for i in seen], to_nanoseconds(time))
        for person, found in zip(seen, named, strict=True):
            changes += owners.setdefault(found.tracklet, person) != person
            owners[found.tracklet] = person
    return changes, len(owners)


@pytest.mark.thorough
@pytest.mark.parametrize('rate', [12.5, 25])
def test_crossing_people_are_not_exchanged(rate):
    changes, names = np.array([cross(seed, rate) for seed in range(100)]).T
    assert np.count_nonzero(changes) <= 2
    assert names.mean() < 5
