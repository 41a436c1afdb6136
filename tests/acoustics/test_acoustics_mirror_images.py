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

"""Mirror images, made by mirroring."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.acoustics.mirror_images import MirrorImages
from av_tracker_nodes.geometry import MicrophoneArray

FLAT = MicrophoneArray(0.05 * np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]))
SOLID = MicrophoneArray(0.2 * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]))
SOURCE = np.array([1.5, 0.4, 0.3])
KNOWN = 1e-4 * np.eye(3)
UNKNOWN = 9.0 * np.eye(3)


def mirrored(normal, distance):
    """The image of the source in the plane ``normal . x = distance``."""
    normal = normal / np.linalg.norm(normal)
    return SOURCE + 2 * (distance - SOURCE @ normal) * normal


def weight(array, image, covariance=KNOWN, up=(0.0, 0, 1)):
    """Weight of the detour by way of an image."""
    centre = array.centre
    detour = np.linalg.norm(image - centre) - np.linalg.norm(SOURCE - centre)
    images = MirrorImages(array, np.array([detour]))
    images.up = np.array(up)
    return images.weights(SOURCE, covariance, image).item()


ROOM = {
    'ceiling': ([0.0, 0, 1], 1.6),
    'table': ([0.0, 0, -1], 0.4),
    'floor': ([0.0, 0, -1], 1.0),
    'wall behind the talker': ([1.0, 0.3, 0], 3.0),
    'wall behind the array': ([-1.0, 0.1, 0], 1.0),
    'wall aside': ([0.1, 1.0, 0], 2.0),
}


@pytest.mark.parametrize('plane', ROOM.values(), ids=ROOM)
@pytest.mark.parametrize('array', [FLAT, SOLID], ids=['flat', 'solid'])
def test_planes_of_a_room_have_images(plane, array):
    image = mirrored(*map(np.array, plane))
    loud = np.linalg.norm(SOURCE) / np.linalg.norm(image)
    assert weight(array, image) == pytest.approx(np.sqrt(loud), rel=0.2)
    assert weight(array, image, UNKNOWN) > 0.3


@pytest.mark.parametrize('tilt', [35.0, 45.0, 55.0])
def test_only_arrays_that_know_elevations_ask_whether_planes_are_level_or_upright(tilt):
    angle = np.deg2rad(tilt)
    normal = np.array([0.0, np.cos(angle), np.sin(angle)])
    image = mirrored(normal, 1.5)
    assert weight(SOLID, image) < 0.7 * weight(FLAT, image)
    # The same plane is a wall in a rig that leans.
    assert weight(SOLID, image, up=np.cross(normal, [1.0, 0, 0])) > 0.9 * weight(FLAT, image)


@pytest.mark.parametrize(
    ('normal', 'distance'),
    [
        pytest.param([-1.0, 0, 0], 0.1, id='plane at the microphones'),
        pytest.param([1.0, 0, 0], 1.6, id='plane at the mouth'),
        pytest.param([1.0, 0, 0], 6.0, id='plane far away'),
    ],
)
def test_planes_that_are_too_near_or_too_far_have_none(normal, distance):
    assert weight(FLAT, mirrored(np.array(normal), distance)) == 0


DIRECTION = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 0.1)


@given(image=DIRECTION, spread=st.floats(1e-3, 10))
def test_weights_are_shares(image, spread):
    for array in (FLAT, SOLID):
        images = MirrorImages(array, np.linspace(0.3, 10, 20))
        weights = images.weights(SOURCE, spread * np.eye(3), np.array(image) + array.centre)
        assert ((weights >= 0) & (weights <= 1)).all()
