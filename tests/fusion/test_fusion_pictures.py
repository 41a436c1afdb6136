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

"""Posters and dolls before a depth camera: nobody, as long as they neither move nor speak."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.association import SpeakerTracker
from av_tracker_nodes.fusion import create_fusion
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT
from av_tracker_nodes.types import AcousticMap, Face, FaceFrame, FaceSound, TrackState

CAMERA = Camera(600.0, 600.0, 320.0, 240.0, (640, 480))
RIG = Rig(CAMERA, MicrophoneArray(0.05 * np.eye(3)))
STEP = 40_000_000


def box_of(size, distance, aside=0.0):
    """Box that the detector draws of a face of `size` (average adults: 1) at a distance (m)."""
    height = 600 * size * DETECTOR_FACE_HEIGHT / distance
    centre = np.array([320 + 600 * aside / distance, 240])
    return np.array([*(centre - [0.375 * height, height / 2]), 0.75 * height, height])


def face_of(size, distance, depth, aside=0.0):
    return Face(box_of(size, distance, aside), 0.95, tracklet=1, range=depth)


def states(faces, speech=0.0):
    """States of all tracks after each image with one face, which is heard as much."""
    fusion, tracker, told = create_fusion('vggcf'), SpeakerTracker(), []
    for number, face in enumerate(faces):
        stamp = (number + 1) * STEP
        heard = FaceSound(
            1, np.zeros((4, 4), np.float32), 0.3, 0.1, np.array([0, 0, 2.0]), 2.0, 2.0, speech
        )
        sound = AcousticMap.blank(stamp, 'vggcf', coverage=1.0, faces=(heard,))
        detections = fusion.process(FaceFrame(stamp, CAMERA.size, (face,)), sound, RIG)
        tracks = tracker.process(detections, CAMERA).tracks
        told.append({track.state for track in tracks})
    return told


def is_somebody(faces, speech=0.0):
    return any(TrackState.CONFIRMED in each for each in states(faces, speech))


@pytest.mark.parametrize(
    ('size', 'somebody'),
    [(0.3, False), (0.5, False), (0.75, True), (1.0, True), (1.3, True), (2.0, False)],
)
def test_a_still_and_silent_face_needs_the_size_of_a_head(size, somebody):
    """A photograph on a desk, a toddler, grown-ups, a poster."""
    assert is_somebody([face_of(size, 2.0, 2.0)] * 100) == somebody


@given(st.floats(0.2, 3.0))
def test_without_a_measured_distance_any_size_is_that_of_somebody_near_or_far(size):
    assert is_somebody([face_of(size, 2.0, np.nan)] * 25)


@pytest.mark.parametrize('size', [0.4, 2.0])
def test_what_speaks_or_walks_is_somebody_of_whom_the_depth_is_wrong(size):
    still = [face_of(size, 2.0, 2.0)] * 50
    walks = [face_of(size, 2.0, 2.0, aside) for aside in np.linspace(0, 0.5, 50)]
    assert not is_somebody(still)
    assert is_somebody(still, speech=0.9)
    assert is_somebody(walks)


def test_a_hole_in_the_depth_image_takes_nobody_away():
    """The background is measured through somebody now and then."""
    through = [face_of(1.0, 2.0, 5.0 if number % 3 == 1 else 2.0) for number in range(100)]
    assert all(TrackState.CONFIRMED in each for each in states(through)[20:])


def test_another_recording_begins_anew():
    fusion = create_fusion('vggcf')

    def score(aside):
        sound = AcousticMap.blank(STEP, 'vggcf', coverage=1.0)
        faces = FaceFrame(STEP, CAMERA.size, (face_of(2.0, 2.0, 2.0, aside),))
        return fusion.process(faces, sound, RIG).detections[0].quality

    assert score(0.0) <= 0.5 < score(0.4)
    fusion.reset()
    assert score(0.4) <= 0.5
