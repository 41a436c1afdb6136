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

"""Who speaks near changes, how soon it is told, and intervals over scenes."""

from types import SimpleNamespace

import numpy as np
import pytest

from av_tracker_nodes.research.evaluation.absences import absences
from av_tracker_nodes.research.evaluation.speech_scores import (
    SpeakingCounts,
    near_changes,
    speaking_counts,
    speaking_delays,
    speaking_scores,
)
from av_tracker_nodes.research.evaluation.statistics import interval_of, interval_over

MOUTH = [2.0, 0.4, 0.0]
COUNT = 100


@pytest.fixture
def heard(world, match):
    """Matching of one person with the track that says at each image whether they speak."""

    def make(speaking, told):
        person = world.person(1, [MOUTH] * len(speaking), np.asarray(speaking, bool))
        return match([person], [[world.track(1, MOUTH, speaking=float(each))] for each in told])

    return make


def spells(*edges):
    """Speech from each even edge to the next, shape (COUNT,)."""
    told = np.zeros(COUNT, bool)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        told[start:end] = True
    return told


@pytest.mark.parametrize(('guard', 'left_out'), [(0.0, 0), (0.03, 2), (0.2, 10), (10.0, 99)])
def test_images_near_a_change_are_found(guard, left_out):
    speaking = np.stack([spells(50, COUNT), spells()])
    stamps = 10**10 + 40_000_000 * np.arange(COUNT)
    near = near_changes(speaking, stamps, guard)
    assert near[0].sum() == pytest.approx(left_out, abs=1)
    assert not near[1].any()
    if 0 < left_out < 20:
        assert near[0, 50 - left_out // 2 : 50 + left_out // 2].all()


def test_guard_forgives_what_is_late_by_less(heard):
    matching = heard(spells(30, 60), spells(35, 65))
    assert speaking_scores(matching)['speaking_f1'] < 0.9
    counts = speaking_counts(matching, 0.2)
    assert counts == SpeakingCounts(hits=20, silent=60)
    assert speaking_scores(matching, 0.2)['speaking_f1'] == 1.0


def test_guard_does_not_forgive_what_is_late_by_more(heard):
    counts = speaking_counts(heard(spells(30, 60), spells(37, 68)), 0.2)
    assert (counts.misses, counts.false) == (2, 3)


def test_counts_of_recordings_add_up():
    parts = [SpeakingCounts(1, 2, 3, 4, 5), SpeakingCounts(10, 20, 30, 40, 50)]
    assert SpeakingCounts.sum(parts) == SpeakingCounts(11, 22, 33, 44, 55)
    assert np.isnan(SpeakingCounts.sum([]).scores()['speaking_f1'])


@pytest.mark.parametrize(
    ('told', 'onset', 'end'),
    [
        ((30, 60), 0.0, 0.0),
        ((34, 67), 0.16, 0.28),
        ((25, 55), 0.0, 0.0),
        ((34, 40, 58, 62), 0.16, 0.08),
        ((40, COUNT), 0.4, np.inf),
    ],
)
def test_delays_of_beginning_and_end(heard, told, onset, end):
    onsets, ends = speaking_delays(heard(spells(30, 60), spells(*told)), 0.4)
    assert onsets == pytest.approx([onset])
    assert ends == pytest.approx([end])


def test_speech_that_is_never_told_has_no_end(heard):
    onsets, ends = speaking_delays(heard(spells(30, 60), spells()), 0.4)
    assert onsets.tolist() == [np.inf]
    assert not len(ends)


def test_changes_in_quick_succession_do_not_count(heard):
    onsets, ends = speaking_delays(heard(spells(30, 60, 65, 90), spells(31, 95)), 0.4)
    assert onsets == pytest.approx([0.04])
    assert not len(ends)


def test_interval_is_that_of_the_mean():
    values = np.random.default_rng(1).normal(5.0, 1.0, 50)
    low, high = interval_over(values, lambda chosen: float(np.mean(chosen)))
    assert low == pytest.approx(values.mean() - 1.96 / np.sqrt(50), abs=0.1)
    assert high == pytest.approx(values.mean() + 1.96 / np.sqrt(50), abs=0.1)


@pytest.mark.parametrize('scenes', [[], [3.0]])
def test_too_few_scenes_have_no_interval(scenes):
    assert np.isnan(interval_over(scenes, lambda chosen: 1.0)).all()


def test_interval_leaves_out_what_cannot_be_told_and_keeps_what_is_infinite():
    low, high = interval_over([1.0, np.nan, np.inf], lambda chosen: float(max(chosen)))
    assert low == 1.0
    assert high == np.inf


def test_all_resamples_at_once_give_the_interval_of_one_after_the_other():
    values = np.random.default_rng(2).exponential(size=30)
    together = interval_of(len(values), lambda drawn: np.median(values[drawn], axis=-1))
    assert together == interval_over(values, lambda chosen: float(np.median(chosen)))
    assert np.isnan(interval_of(1, lambda drawn: np.zeros(len(drawn)))).all()


RATE = 10
SECONDS = 12


def matching(ids: np.ndarray) -> SimpleNamespace:
    """One person whose track has an id at each image, 0 where there is none."""
    images = np.flatnonzero(ids)
    pairs = np.column_stack([np.zeros_like(images), images, np.arange(len(images))])
    stamps = np.arange(len(ids)) * 10**9 // RATE
    return SimpleNamespace(
        pairs=pairs, tracks=SimpleNamespace(id=ids[images]), truth=SimpleNamespace(stamps=stamps)
    )


def during(start: float, end: float) -> slice:
    return slice(round(start * RATE), round(end * RATE))


@pytest.fixture
def seen():
    """Somebody who is hidden from 3 s to 7 s."""
    view = np.ones((1, SECONDS * RATE), bool)
    view[0, during(3, 7)] = False
    return view


def test_who_returns_with_the_old_id_has_kept_it(seen):
    ids = np.full(SECONDS * RATE, 5)
    ids[during(3.5, 7.4)] = 0
    assert absences(matching(ids), seen) == {'absences': 1, 'returns_kept': 100}


def test_a_new_id_is_not_the_old_one_nor_is_none(seen):
    ids = np.full(SECONDS * RATE, 5)
    ids[during(7, 12)] = 6
    assert absences(matching(ids), seen) == {'absences': 1, 'returns_kept': 0}
    ids[during(7, 12)] = 0
    ids[during(9.5, 12)] = 5
    assert absences(matching(ids), seen) == {'absences': 1, 'returns_kept': 0}


def test_only_absences_of_somebody_known_that_are_neither_short_nor_long_nor_late_count(seen):
    ids = np.full(SECONDS * RATE, 5)
    nothing = {'absences': 0, 'returns_kept': pytest.approx(np.nan, nan_ok=True)}
    unknown = ids.copy()
    unknown[during(0, 3)] = 0
    assert absences(matching(unknown), seen) == nothing
    for start, end in ((3, 3.9), (0.5, 11), (6, 10.5), (3, 12), (0, 4)):
        view = np.ones_like(seen)
        view[0, during(start, end)] = False
        assert absences(matching(ids), view) == nothing
    flickering = seen.copy()
    flickering[0, during(7, 9)][::2] = False
    assert absences(matching(ids), flickering) == nothing
