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

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.fusion.who_speaks import heard_and_read, with_lips
from av_tracker_nodes.types import Detection, DetectionFrame, Face, FaceFrame, Modality

BOX = np.array([100.0, 80.0, 40.0, 50.0])
UNKNOWN = float('nan')
MOST = 2.5


def person(tracklet, speaking, modalities=Modality.VISUAL):
    heard = Modality.AUDIO if speaking >= 0.5 else Modality.NONE
    return Detection(
        np.zeros(3), np.eye(3), modalities | heard, speaking=speaking, tracklet=tracklet
    )


def told(people, lips):
    faces = tuple(Face(BOX, 0.9, tracklet=k, lips=value) for k, value in lips.items())
    frame = with_lips(DetectionFrame(5, tuple(people)), FaceFrame(5, (640, 480), faces))
    assert frame.stamp == 5
    return frame.detections


def test_a_voice_of_two_faces_goes_to_the_one_whose_mouth_moves():
    first, second = told([person(1, 0.55), person(2, 0.6)], {1: 2.0, 2: -2.0})
    assert first.speaking > 0.6
    assert second.speaking < 0.5
    assert first.modalities == Modality.VISUAL | Modality.AUDIO
    assert second.modalities == Modality.VISUAL


def test_what_is_not_known_changes_nothing():
    people = [person(1, 0.55), person(2, 0.2), person(3, 0.7)]
    same = told(people, {1: UNKNOWN, 2: UNKNOWN})
    assert all(a is b for a, b in zip(same, people, strict=True))


def test_only_those_whose_lips_are_seen_are_told_anew():
    voice = person(0, 0.8, Modality.NONE)
    people = told([person(1, 0.5), voice, person(2, 0.5)], {0: -2.0, 2: 2.0})
    assert people[0].speaking == 0.5
    assert people[1] is voice
    assert people[2].speaking > 0.5


@given(lips=st.floats(-MOST, MOST))
def test_nobody_speaks_without_a_sound(lips):
    assert heard_and_read(0.0, lips) == 0.0
    assert heard_and_read(0.15, lips) < 0.5


@given(speech=st.floats(0.001, 1.0), lips=st.floats(-MOST, MOST))
def test_lips_raise_and_lower_by_what_they_say(speech, lips):
    speaking = heard_and_read(speech, lips)
    assert 0 <= speaking <= 1
    if abs(lips) > 0.01 and 0.001 < speech < 0.999:
        assert (speaking > speech) == (lips > 0)


@pytest.mark.parametrize('speech', [0.01, 0.3, 0.5, 0.9])
def test_no_evidence_is_a_ratio_of_one(speech):
    assert heard_and_read(speech, 0.0) == pytest.approx(speech)


def test_a_sure_voice_can_be_doubted():
    assert 0.5 < heard_and_read(1.0, -MOST) < 1.0


def test_nothing_else_of_a_person_changes():
    before = person(1, 0.6)
    (after,) = told([before], {1: 1.0})
    assert replace(after, speaking=0.6) == before
