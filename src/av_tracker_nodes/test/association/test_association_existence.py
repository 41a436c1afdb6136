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

from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.association.existence import Existence
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
