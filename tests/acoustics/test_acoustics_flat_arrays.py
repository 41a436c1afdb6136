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

"""Faces that small flat arrays hear: what they cannot tell of a direction is not held against it.

The voice comes from another elevation than the face has, which echoes do to small arrays.
"""

import numpy as np
import pytest
from acoustic_scenes import RATE, person, propagate

from av_tracker_nodes.acoustics import AcousticStage
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, Face, FaceFrame

FORWARD = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
CAMERA = Camera(500, 500, 320, 240, (640, 480), pose=RigidTransform(FORWARD))
SQUARE = MicrophoneArray(0.03 * np.array([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]))
LINE = MicrophoneArray(np.array([[0, y, 0] for y in (-0.11, 0.03, 0.07, 0.11)]))
ASIDE = np.array([0, 0.4, 0])
TWO_SQUARES = MicrophoneArray(
    np.concatenate([SQUARE.positions + ASIDE, SQUARE.positions - ASIDE]), np.repeat([0, 1], 4)
)


def towards(azimuth, elevation):
    azimuth, elevation = np.radians([azimuth, elevation])
    level = np.cos(elevation)
    return np.array([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)])


@pytest.mark.parametrize(
    ('array', 'voice', 'is_heard'),
    [
        (SQUARE, (15, 30), True),
        (SQUARE, (15, -28), True),
        (SQUARE, (50, 4), False),
        (LINE, (165, 4), True),
        (LINE, (-60, 4), False),
        (TWO_SQUARES, (15, 40), False),
    ],
)
def test_a_face_is_given_its_voice_as_far_as_the_array_can_tell(array, voice, is_heard):
    """A face 15 degrees to the left and 4 up, and a voice elsewhere."""
    face = Face(face_box(CAMERA, 2.0 * towards(15, 4)), 0.9, None, 1)
    stage = AcousticStage(Rig(CAMERA, array), 'vggcf')
    sound = propagate([(2.0 * towards(*voice), person(3.0))], array, noise=1e-4)
    stage.add(AudioBlock(0, 0, RATE, sound))
    stamps = np.arange(0.4, 3.0, 0.1) * NANOSECONDS
    frames = [
        stage.process(FaceFrame(int(stamp), CAMERA.size, (face,))).faces[0] for stamp in stamps
    ]
    share = np.mean([frame.speech > 0.5 for frame in frames])
    assert (share > 0.5) == is_heard


@pytest.mark.parametrize(
    ('voice', 'other', 'shares'),
    [
        # On the cone of a line with the face that talks, above it; and well aside.
        ((15, -3), (15.3, 10), 'both'),
        ((15, 0), (-15, 0), 'one'),
    ],
)
def test_two_faces_on_a_cone_share_a_voice(voice, other, shares):
    """Neither is told to speak rather than the other, where nothing tells them apart."""
    faces = tuple(
        Face(face_box(CAMERA, 2.0 * towards(*place)), 0.9, None, number)
        for number, place in enumerate((voice, other), 1)
    )
    stage = AcousticStage(Rig(CAMERA, LINE), 'vggcf')
    sound = propagate([(2.0 * towards(*voice), person(3.0))], LINE, noise=1e-4)
    stage.add(AudioBlock(0, 0, RATE, sound))
    stamps = np.arange(0.4, 3.0, 0.1) * NANOSECONDS
    speech = np.array(
        [
            [face.speech for face in stage.process(FaceFrame(int(s), CAMERA.size, faces)).faces]
            for s in stamps
        ]
    )
    talker, neighbour = np.median(speech, axis=0)
    if shares == 'both':
        assert 0.25 < talker < 0.75
        assert neighbour == pytest.approx(talker, abs=0.2)
    else:
        assert talker > 0.75
        assert neighbour < 0.25
