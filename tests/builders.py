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

"""People, the camera that sees them, sound and the arrays that hear it, made by hand."""

import numpy as np

from av_tracker_nodes.geometry import Camera, MicrophoneArray
from av_tracker_nodes.types import AcousticMap, Modality, Track, TrackState

CAMERA = Camera(350.0, 350.0, 179.5, 143.5, (360, 288))
LOOKS_ALONG_X = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
"""Frame of the world from that of a camera, optical, that looks along x."""


def make_track(number=1, position=(0, 0, 0), speaks=False, box=None, **changes):
    """A confirmed track."""
    values = {
        'id': number,
        'state': TrackState.CONFIRMED,
        'position': np.asarray(position, float),
        'velocity': np.zeros(3),
        'covariance': 0.01 * np.eye(6),
        'box': None if box is None else np.asarray(box, float),
        'speaking': float(speaks),
        'is_speaking': speaks,
        'existence': 1.0,
        'modalities': Modality.NONE if box is None else Modality.VISUAL,
        'born': 0,
    }
    return Track(**(values | changes))


def make_talker(number, x=0.0, **changes):
    """Somebody who is seen and heard to talk."""
    given = {'speaking': 0.9, 'box': (100, 80, 30, 40), 'modalities': Modality.BOTH} | changes
    return make_track(number, (x, 0, 1), True, **given)


def make_sound(peaks=(), faces=(), *, stamp=5, measure='vggcf', values=None, from_image=True):
    """A map of sound that was heard whole; nothing but peaks and faces stands out of it."""
    values = np.zeros((2, 2), np.float32) if values is None else values
    parts = {'peaks': tuple(peaks), 'faces': tuple(faces), 'from_image': from_image}
    return AcousticMap(stamp, stamp, measure, values, 3.0, 2.0, 1.0, **parts)


def towards(azimuth, elevation):
    """Direction that lies so many degrees to the left of x, and above it."""
    azimuth, elevation = np.radians([azimuth, elevation])
    level = np.cos(elevation)
    return np.array([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)])


def square(half):
    """Four microphones, numbered around, at the corners of a square."""
    return MicrophoneArray(half * np.array([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]))


SQUARE = square(0.03)
LINE = MicrophoneArray(np.array([[0, y, 0] for y in (-0.11, 0.03, 0.07, 0.11)]))
ASIDE = np.array([0, 0.4, 0])
TWO_SQUARES = MicrophoneArray(
    np.concatenate([SQUARE.positions + ASIDE, SQUARE.positions - ASIDE]), np.repeat([0, 1], 4)
)
