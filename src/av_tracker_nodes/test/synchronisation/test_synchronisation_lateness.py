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

"""Streams that are late by their stamps are waited for; what is punctual is not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from late_streams import DETECTION, PERIOD, arrivals

from av_tracker_nodes.synchronisation import CycleTrigger, Lateness
from av_tracker_nodes.types import Face, FaceFrame

MS = 1_000_000
SIZE = (360, 288)


def fed(events, **settings):
    """Answers of a trigger as (time of the answer, stamp, number of faces, from_image)."""
    trigger = CycleTrigger(**settings)
    answers = []
    for time, stream, stamp in events:
        if stream == 'image':
            cycles = trigger.image(stamp * MS, SIZE)
        elif stream == 'faces':
            cycles = trigger.faces(FaceFrame(stamp * MS, SIZE, (Face((0, 0, 9, 9), 0.9),)))
        else:
            cycles = trigger.audio_until(stamp * MS)
        answers += [(time, c.faces.stamp // MS, len(c.faces.faces), c.from_image) for c in cycles]
    return answers, trigger


def of_images(answers, since):
    return [answer[1:] for answer in answers if answer[3] and answer[1] >= since]


def expected(since, until, period=PERIOD):
    return [(stamp, 1, True) for stamp in range(1000, until, period) if stamp >= since]


LATE = {
    'images': {'images': 1, 'infos': 1},
    'pictures, camera_info at once': {'images': 1},
    'sound': {'sound': 1},
    'everything': {'images': 1, 'infos': 1, 'sound': 1},
}


@pytest.mark.parametrize('late', [150, 300, 500, 1000, 2000])
@pytest.mark.parametrize('what', LATE)
def test_what_is_late_is_used_but_for_the_first_seconds(what, late):
    delays = {stream: share * late for stream, share in LATE[what].items()}
    until = 12_000
    answers, trigger = fed(arrivals(until, **delays))
    since, end = 1000 + 2 * late + 200, until - late - 300
    answered = [answer for answer in of_images(answers, since) if answer[0] < end]
    assert answered == expected(since, end)
    with_sound = [time >= stamp + delays.get('sound', 0) for time, stamp, *_ in answers]
    assert all(with_sound[len(with_sound) // 2 :])
    assert trigger.resets == 0


@pytest.mark.parametrize('period', [40, 100, 200, 333, 1000])
def test_rare_images_are_not_outrun_by_the_sound(period):
    answers, _ = fed(arrivals(12_000, images=60, infos=60, period=period))
    assert of_images(answers, 4000)[:-1] == expected(4000, 12_000, period)[:-1]


@given(
    seed=st.integers(0, 2**32),
    most=st.integers(0, 2000),
    kind=st.sampled_from(['constant', 'jitter', 'bursts']),
    late=st.sampled_from(['images', 'pictures, camera_info at once', 'sound']),
)
def test_irregular_lateness_loses_nothing_once_it_is_known(seed, most, kind, late):
    draw = random.Random(seed)

    def delay(stamp):
        if kind == 'constant':
            return most
        # The most that there is shows in the first two seconds.
        if kind == 'jitter':
            return most if stamp < 3000 and stamp % 1000 < 40 else draw.randint(0, most)
        return most - stamp % (most + 1)

    answers, _ = fed(arrivals(14_000, **dict.fromkeys(LATE[late], delay)))
    since, end = 8000, 14_000 - 3000
    stamps = [stamp for _, stamp, *_ in answers]
    assert stamps == sorted(set(stamps))
    answered = [answer for answer in of_images(answers, since) if answer[0] < end]
    assert answered == expected(since, end)


@given(gaps=st.lists(st.integers(1, 30), max_size=6), offset=st.integers(0, 39))
def test_what_is_punctual_is_not_waited_for(gaps, offset):
    """Images and their faces come with their stamps, with gaps of up to 1.2 s."""
    stamps, stamp = [], 1000 + offset
    for gap in [*gaps, 1]:
        stamps += range(stamp, stamp + 1000, PERIOD)
        stamp = stamps[-1] + gap * PERIOD
    events = [(s, order, name, s) for s in stamps for order, name in enumerate(['image', 'faces'])]
    events += [(s, 2, 'audio', s) for s in range(1000, stamps[-1], 10)]
    answers, _ = fed([(time, name, s) for time, _, name, s in sorted(events)])
    assert [s for _, s, _, from_image in answers if from_image] == stamps[
        : len(of_images(answers, 0))
    ]
    for time, s, _, from_image in answers:
        assert time <= s + 10 if from_image else time < s + 10


def test_sound_alone_is_answered_at_once_again_some_time_after_late_images_have_gone():
    events = arrivals(6000, images=1000, infos=1000)
    events += [(stamp, 'audio', stamp) for stamp in range(6000, 200_000, 10)]
    answers, _ = fed(sorted(events))
    alone = {stamp: time - stamp for time, stamp, _, from_image in answers if not from_image}
    assert alone[max(s for s in alone if s < 8500)] > 500
    assert alone[max(alone)] < 20


def test_what_is_later_than_allowed_is_counted_and_not_waited_for():
    events = arrivals(9000, images=1000, infos=1000)
    answers, trigger = fed(events, max_lateness=0.5)
    assert not of_images(answers, 1300)
    assert trigger.late_images > 100
    delays = [time - stamp for time, stamp, _, from_image in answers if not from_image]
    assert max(delays) < 10


def test_faces_that_come_later_than_the_camera_info_are_waited_for_as_measured():
    answers, trigger = fed(arrivals(4000, images=150))
    delays = {stamp: time - stamp for time, stamp, count, _ in answers if count}
    assert delays[3000] == 150 + DETECTION
    assert trigger.late < 10


def test_lateness_of_one_recording_is_known_in_the_next_round():
    round_ = arrivals(6000, images=800, infos=800)
    ended = max(time for time, *_ in round_)
    again = [(time + ended, stream, stamp) for time, stream, stamp in round_]
    answers, trigger = fed([*round_, *again])
    assert trigger.resets == 1
    seen = [stamp for time, stamp, _, from_image in answers if from_image and time > ended + 1000]
    assert seen[:50] == list(range(1000, 3000, PERIOD))


class TestLateness:
    def test_goes_up_at_once_and_down_slowly(self):
        lateness = Lateness(limit=2000 * MS)
        assert lateness.wait(0) == 0
        lateness.note(400 * MS, 1000 * MS)
        assert lateness.wait(1000 * MS) == 500 * MS
        lateness.note(10 * MS, 31_000 * MS)
        assert lateness.wait(31_000 * MS) == pytest.approx(250 * MS)
        assert lateness.wait(1_000_000 * MS) < MS

    def test_is_bounded(self):
        lateness = Lateness(limit=1000 * MS)
        lateness.note(1100 * MS, 0)
        assert lateness.wait(0) == 1250 * MS
        lateness.limit = 500 * MS
        assert lateness.wait(0) == 625 * MS
        lateness = Lateness(limit=1000 * MS)
        lateness.note(1300 * MS, 0)
        assert lateness.wait(0) == 0

    def test_decays_in_the_time_after_a_jump_back_too(self):
        lateness = Lateness(limit=2000 * MS)
        lateness.note(800 * MS, 10_000_000 * MS)
        lateness.note(0, 0)
        assert lateness.wait(30_000 * MS) == pytest.approx(500 * MS)
