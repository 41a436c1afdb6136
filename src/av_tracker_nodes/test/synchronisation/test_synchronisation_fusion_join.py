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

"""Which faces and image a map is fused with, and when it is fused without them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.synchronisation import FusionJoin

MS = 1_000_000


class Feed:
    """A join fed in milliseconds that keeps what it returns."""

    def __init__(self, **settings):
        self.join = FusionJoin(**settings)
        self.joined = []

    def map(self, stamp, from_image=True):
        return self._keep(self.join.sound(stamp * MS, f'map {stamp}', from_image))

    def faces(self, stamp):
        return self._keep(self.join.faces(stamp * MS, f'faces {stamp}'))

    def sight(self, stamp):
        return self._keep(self.join.sight(stamp * MS, f'faces {stamp}', f'image {stamp}'))

    def finish(self):
        return self._keep(self.join.flush())

    def _keep(self, joined):
        brief = [
            (each.stamp // MS, each.faces is not None, each.image is not None) for each in joined
        ]
        for each in joined:
            stamp = each.stamp // MS
            assert each.sound == f'map {stamp}'
            assert each.faces in (None, f'faces {stamp}')
            assert each.image in (None, f'image {stamp}')
        self.joined += brief
        return brief


WHOLE, FACES, NOTHING = (True, True), (True, False), (False, False)


@pytest.mark.parametrize(
    ('told', 'answers'),
    [
        ('sight 0, map 0', {'map 0': [(0, *WHOLE)]}),
        ('map 0, sight 0', {'sight 0': [(0, *WHOLE)]}),
        ('faces 0, map 0, sight 0', {'sight 0': [(0, *WHOLE)]}),
        ('sound 0', {'sound 0': [(0, *NOTHING)]}),
        # In the order of the maps, sound alone too.
        ('map 0, sound 40, sight 0', {'sight 0': [(0, *WHOLE), (40, *NOTHING)]}),
        # Passed over: by faces where it has none, by whole sights where only its image lacks.
        ('map 0, faces 40', {'faces 40': [(0, *NOTHING)]}),
        ('faces 40, map 0', {'map 0': [(0, *NOTHING)]}),
        ('faces 0, map 0, faces 40, sight 40', {'sight 40': [(0, *FACES)]}),
        # Too late by the stamps of all that comes.
        ('map 0, map 40, map 79, map 80', {'map 80': [(0, *NOTHING)]}),
        ('map 0, map 80, sight 0', {'map 80': [(0, *NOTHING)]}),
        ('map 0, map 40, sight 40', {'sight 40': [(0, *NOTHING), (40, *WHOLE)]}),
        # What is told twice changes nothing.
        ('sight 0, map 0, sight 0, faces 0', {'map 0': [(0, *WHOLE)]}),
    ],
)
def test_maps_are_complete(told, answers):
    feed = Feed()
    for step in told.split(', '):
        what, stamp = step.split()
        stamp = int(stamp) + 1000
        given_ = feed.map(stamp, False) if what == 'sound' else getattr(feed, what)(stamp)
        expected = [(1000 + s, *rest) for s, *rest in answers.get(step, [])]
        assert given_ == expected, step


def test_patience_is_added():
    feed = Feed(patience=1.0)
    feed.map(1000)
    assert feed.map(2079) == []
    assert feed.map(2080)[0] == (1000, *NOTHING)


def test_what_comes_too_late_is_counted_once_a_stamp():
    feed = Feed()
    feed.map(1000)
    feed.map(1080)
    feed.faces(1000)
    feed.sight(1000)
    assert feed.join.late == 1


@pytest.mark.parametrize('late', [100, 300, 1000, 2000])
def test_late_sights_are_waited_for_once_they_are_known_to_be(late):
    feed = Feed()
    for stamp in range(1000, 9000, 40):
        feed.map(stamp)
        if stamp - late >= 1000:
            feed.sight(stamp - late - late % 40)
    known = 1000 + 2 * late + 200
    answered = [each for each in feed.joined if each[0] >= known]
    assert answered == [(stamp, *WHOLE) for stamp, *_ in answered]
    assert len(answered) > 40


def test_sights_later_than_allowed_are_not_waited_for():
    feed = Feed(max_lateness=0.5)
    for stamp in range(1000, 9000, 40):
        feed.map(stamp)
        feed.sight(stamp - 1000)
    assert not any(faces for _, faces, _ in feed.joined)
    assert feed.join.waiting < 3
    assert feed.join.late > 100


class TestJumps:
    @pytest.mark.parametrize('first', ['map', 'sight'])
    def test_whichever_jumps_first_nothing_is_lost_or_mixed(self, first):
        feed = Feed()
        for stamp in range(8000, 9000, 40):
            feed.sight(stamp)
            feed.map(stamp)
        if first == 'sight':
            feed.sight(9000)
            feed.sight(1000)
            assert feed.map(9000) == [(9000, *WHOLE)]
            feed.map(1000)
        else:
            feed.map(9000)
            feed.map(1000)
            feed.sight(9000)
            assert feed.sight(1000) == [(1000, *WHOLE)]
        for stamp in range(1040, 2000, 40):
            feed.sight(stamp)
            feed.map(stamp)
        stamps = [stamp for stamp, *_ in feed.joined]
        assert sorted(stamps) == sorted([*range(8000, 9001, 40), *range(1000, 2000, 40)])

    def test_a_loop_gives_maps_the_faces_of_their_own_round(self):
        feed = Feed()
        for _ in range(3):
            for stamp in range(1000, 3000, 40):
                feed.sight(stamp)
                feed.map(stamp)
        assert feed.joined == 3 * [(stamp, *WHOLE) for stamp in range(1000, 3000, 40)]
        assert feed.join.late == 0

    def test_what_waits_is_answered_before_the_next_round(self):
        feed = Feed(patience=1.0)
        feed.map(9000)
        assert feed.map(1000) == [(9000, *NOTHING)]

    def test_reset_forgets_what_waits(self):
        feed = Feed(patience=1.0)
        feed.map(9000)
        feed.sight(9040)
        feed.join.reset()
        assert feed.finish() == []
        assert feed.map(9040) == []


@given(seed=st.integers(0, 2**32), lost=st.floats(0, 0.5))
def test_every_map_is_answered_once_in_order_with_what_came_in_time(seed, lost):
    draw = random.Random(seed)
    stamps = range(1000, 3000, 40)
    from_image = {stamp: draw.random() < 0.8 for stamp in stamps}
    seen = {stamp for stamp in stamps if from_image[stamp] and draw.random() >= lost}
    delays = {name: draw.randint(0, 900) for name in ('map', 'sight', 'faces')}
    events = [(s + delays['map'], 'map', s) for s in stamps]
    events += [(s + delays[name], name, s) for s in seen for name in ('sight', 'faces')]
    feed = Feed(patience=1.0)
    for _, what, stamp in sorted(events):
        if what == 'map':
            feed.map(stamp, from_image[stamp])
        else:
            getattr(feed, what)(stamp)
    feed.finish()
    assert feed.joined == [(s, *(WHOLE if s in seen else NOTHING)) for s in stamps]


@given(
    st.lists(
        st.tuples(st.sampled_from(['map', 'sight', 'faces']), st.integers(0, 5000)), max_size=60
    )
)
def test_any_input_answers_every_map_once(events):
    feed = Feed()
    for what, stamp in events:
        getattr(feed, what)(stamp)
    feed.finish()
    assert [s for s, *_ in feed.joined] == [s for what, s in events if what == 'map']
