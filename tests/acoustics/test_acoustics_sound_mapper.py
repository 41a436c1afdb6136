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

"""Sound until a stamp, then a map: the same however the sound comes."""

from dataclasses import replace

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    RIG,
    TALKER,
    assert_same,
    blocks,
    fed,
    frame_at,
    meeting_rig,
    propagate,
    seconds,
    two_circles,
    voice,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from av_tracker_nodes.acoustics import AcousticConfig, AcousticStage, SoundMapper
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray, Rig
from av_tracker_nodes.geometry.head import face_box

BOX = face_box(RIG.camera, TALKER)
TIMES = 0.4, 0.44, 0.7


@pytest.fixture(scope='module')
def spoken():
    return propagate([(TALKER, voice(1.0))], two_circles(), noise=2e-3)


@pytest.fixture(scope='module')
def expected(spoken):
    """Maps of the stage itself, which was given everything beforehand."""
    stage = fed(AcousticStage(RIG), spoken)
    return [stage.process(frame_at(time, BOX)) for time in TIMES]


def hear(mapper, stream):
    for block in stream:
        mapper.hear(block)


def assert_maps(mapper, expected, times=TIMES):
    for time, other in zip(times, expected, strict=True):
        assert_same(mapper.map(frame_at(time, BOX)), other)


@given(size=st.integers(40, 6_000), fed=st.floats(0, 1), placed=st.floats(0, 1))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.thorough
def test_maps_do_not_depend_on_how_the_sound_comes(spoken, expected, size, fed, placed):
    """Some of it is held, some of it fed, and the rest waits in a source."""
    cut = blocks(spoken, size)
    given_ = cut[: round(min(fed * len(cut), 200))]
    mapper = SoundMapper(source=cut[len(given_) :])
    known = round(placed * len(given_))
    hear(mapper, given_[:known])
    mapper.use(RIG)
    hear(mapper, given_[known:])
    assert_maps(mapper, expected)


def test_no_more_of_a_source_is_read_than_a_stamp_needs(spoken):
    read = []
    source = (read.append(block) or block for block in blocks(spoken, 160))
    mapper = SoundMapper(rig=RIG, source=source)
    for time in (0.3, 0.3, 0.305, 0.42):
        mapper.map(frame_at(time))
        assert len(read) == np.ceil(time * 100 - 1e-9)


def test_a_source_that_ends_early_covers_what_it_can(spoken):
    mapper = SoundMapper(rig=RIG, source=blocks(spoken[: RATE // 2]))
    assert mapper.map(frame_at(0.5)).coverage == 1
    assert 0 < mapper.map(frame_at(0.6)).coverage < 1


class TestPlace:
    def test_maps_are_blank_while_nobody_knows_where_the_sensors_are(self, spoken, expected):
        mapper = SoundMapper('vwswe')
        hear(mapper, blocks(spoken[: RATE // 2]))
        early = mapper.map(frame_at(0.4, BOX), from_image=False)
        assert (early.stamp, early.measure, early.from_image) == (seconds(0.4), 'vwswe', False)
        assert (early.values.size, early.peaks, early.faces) == (0, (), ())
        assert mapper.stage is None

    def test_a_place_that_is_lost_and_found_costs_no_sound(self, spoken, expected):
        mapper = SoundMapper(rig=RIG)
        hear(mapper, blocks(spoken[: RATE // 2]))
        mapper.use(None)
        mapper.prepare(seconds(0.4))
        assert mapper.map(frame_at(0.4, BOX)).values.size == 0
        hear(mapper, blocks(spoken)[50:])
        mapper.use(RIG)
        assert_maps(mapper, expected[2:], [0.7])

    def test_what_is_held_is_the_latest(self):
        mapper = SoundMapper()
        hear(mapper, blocks(np.zeros((3 * RATE, 16), np.float32)))
        mapper.use(RIG)
        assert mapper.stage.covers(seconds(3.0))
        assert mapper.map(frame_at(1.02)).coverage < 0.2
        assert mapper.map(frame_at(1.3)).coverage == 1

    def test_a_rig_that_moves_moves_the_stage(self, spoken):
        mapper = SoundMapper(rig=RIG, source=blocks(spoken))
        stage = mapper.stage
        mapper.map(frame_at(0.4))
        moved = meeting_rig(camera=replace(RIG.camera, fx=500.0, fy=500.0))
        mapper.use(moved)
        assert mapper.stage is stage
        expected = fed(AcousticStage(moved), spoken).process(frame_at(0.7, BOX))
        assert_maps(mapper, [expected], [0.7])

    def test_one_microphone_is_a_place_too(self):
        array = MicrophoneArray(np.zeros((1, 3)))
        mapper = SoundMapper(rig=Rig(None, array), source=blocks(np.ones((RATE, 1), np.float32)))
        assert mapper.map(frame_at(0.9)).coverage == 1


class TestRefused:
    def bad(self, first):
        """Blocks of too few channels."""
        return blocks(np.zeros((320, 4), np.float32), start=seconds(first))

    def test_a_block_that_cannot_be_heard_costs_itself_alone(self, spoken, expected):
        mapper = SoundMapper(rig=RIG)
        for number, block in enumerate(blocks(spoken)):
            if number in (10, 20, 30):
                assert not mapper.offer(self.bad(number / 100)[0])
            assert mapper.offer(block)
        ((reason, count),) = mapper.refused.items()
        assert count == 3
        assert 'audio has 4 channels, the array description needs 16' in reason
        assert_maps(mapper, expected)

    def test_it_is_told_to_those_who_want_to_know(self):
        mapper = SoundMapper(rig=RIG)
        with pytest.raises(InputError, match='4 channels'):
            mapper.hear(self.bad(0)[0])
        assert mapper.refused.total() == 1

    def test_what_was_held_is_counted(self):
        mapper = SoundMapper()
        for block in self.bad(0):
            assert mapper.offer(block)
        mapper.use(RIG)
        assert mapper.refused.total() == 2

    def test_a_source_that_cannot_be_heard_is_an_error(self):
        mapper = SoundMapper(rig=RIG, source=self.bad(0))
        with pytest.raises(InputError, match='4 channels'):
            mapper.map(frame_at(0.4))

    def test_a_measure_that_is_none_is_refused_at_once(self):
        with pytest.raises(InputError, match="unknown measure 'loudness'"):
            SoundMapper('loudness')


@pytest.mark.parametrize('placed', [False, True])
def test_a_reset_forgets_all_that_has_come(spoken, placed):
    mapper = SoundMapper(rig=RIG if placed else None)
    hear(mapper, blocks(spoken))
    mapper.reset()
    mapper.use(RIG)
    assert mapper.map(frame_at(0.7)).coverage == 0


@pytest.mark.parametrize('placed', [False, True])
def test_numbers_reach_the_stage_now_and_later(placed):
    mapper = SoundMapper(rig=RIG if placed else None, config=AcousticConfig(max_peaks=3))
    mapper.reconfigure(AcousticConfig(max_peaks=2))
    mapper.use(RIG)
    assert mapper.stage.config.max_peaks == 2


def test_a_rehearsal_leaves_no_trace(spoken, expected):
    mapper = SoundMapper(rig=RIG, source=blocks(spoken), rehearses=True)
    assert_maps(mapper, expected)
