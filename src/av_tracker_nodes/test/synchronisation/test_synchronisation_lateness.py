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

"""Streams that are late by their stamps are waited for, and clocks that are apart are told."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.synchronisation import ClockCheck, CycleTrigger, Lateness
from av_tracker_nodes.types import Face, FaceFrame

MS = 1_000_000
SIZE = (360, 288)
PERIOD = 40
DETECTION = 20
"""Faces come this long after their image."""


def arrivals(until, images=0, infos=0, sound=0, period=PERIOD):
    """Events (time of arrival, stream, stamp), in the order of arrival.

    A delay is a number or a function of the stamp; a stream keeps its own order.
    """
    events = []
    for stamp in range(1000, until, period):
        events.append((stamp + _at(infos, stamp), 'image', stamp))
        events.append((stamp + _at(images, stamp) + DETECTION, 'faces', stamp))
    events += [(stamp + _at(sound, stamp), 'audio', stamp) for stamp in range(1000, until, 10)]
    newest, ordered = {}, []
    for time, stream, stamp in sorted(events, key=lambda event: (event[1], event[2])):
        newest[stream] = max(time, newest.get(stream, 0))
        ordered.append((newest[stream], stream, stamp))
    return sorted(ordered)


def _at(delay, stamp):
    return delay(stamp) if callable(delay) else delay


def looped(events, rounds=3):
    ended = max(time for time, *_ in events)
    return [(t + n * ended, name, s) for n in range(rounds) for t, name, s in events]


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
    answers, trigger = fed(looped(round_, 2))
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


# ---- clocks that are apart


SECOND = 1000
EPOCH, HOUR = 1_790_000_000 * SECOND, 3600 * SECOND


def stepped(stream, at, by, events):
    """Events of which one stream has its clock set by `by` ms at a time."""
    return [(t, name, s + by if name in stream and t >= at else s) for t, name, s in events]


def apart(images=0, sound=0, until=8000, **late):
    return [
        (t, name, s + (sound if name == 'audio' else images))
        for t, name, s in arrivals(until, **late)
    ]


def checked(events, logged=False, ended=False, **settings):
    """Problem of the clocks of images and audio; with the times of a log, and its end."""
    check = ClockCheck(**settings)
    for time, stream, stamp in events:
        if stream != 'faces':
            name = {'image': 'image_raw'}.get(stream, stream)
            check.note(name, stamp * MS, time * MS if logged else None)
    if ended:
        check.finish()
    return check.problem


FRAMES = ('image', 'faces')
WELL = {
    'punctual': apart(),
    'another epoch for both': apart(EPOCH, EPOCH),
    'images late': apart(images=0, infos=2000),
    'sound late': apart(sound=0),
    'images late in bursts': apart(infos=lambda stamp: 1900 - stamp % 1900),
    'loops': looped(apart()),
    'loops with late images': looped(apart(infos=1500)),
    'no sound': [e for e in apart() if e[1] != 'audio'],
    'no images': [e for e in apart() if e[1] == 'audio'],
    'sound that stops': [e for e in apart(until=20_000) if e[1] != 'audio' or e[2] < 3000],
    'images that stop': [e for e in apart(until=20_000) if e[1] == 'audio' or e[2] < 3000],
    'images that come back': [
        e for e in apart(until=30_000) if e[1] == 'audio' or not 3000 < e[2] < 20_000
    ],
    'both pause': [(t + (t > 4000) * HOUR, n, s + (s > 4000) * HOUR) for t, n, s in apart()],
    'a wrong stamp': sorted([*apart(), (4000, 'image', HOUR)]),
    'a wrong stamp of long ago': sorted([*apart(10_000, 10_000), (4000, 'image', 0)]),
}
WRONG = {
    'image stamps 0': (
        [(t, n, s if n == 'audio' else 0) for t, n, s in apart(EPOCH, EPOCH)],
        ['image_raw', 'stand still at 0.0 s', '17900000'],
    ),
    'sound of the epoch': (
        apart(sound=EPOCH),
        ['image_raw', 'audio', '17900000', 'audio_offset:=-1790000000'],
    ),
    'images of the epoch': (apart(images=EPOCH), ['audio_offset:=17', '17900000']),
    'images an hour ahead': (apart(images=HOUR), ['audio_offset:=3', '360', 's when']),
    'images an hour behind': (apart(HOUR, 2 * HOUR), ['audio_offset:=-3600']),
    'four seconds behind': (apart(sound=4000), ['audio_offset:=-4.0', 'max_lateness is 2 s']),
    'images set ahead': (
        stepped(FRAMES, 4000, 5000, apart(until=12_000)),
        ['clock of image_raw was set from 4.0 s to 9.0 s', 'audio went on from 4.0 s'],
    ),
    'images set back': (
        stepped(FRAMES, 4000, -1000, apart(until=12_000)),
        ['clock of image_raw was set from 4.0 s to 3.0 s'],
    ),
    'sound set ahead by an hour': (
        stepped(('audio',), 4000, HOUR, apart(until=12_000)),
        ['clock of audio was set from 4.0 s to 3604.0 s'],
    ),
    'sound set back': (
        stepped(('audio',), 6000, -2000, apart(until=14_000)),
        ['clock of audio was set from 6.0 s to 4.0 s'],
    ),
}


@pytest.mark.parametrize('logged', [False, True])
class TestClockCheck:
    @pytest.mark.parametrize('ended', [False, True])
    @pytest.mark.parametrize('case', WELL)
    def test_says_nothing_while_all_is_well(self, case, ended, logged):
        assert checked(WELL[case], logged, ended) is None

    @pytest.mark.parametrize('by', [5000, -3000, HOUR])
    def test_a_clock_that_was_set_shortly_before_the_end(self, by, logged):
        events = stepped(('audio',), 4000, by, apart(until=7000))
        assert 'clock of audio was set from 4.0 s' in checked(events, logged, ended=True)

    @pytest.mark.parametrize('case', WRONG)
    def test_tells_both_times_and_what_to_do(self, case, logged):
        events, words = WRONG[case]
        problem = checked(events, logged)
        for word in words:
            assert word in problem
        assert '\n' not in problem

    @pytest.mark.parametrize('offset', [-HOUR, -7000, 3500, HOUR, EPOCH])
    def test_the_offset_that_it_names_mends_it(self, offset, logged):
        events = apart(HOUR * 2, HOUR * 2 + offset)
        told = re.search(r'audio_offset:=(\S+?)(,|$)', checked(events, logged))
        added = float(told[1])
        assert added == pytest.approx(-offset / SECOND, abs=0.05)
        mended = [(t, n, s + round(added * SECOND) * (n == 'audio')) for t, n, s in events]
        assert checked(mended, logged, audio_offset=added) is None

    def test_an_offset_that_is_wrong_is_mended_by_the_whole_offset(self, logged):
        events = apart(HOUR * 2, HOUR * 2 + 9000)
        problem = checked(events, logged, audio_offset=-1.0)
        assert 'audio_offset:=-10.0' in problem

    def test_max_lateness_is_what_is_allowed(self, logged):
        events = [event for event in apart(infos=3500) if event[0] < 8000]
        assert 'max_lateness is 2 s' in checked(events, logged)
        assert checked(events, logged, max_lateness=3.0) is None


def test_what_is_told_stays_the_same_while_it_holds():
    check = ClockCheck()
    told = set()
    for _, stream, stamp in apart(images=HOUR):
        check.note(stream, stamp * MS)
        told.add(check.problem)
    assert len(told) == 2


def test_a_clock_that_was_set_is_forgotten_after_a_while():
    events = stepped(FRAMES, 4000, 800, apart(until=30_000))
    assert 'was set' in checked(events)
    assert checked(events, memory=10.0) is None


def answered(events):
    """Stamps that are answered, in the end too, and whether they are those of images."""
    answers, trigger = fed(events)
    last = [(c.faces.stamp // MS, c.from_image) for c in trigger.flush()]
    return [(stamp, from_image) for _, stamp, _, from_image in answers] + last


APART = [apart(sound=EPOCH), apart(images=HOUR), apart(HOUR, 2 * HOUR), apart(0, 20_000)]


@pytest.mark.parametrize('events', APART)
def test_images_are_answered_once_each_while_the_sound_has_another_clock(events):
    stamps = [stamp for _, stream, stamp in events if stream == 'image']
    cycles = answered(events)
    assert [stamp for stamp, from_image in cycles if from_image] == stamps
    assert len(cycles) - len(stamps) < 10


def test_one_answer_for_images_that_all_have_the_same_stamp():
    events = [(t, n, s if n == 'audio' else 0) for t, n, s in apart(EPOCH, EPOCH)]
    assert sum(from_image for _, from_image in answered(events)) == 1


@pytest.mark.parametrize('stream', [FRAMES, ('audio',)])
@pytest.mark.parametrize('by', [-HOUR, -2000, 2000, HOUR])
def test_a_clock_that_is_set_costs_a_second(stream, by):
    events = stepped(stream, 6000, by, apart(HOUR * 2, HOUR * 2, until=14_000))
    stamps = [stamp for _, name, stamp in events if name == 'image']
    seen = [stamp for stamp, from_image in answered(events) if from_image]
    missing = len(stamps) - len(seen)
    # Two seconds ahead the sound is late within what is waited for, which has to be learned.
    assert missing <= (60 if by in (-2000, 2000) else 26)


def test_sound_is_used_again_when_the_clocks_agree_again():
    events = apart(0, HOUR, until=4000) + [(t, n, s) for t, n, s in arrivals(9000) if t > 4100]
    _, trigger = fed([event for event in events if event[1] != 'faces'])
    assert trigger.awaits_faces is not None


def test_sound_is_used_alone_when_the_images_of_another_clock_stop():
    events = apart(HOUR, 0, until=4000)
    events += [(stamp, 'audio', stamp) for stamp in range(4000, 20_000, 10)]
    alone = [stamp for stamp, from_image in answered(events) if not from_image]
    assert alone[-1] > 19_000


@given(
    st.lists(
        st.tuples(st.sampled_from(['image', 'faces', 'audio']), st.integers(0, 60_000)),
        max_size=60,
    )
)
def test_any_input_is_survived(events):
    answered([(0, *event) for event in events])
    checked([(0, *event) for event in events])
