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

from types import SimpleNamespace

import numpy as np
import pytest

from av_tracker_nodes.research.evaluation.absences import absences

RATE = 10
SECONDS = 12


def matching(ids: np.ndarray) -> SimpleNamespace:
    """One person whose track has an id at each image, 0 where there is none."""
    images = np.flatnonzero(ids)
    pairs = np.column_stack([np.zeros_like(images), images, np.arange(len(images))])
    stamps = np.arange(len(ids)) * 10**9 // RATE
    return SimpleNamespace(
        pairs=pairs,
        tracks=SimpleNamespace(id=ids[images]),
        truth=SimpleNamespace(stamps=stamps),
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
