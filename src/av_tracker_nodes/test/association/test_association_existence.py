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

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.association.existence import Existence
from av_tracker_nodes.association.speaking import SpeakingFilter
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.types import Detection, DetectionFrame, Modality, TrackState, to_nanoseconds

# At the origin, looking along world x, with y to its left.
FORWARD = RigidTransform(np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]]))
CAMERA = Camera(400, 400, 180, 144, (360, 288), pose=FORWARD)
EVENTS = st.lists(
    st.tuples(st.sampled_from(['seen', 'heard', 'unseen', 'unheard']), st.floats(0, 1)),
    max_size=60,
)


def head(quality, place=(2.5, 0.2, 0.1)):
    place = np.array(place)
    box = face_box(CAMERA, place)
    return Detection(place, 0.05**2 * np.eye(3), Modality.VISUAL, box=box, quality=quality)


def states(scene, config=None):
    """Track a scene, one list of detections an image; return the states in each image."""
    tracker, known = SpeakerTracker(config), []
    for k, detections in enumerate(scene):
        frame = DetectionFrame(to_nanoseconds(1 + k / 25), tuple(detections))
        known.append([track.state for track in tracker.process(frame, CAMERA).tracks])
    return known


def is_known(states):
    return any(state != TrackState.TENTATIVE for state in states)


@given(EVENTS, st.floats(0, 1), st.booleans(), st.floats(0, 0.2))
def test_existence_is_a_probability_whatever_happens(events, quality, seen, seconds):
    existence = Existence(quality, seen)
    for event, number in events:
        existence.predict(seconds)
        if event == 'unseen':
            existence.unseen(number, number > 0.5, seconds)
        elif event == 'unheard':
            existence.unheard(seconds)
        else:
            getattr(existence, event)(number, seconds)
        assert 0 <= existence.probability <= 1


@pytest.mark.parametrize(('visible', 'low', 'high'), [(1.0, 0.0, 0.2), (0.0, 0.9, 1.0)])
def test_existence_falls_while_unseen_in_plain_view_and_hardly_out_of_view(visible, low, high):
    existence = Existence(0.95, True)
    for _ in range(50):
        existence.predict(0.04)
        existence.seen(0.95, 0.04)
    for _ in range(40):
        existence.predict(0.04)
        existence.unseen(visible, True, 0.04)
    assert low <= existence.probability <= high


def alarms(quality, share, images=500):
    rng = np.random.default_rng(0)
    return [[head(quality)] if rng.random() < share else [] for _ in range(images)]


@pytest.mark.parametrize('follows_heads', [True, False])
@pytest.mark.parametrize(
    ('quality', 'share', 'is_somebody'),
    [
        (0.92, 0.9, True),
        (0.8, 0.9, True),
        (0.72, 0.4, True),
        (0.64, 0.07, False),
        (0.6, 1.0, False),
        (0.45, 1.0, False),
    ],
)
def test_who_is_somebody(quality, share, is_somebody, follows_heads):
    """Faces, a face in profile, a picture on the wall, a hair bun, and what was followed alone."""
    known = states(alarms(quality, share), TrackerConfig(follows_heads=follows_heads))
    late = [is_known(each) for each in known[250:]]
    assert all(late) if is_somebody else not any(map(is_known, known))


@pytest.mark.parametrize('quality', [0.6, 0.8, 1.0])
def test_one_alarm_confirms_nobody(quality):
    assert not any(map(is_known, states([[head(quality)]] + [[]] * 50)))


def test_a_sure_face_is_confirmed_sooner_than_a_doubtful_one():
    first = [
        [is_known(each) for each in states([[head(quality)]] * 100)].index(True)
        for quality in (0.95, 0.72, 0.66)
    ]
    assert first == sorted(first)
    assert first[0] == 2
    assert first[-1] > 10


def test_who_leaves_plain_view_goes_soon_and_who_is_hidden_stays():
    there, nearer = head(0.95), head(0.95, (1.5, 0.12, 0.06))
    alone = states([[there]] * 50 + [[]] * 50)
    assert not is_known(alone[-1])
    hidden = states([[there, nearer]] * 50 + [[replace(nearer)]] * 50)
    assert len(hidden[-1]) == 2


@pytest.mark.parametrize(('speaking', 'somebody'), [(0.0, False), (0.9, True)])
def test_a_head_that_is_followed_for_long_stays_as_long_as_it_is_heard(speaking, somebody):
    sure, followed = head(0.95), head(0.3)
    heard = Modality.AUDIO if speaking >= 0.5 else Modality.NONE
    followed = replace(followed, modalities=Modality.VISUAL | heard, speaking=speaking)
    assert is_known(states([[sure]] * 25 + [[followed]] * 150)[-1]) == somebody


# ---- attack, release and hysteresis of who speaks


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
