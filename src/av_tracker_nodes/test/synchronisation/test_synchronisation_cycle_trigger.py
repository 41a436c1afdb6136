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

"""When things belong together."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.synchronisation import CycleTrigger, StampedBuffer
from av_tracker_nodes.types import Face, FaceFrame

MS = 1_000_000
SIZE = (360, 288)


def face_frame(milliseconds, count=1):
    return FaceFrame(
        milliseconds * MS, SIZE, tuple(Face((0, 0, 9, 12), 0.9) for _ in range(count))
    )


def brief(cycles):
    """Cycles as (stamp in ms, number of faces, from_image)."""
    return [(c.faces.stamp // MS, len(c.faces.faces), c.from_image) for c in cycles]


class Feed:
    """A trigger fed in milliseconds that keeps all cycles."""

    def __init__(self, **settings):
        self.trigger = CycleTrigger(**settings)
        self.cycles = []

    def image(self, stamp):
        return self._keep(self.trigger.image(stamp * MS, SIZE))

    def faces(self, stamp, count=1):
        return self._keep(self.trigger.faces(face_frame(stamp, count)))

    def see(self, stamp):
        """An image comes, and its faces."""
        return self.image(stamp) + self.faces(stamp)

    def audio(self, stamp):
        return self._keep(self.trigger.audio_until(stamp * MS))

    def audio_to(self, start, end, step=10):
        return [cycle for stamp in range(start, end + 1, step) for cycle in self.audio(stamp)]

    def finish(self):
        return self._keep(self.trigger.flush())

    def _keep(self, cycles):
        self.cycles += brief(cycles)
        return brief(cycles)


class TestStampedBuffer:
    def test_keeps_order_whatever_the_order_of_arrival(self):
        buffer = StampedBuffer(100)
        for stamp in (5, 1, 3, 2, 4):
            buffer.add(stamp, str(stamp))
        assert buffer.between(2, 5) == [(2, '2'), (3, '3'), (4, '4')]

    def test_is_bounded_by_time(self):
        buffer = StampedBuffer(10)
        for stamp in range(100):
            buffer.add(stamp, stamp)
        assert [stamp for stamp, _ in buffer.between(0, 1000)] == list(range(89, 100))

    def test_replaces_a_repeated_stamp(self):
        buffer = StampedBuffer(10)
        buffer.add(3, 'old')
        buffer.add(3, 'new')
        assert len(buffer) == 1
        assert buffer.at(3) == 'new'
        assert buffer.at(4) is None

    def test_finds_the_neighbours_of_a_stamp(self):
        buffer = StampedBuffer(100)
        buffer.add(10, 'a')
        buffer.add(20, 'b')
        assert buffer.around(15) == ((10, 'a'), (20, 'b'))
        assert buffer.around(10) == ((10, 'a'), (10, 'a'))
        assert buffer.around(5) == (None, (10, 'a'))
        assert buffer.around(25) == ((20, 'b'), None)

    def test_forgets_at_a_jump_back_but_not_at_disorder(self):
        buffer = StampedBuffer(10_000 * MS)
        buffer.add(1000 * MS, 'a')
        buffer.add(950 * MS, 'b')
        assert len(buffer) == 2
        buffer.add(400 * MS, 'c')
        assert len(buffer) == 1
        assert buffer.newest == 400 * MS


class TestImages:
    def test_fires_when_faces_and_audio_are_there(self):
        feed = Feed()
        assert feed.image(1000) == []
        assert feed.audio(990) == []
        assert feed.faces(1000) == []
        assert feed.audio(1000) == [(1000, 1, True)]

    def test_fires_once(self):
        feed = Feed()
        feed.image(1000)
        feed.audio(1010)
        assert feed.faces(1000) == [(1000, 1, True)]
        assert feed.image(1000) == []
        assert feed.faces(1000) == []
        assert feed.finish() == []

    def test_needs_no_announcement(self):
        feed = Feed()
        feed.audio(1010)
        assert feed.faces(1000) == [(1000, 1, True)]

    def test_fires_in_order_of_stamps(self):
        feed = Feed()
        feed.audio(1000)
        for stamp in (1080, 1040):
            feed.see(stamp)
        feed.audio(1100)
        assert [stamp for stamp, *_ in feed.cycles] == [1040, 1080]

    @pytest.mark.parametrize('latency', [10, 30, 50, 90])
    def test_images_that_come_back_are_not_outrun_by_the_sound(self, latency):
        feed = Feed()
        feed.audio(990)
        feed.see(1000)
        feed.audio_to(1000, 2000)
        for stamp in range(2000, 4000, 40):
            feed.audio_to(stamp, stamp + latency)
            feed.see(stamp)
        seen = [stamp for stamp, _, from_image in feed.cycles if from_image]
        assert seen[0] == 1000
        assert set(range(2120, 4000, 40)) <= set(seen)
        assert [stamp for stamp, *_ in feed.cycles] == sorted(s for s, *_ in feed.cycles)

    def test_a_stamp_of_the_sound_that_is_far_ahead_makes_no_cycles_up_to_it(self):
        feed = Feed()
        feed.audio(990)
        feed.image(1000)
        feed.audio(2_000_000)
        assert [stamp for stamp, *_ in feed.cycles] == [1000, 2_000_000]

    def test_faces_that_do_not_come_are_waited_for_in_stream_time(self):
        feed = Feed(faces_timeout=0.08)
        feed.audio(1000)
        feed.image(1000)
        assert feed.audio_to(1010, 1070) == []
        assert feed.audio(1080) == [(1000, 0, True)]
        assert feed.faces(1000) == []
        assert feed.trigger.late == 1

    @pytest.mark.parametrize(('heard', 'patience', 'last'), [(1100, 0.0, 1170), (1000, 1.0, 2070)])
    def test_a_slow_camera_gets_all_the_time_from_its_announcement(self, heard, patience, last):
        feed = Feed(faces_timeout=0.08, patience=patience)
        feed.audio(heard)
        feed.image(1000)
        assert feed.audio_to(heard + 10, last) == []
        assert feed.audio(last + 10) == [(1000, 0, True)]

    def test_faces_of_a_later_image_show_that_the_detector_passed_over(self):
        feed = Feed()
        feed.audio(1040)
        feed.image(1000)
        feed.image(1040)
        assert feed.faces(1040) == [(1000, 0, True), (1040, 1, True)]

    def test_only_what_was_passed_over_is_so_and_only_faces_were_searched_for(self):
        trigger = CycleTrigger(faces_timeout=0.08)
        for stamp in (1000, 1040, 1080):
            trigger.image(stamp * MS, (360, 288))
        cycles = trigger.faces(FaceFrame(1040 * MS, (360, 288)))
        cycles += trigger.audio_until(1090 * MS)
        cycles += trigger.audio_until(1200 * MS)
        told = [(c.faces.stamp // MS, c.is_passed_over, c.faces.is_searched) for c in cycles]
        assert told == [(1000, True, False), (1040, False, True), (1080, False, False)]

    def test_can_wait_for_ever(self):
        feed = Feed(faces_timeout=float('inf'))
        feed.image(1000)
        assert feed.audio_to(1000, 9000, 100) == []
        assert feed.faces(1000)[0] == (1000, 1, True)

    def test_finish_answers_what_waits(self):
        feed = Feed(patience=1.0)
        feed.audio(1000)
        feed.image(1020)
        feed.image(1060)
        feed.faces(1020)
        assert feed.finish() == [(1020, 1, True), (1060, 0, True)]
        assert feed.trigger.waiting == 0

    def test_tells_which_image_lacks_its_faces_only(self):
        feed = Feed()
        trigger = feed.trigger
        assert trigger.awaits_faces is None
        feed.audio(0)
        feed.image(40)
        assert trigger.awaits_faces is None
        feed.audio(50)
        assert trigger.awaits_faces == 40 * MS
        feed.image(80)
        feed.audio(90)
        assert trigger.awaits_faces == 40 * MS
        feed.faces(40)
        assert trigger.awaits_faces == 80 * MS
        feed.faces(80)
        assert trigger.awaits_faces is None


class TestMissingAudio:
    def test_without_any_audio_the_first_image_waits_and_the_others_do_not(self):
        feed = Feed(audio_timeout=0.2)
        fired = []
        for stamp in range(1000, 1400, 40):
            fired.append([s for s, *_ in feed.see(stamp)])
        assert fired[:5] == [[]] * 5
        assert fired[5] == [1000, 1040, 1080, 1120, 1160, 1200]
        assert fired[6:] == [[1240], [1280], [1320], [1360]]

    def test_audio_that_stops_holds_nothing_up(self):
        feed = Feed(audio_timeout=0.2)
        feed.audio(1000)
        for stamp in range(1000, 3000, 40):
            feed.see(stamp)
        assert [s for s, *_ in feed.cycles] == list(range(1000, 3000, 40))
        assert all(from_image for *_, from_image in feed.cycles)

    def test_audio_that_comes_back_is_waited_for_again(self):
        feed = Feed(audio_timeout=0.2)
        feed.audio(1000)
        for stamp in range(1000, 2000, 40):
            feed.see(stamp)
        feed.audio(2000)
        feed.image(2040)
        assert feed.faces(2040) == []
        assert feed.audio(2040) == [(2040, 1, True)]


class TestAudioOnly:
    def test_without_images_sound_cycles_at_25_hz(self):
        feed = Feed()
        feed.audio_to(1000, 1400)
        assert feed.cycles == [(s, 0, False) for s in range(1200, 1401, 40)]

    def test_begins_200_ms_after_the_last_image_and_ends_with_the_next(self):
        feed = Feed()
        feed.audio(1000)
        feed.see(1000)
        feed.audio_to(1010, 1300)
        feed.see(1310)
        feed.audio_to(1310, 1500)
        assert feed.cycles == [
            (1000, 1, True),
            (1200, 0, False),
            (1240, 0, False),
            (1280, 0, False),
            (1310, 1, True),
        ]

    def test_keeps_the_size_of_the_images(self):
        feed = Feed()
        feed.see(1000)
        cycles = feed.trigger.audio_until(1200 * MS)
        assert cycles[-1].faces.image_size == SIZE

    def test_makes_nothing_of_audio_that_was_lost(self):
        feed = Feed()
        feed.audio_to(1000, 1240)
        assert feed.audio(60_000) == [(60_000, 0, False)]

    def test_patience_waits_for_images_but_gives_the_same_cycles(self):
        feed = Feed(patience=1.0)
        assert feed.audio_to(1000, 2190) == []
        assert feed.audio(2200) == [(1200, 0, False)]
        assert feed.image(1260) == [(1240, 0, False)]
        assert feed.faces(1260) == [(1260, 1, True)]


class TestJumps:
    def test_a_loop_starts_anew(self):
        feed = Feed()
        for _ in range(2):
            for stamp in range(1000, 3000, 40):
                feed.audio(stamp)
                feed.see(stamp)
        assert [s for s, *_ in feed.cycles] == 2 * list(range(1000, 3000, 40))
        assert feed.trigger.resets == 1

    def test_leftovers_of_the_last_round_do_no_harm(self):
        feed = Feed()
        feed.audio(9960)
        feed.image(9960)
        feed.image(1000)
        feed.faces(9960)
        feed.audio_to(9970, 9990)
        feed.faces(1000)
        feed.audio_to(1000, 1050)
        feed.see(1040)
        assert feed.cycles == [(1000, 1, True), (1040, 1, True)]

    def test_50_ms_of_disorder_is_no_jump(self):
        feed = Feed()
        feed.audio(1000)
        feed.image(1050)
        feed.see(1000)
        feed.faces(1050)
        feed.audio(1060)
        assert feed.trigger.resets == 0
        assert [s for s, *_ in feed.cycles] == [1000, 1050]

    def test_recovers_from_a_single_wrong_stamp(self):
        feed = Feed()
        for stamp in range(10_000, 12_000, 40):
            feed.audio(stamp)
            feed.image(9000 if stamp == 11_000 else stamp)
            feed.faces(stamp)
        stamps = [s for s, *_ in feed.cycles]
        assert [s for s in stamps if s > 11_600] == list(range(11_640, 12_000, 40))

    def test_a_stream_that_ended_before_the_jump_comes_back(self):
        feed = Feed()
        feed.see(1000)
        feed.audio_to(1000, 20_000)
        feed.audio(900)
        feed.see(1000)
        assert feed.audio(1000) == [(1000, 1, True)]


@given(seed=st.integers(0, 10_000), silent=st.booleans())
def test_cycles_do_not_depend_on_how_the_streams_interleave(seed, silent):
    """A gap in the images, random delays of each stream within its patience."""
    random_numbers = random.Random(seed)
    images = [*range(1000, 1800, 40), *range(2500, 3000, 40)]
    events = [(s, 'image', s) for s in images] + [(s, 'faces', s) for s in images]
    if not silent:
        events += [(s, 'audio', s) for s in range(1000, 3200, 10)]

    def run(delays, patience):
        feed = Feed(patience=patience)
        order = sorted(events, key=lambda event: event[0] + delays[event[1]](event[0]))
        for _, stream, stamp in order:
            getattr(feed, stream)(stamp)
        feed.finish()
        return feed.cycles

    punctual = {stream: (lambda stamp: 0) for stream in ('image', 'faces', 'audio')}
    # A stream keeps its own order: the delay changes once a second, to later only.
    late = {}
    for stream in punctual:
        steps = sorted(random_numbers.randrange(0, 700) for _ in range(3))
        late[stream] = lambda stamp, steps=steps: steps[min(stamp // 1000 - 1, 2)]
    assert run(late, patience=1.0) == run(punctual, patience=0.0)


@given(
    st.lists(
        st.tuples(st.sampled_from(['image', 'faces', 'audio']), st.integers(0, 5000)), max_size=60
    )
)
def test_any_input_gives_cycles_in_order_between_jumps(events):
    feed = Feed()
    last = -1
    for stream, stamp in events:
        resets = feed.trigger.resets
        fired = [s for s, *_ in getattr(feed, stream)(stamp)]
        if feed.trigger.resets > resets:
            last = -1
        assert [last, *fired] == sorted({last, *fired})
        last = max([last, *fired])
    feed.finish()
    assert feed.trigger.waiting == 0


@pytest.mark.parametrize('patience', [0.0, 1.0])
def test_a_punctual_recording_loses_nothing(patience):
    feed = Feed(patience=patience)
    for stamp in range(1000, 5000, 10):
        if stamp % 40 == 0:
            feed.see(stamp)
        feed.audio(stamp)
    assert feed.cycles == [(s, 1, True) for s in range(1000, 5000, 40)]
    assert feed.trigger.late == 0
