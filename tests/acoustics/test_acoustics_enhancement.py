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
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.acoustics.enhancement import WeightedHistory, combine


def flat(value):
    return np.full((2, 2), value, np.float32)


def test_weights_by_hand():
    # Maximum x mean / age: 0.4 x 0.4 / 1 = 0.16 and 0.2 x 0.2 / 2 = 0.02, shares 8/9 and 1/9.
    enhanced = combine(flat(0.1), [(1, flat(0.4)), (2, flat(0.2))])
    np.testing.assert_allclose(enhanced, 0.5 * 0.1 + 0.5 * (8 / 9 * 0.4 + 1 / 9 * 0.2), rtol=1e-6)


def test_silent_or_negative_history_leaves_the_current_map():
    current = flat(0.3)
    for past in ([], [(1, flat(0))], [(1, flat(-0.2)), (2, flat(0))]):
        np.testing.assert_array_equal(combine(current, past), current)


@given(values=st.lists(st.floats(0.01, 1), min_size=1, max_size=3))
def test_equal_maps_stay_as_they_are(values):
    value = values[0]
    past = [(age + 1, flat(value)) for age in range(len(values))]
    np.testing.assert_allclose(combine(flat(value), past), value, rtol=1e-5)


def test_history_is_kept_for_each_face_and_forgotten():
    history = WeightedHistory(3)
    history.enhance(1, 1, flat(0.4))
    assert history.enhance(2, 2, flat(0.1))[0, 0] == pytest.approx(0.1)
    assert history.enhance(1, 2, flat(0.2))[0, 0] == pytest.approx(0.3)
    # Image 6 lies more than 3 after both maps of face 1.
    assert history.enhance(1, 6, flat(0.2))[0, 0] == pytest.approx(0.2)
    history.forget_before(6)
    assert history.enhance(2, 6, flat(0.5))[0, 0] == pytest.approx(0.5)


def test_a_face_without_identity_has_no_history():
    history = WeightedHistory(3)
    history.enhance(0, 1, flat(0.4))
    assert history.enhance(0, 2, flat(0.2))[0, 0] == pytest.approx(0.2)
