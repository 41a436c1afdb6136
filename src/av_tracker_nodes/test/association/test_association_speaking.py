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

"""Attack, release and hysteresis of who speaks."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.association.speaking import SpeakingFilter

IMAGE = 0.04
SHARES = st.floats(0.0, 1.0)


def usual():
    config = TrackerConfig()
    return SpeakingFilter(
        config.speaking_attack, config.speaking_release, config.speaking_on, config.speaking_off
    )


def told(speaking, *spells):
    """What a filter tells after each image; spells are (evidence, seconds)."""
    decisions = []
    for evidence, seconds in spells:
        for _ in range(round(seconds / IMAGE)):
            speaking.update(evidence, IMAGE)
            decisions.append(speaking.is_speaking)
    return decisions


def test_speaking_has_hysteresis():
    speaking = SpeakingFilter(attack=0.0, release=0.0, on=0.6, off=0.4)
    decisions = told(speaking, *((evidence, IMAGE) for evidence in (0.5, 0.7, 0.5, 0.3, 0.5)))
    assert decisions == [False, True, True, False, False]


def test_attack_and_release_are_time_constants():
    speaking = SpeakingFilter(attack=0.1, release=0.3, on=0.5, off=0.5)
    speaking.update(1.0, 0.1)
    assert speaking.probability == pytest.approx(1 - math.exp(-1))
    risen = speaking.probability
    speaking.update(0.0, 0.3)
    assert speaking.probability == pytest.approx(risen * math.exp(-1))


@given(SHARES, st.lists(SHARES, max_size=5), st.integers(2, 8))
def test_it_matters_how_long_and_not_in_how_many_steps(evidence, before, steps):
    once, often = usual(), usual()
    for each in before:
        once.update(each, IMAGE)
        often.update(each, IMAGE)
    once.update(evidence, IMAGE)
    for _ in range(steps):
        often.update(evidence, IMAGE / steps)
    assert often.probability == pytest.approx(once.probability, abs=1e-9)


@given(st.lists(st.tuples(SHARES, st.floats(0.0, 1.0)), min_size=1, max_size=20))
def test_probability_stays_within_the_evidence(steps):
    speaking = usual()
    for evidence, seconds in steps:
        speaking.update(evidence, seconds)
    assert 0.0 <= speaking.probability <= max(evidence for evidence, _ in steps) + 1e-12


def test_more_evidence_never_tells_less():
    weak, strong = usual(), usual()
    pattern = (0.2, 0.7, 0.3, 0.9, 0.1, 0.6, 0.0, 0.0) * 5
    for evidence in pattern:
        weak.update(evidence, IMAGE)
        strong.update(min(1.0, evidence + 0.1), IMAGE)
        assert strong.probability >= weak.probability
        assert strong.is_speaking or not weak.is_speaking


def test_sure_speech_is_told_at_once_and_its_end_soon():
    decisions = told(usual(), (0.05, 1.0), (0.95, 1.0), (0.05, 1.0))
    begins, ends = decisions.index(True), decisions.index(False, decisions.index(True))
    assert begins * IMAGE - 1.0 <= 0.1
    assert ends * IMAGE - 2.0 <= 0.2


def test_a_gap_between_words_is_bridged_and_a_click_is_not_told():
    assert all(told(usual(), (0.95, 1.0), (0.05, 0.08), (0.95, 0.2))[2:])
    assert not any(told(usual(), (0.05, 1.0), (0.95, IMAGE), (0.05, 1.0)))


def test_half_a_voice_is_nobodys():
    assert not any(told(usual(), (0.5, 2.0)))
