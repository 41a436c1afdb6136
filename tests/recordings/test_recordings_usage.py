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

"""How much of a run was used."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.recordings.usage import Usage

WELL = Usage(images=100, faces=80, answers=100, heard=100, span=4.0, sound=4.0)


def test_all_that_was_used_is_no_problem():
    assert WELL.problems() == []
    assert WELL.describe() == 'used 100 of 100 images, 80 faces, 100% of 4.0 s of sound'


@pytest.mark.parametrize(
    ('lost', 'reason'),
    [
        ('unreadable', '6 could not be read'),
        ('unplaced', '6 came while the place of the camera was not known'),
        ('misfits', '6 have another size than their calibration'),
        ('unanswered', '6 were not answered'),
    ],
)
def test_images_that_went_unused_are_told_with_the_reason(lost, reason):
    usage = replace(WELL, **{lost: 6})
    assert usage.problems() == [f'6% of the images were not used: {reason}']
    assert reason in usage.describe()
    assert usage.as_json()['images'] | {'used': 94, lost: 6} == usage.as_json()['images']
    assert replace(WELL, **{lost: 5}).problems() == []


def test_sound_that_is_on_another_clock_is_not_used():
    assert replace(WELL, heard=0).problems() == ['100% of the sound was not used']


def test_sound_that_begins_late_was_used():
    """Half of the answers have no sound since none had come by then."""
    assert replace(WELL, heard=50, sound=2.0).problems() == []


def test_sound_that_never_came_is_told():
    assert replace(WELL, heard=0, sound=0.0).problems() == ['no sound came']


def test_what_nobody_wants_is_no_problem():
    deaf = replace(WELL, heard=0, sound=0.0, hears=False)
    assert deaf.problems() == []
    assert deaf.as_json()['sound'] is None
    blind = replace(WELL, images=0, faces=0, sees=False)
    assert blind.problems() == []
    assert 'images' not in blind.describe()


@given(
    st.builds(
        Usage,
        images=st.integers(0, 1000),
        unreadable=st.integers(0, 1000),
        unplaced=st.integers(0, 1000),
        misfits=st.integers(0, 1000),
        unanswered=st.integers(0, 1000),
        answers=st.integers(0, 1000),
        heard=st.integers(0, 1000),
        span=st.floats(0, 1e4),
        sound=st.floats(0, 1e4),
    )
)
def test_shares_are_shares(usage):
    assert 0 <= usage.images_unused <= 1
    assert 0 <= usage.sound_unused <= 1
    assert usage.describe()
