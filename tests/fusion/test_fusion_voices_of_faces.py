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

"""Faces and voices as arrays that cannot tell all directions apart hear them."""

from dataclasses import replace

import numpy as np
import pytest
from builders import LINE, LOOKS_ALONG_X, SQUARE, TWO_SQUARES, make_sound, towards
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.fusion import create_fusion
from av_tracker_nodes.fusion.who_speaks import heard_and_read, with_lips
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.bearings import heard_angles
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.types import (
    NANOSECONDS,
    AcousticPeak,
    Detection,
    DetectionFrame,
    Face,
    FaceFrame,
    Modality,
    TrackState,
)

CAMERA = Camera(400, 400, 320, 240, (640, 480), pose=RigidTransform(LOOKS_ALONG_X))
SOLID = MicrophoneArray(0.05 * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, 0]]))
ANGLE = st.floats(-180, 180)
FACE = Face(face_box(CAMERA, 2.0 * towards(20, 5)), 0.9, None, 1)
"""A face 20 degrees to the left and 5 up."""


def delays(array, direction):
    return array.positions @ direction


def fused(array, voice, covariance, faces=(), camera=CAMERA):
    """Detections where a voice is heard 3 m away in a direction."""
    heard = towards(*voice)
    sound = make_sound([AcousticPeak(3.0 * heard, covariance, heard, 0.4, 0.95)], measure='stgcf')
    frame = FaceFrame(5, (640, 480), faces)
    model = create_fusion('stgcf' if camera else 'audio')
    return model.process(frame, sound, Rig(camera, array)).detections


@pytest.mark.parametrize(
    ('array', 'voice', 'people'),
    [
        (SQUARE, (22, 45), 1),
        (SQUARE, (20, -5), 1),
        (SQUARE, (40, 5), 2),
        (SQUARE, (20, 85), 2),
        (LINE, (160, 5), 1),
        (LINE, (90, 70), 1),
        (LINE, (35, 5), 2),
        (SOLID, (20, 45), 2),
        (SOLID, (22, 8), 1),
        (TWO_SQUARES, (20, 45), 2),
        (TWO_SQUARES, (21, 7), 1),
    ],
)
def test_a_voice_is_that_of_a_face_as_far_as_the_array_can_tell(array, voice, people):
    detections = fused(array, voice, 0.05 * np.eye(3), (FACE,))
    assert len(detections) == people
    assert bool(detections[0].modalities & Modality.AUDIO) == (people == 1)


@pytest.mark.parametrize('array', [SQUARE, SOLID, TWO_SQUARES])
@pytest.mark.parametrize(('std', 'people'), [(0.03, 2), (0.3, 1)])
def test_the_gate_is_as_wide_as_the_peak_is_uncertain(array, std, people):
    assert len(fused(array, (33, 5), std**2 * np.eye(3), (FACE,))) == people


WIDE = np.diag([4.0, 0.04, 4.0])
"""Covariance of a circle about the y axis."""


@pytest.mark.parametrize('voice', [(20, 70), (160, 10), (-150, -20), (15, 0)])
def test_a_voice_on_a_cone_is_told_in_front_and_proves_nobody(voice):
    (somebody,) = fused(LINE, voice, WIDE)
    direction = somebody.position / np.linalg.norm(somebody.position)
    assert direction[1] == pytest.approx(towards(*voice)[1], abs=1e-6)
    assert direction[0] > 0
    assert direction[2] == pytest.approx(0, abs=1e-6)
    assert somebody.quality < TrackerConfig().birth_quality
    tracker = SpeakerTracker()
    for image in range(100):
        tracks = tracker.process(
            DetectionFrame(image * NANOSECONDS // 25, (somebody,)), CAMERA
        ).tracks
        assert all(track.state == TrackState.TENTATIVE for track in tracks)


def test_a_voice_of_a_known_direction_proves_somebody():
    (somebody,) = fused(SQUARE, (20, 10), 0.04 * np.eye(3))
    assert somebody.quality == 1.0


def test_a_cone_stays_where_it_is_without_a_camera():
    (somebody,) = fused(LINE, (20, 70), WIDE, camera=None)
    np.testing.assert_allclose(somebody.position, 3 * towards(20, 70))


@given(first=st.tuples(ANGLE, ANGLE), second=st.tuples(ANGLE, ANGLE), lie=st.tuples(*[ANGLE] * 3))
@pytest.mark.parametrize('array', [LINE, SQUARE, SOLID, TWO_SQUARES])
def test_what_the_array_tells_apart_is_no_more_than_the_angle(array, first, second, lie):
    turn = Rotation.from_euler('xyz', lie, degrees=True).as_matrix()
    turned = MicrophoneArray(array.positions @ turn.T, array.groups)
    one, other = turn @ towards(*first), turn @ towards(*second)
    (heard,) = heard_angles(turned, one, other[None])
    angle = np.arccos(np.clip(one @ other, -1, 1))
    assert 0 <= heard <= angle + 1e-6


@given(elevation=st.floats(-80, 80), around=st.tuples(ANGLE, ANGLE), lie=st.tuples(*[ANGLE] * 3))
def test_directions_of_equal_delays_are_one_for_a_line(elevation, around, lie):
    turn = Rotation.from_euler('xyz', lie, degrees=True).as_matrix()
    line = MicrophoneArray(np.array([[0, 0, z] for z in (-0.1, 0.02, 0.1)]) @ turn.T)
    one, other = (turn @ towards(azimuth, elevation) for azimuth in around)
    np.testing.assert_allclose(delays(line, one), delays(line, other), atol=1e-9)
    assert heard_angles(line, one, other[None])[0] == pytest.approx(0, abs=1e-6)


@given(azimuth=ANGLE, elevation=st.floats(-60, 60))
def test_mirror_images_are_one_for_a_plane(azimuth, elevation):
    above, below = towards(azimuth, elevation), towards(azimuth, -elevation)
    np.testing.assert_allclose(delays(SQUARE, above), delays(SQUARE, below), atol=1e-12)
    assert heard_angles(SQUARE, above, below[None])[0] == pytest.approx(0, abs=1e-6)


def test_a_single_microphone_and_several_arrays_are_taken_by_the_angle():
    one, other = towards(0, 0), towards(30, 0)
    single = MicrophoneArray(np.zeros((1, 3)))
    for array in (single, TWO_SQUARES, SOLID):
        assert heard_angles(array, one, other[None])[0] == pytest.approx(np.radians(30))


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
