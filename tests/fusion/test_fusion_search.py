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

import numpy as np
import pytest

from av_tracker_nodes.fusion.search import (
    FACE_PIXELS,
    SEARCH_SIZE,
    SOUND_MAP_SIZE,
    SOUND_MAPS,
    TEMPLATE_SIZE,
    found_pixel,
    guided_maps,
    template_crop,
)
from av_tracker_nodes.geometry.head import mouth_pixel
from av_tracker_nodes.types import AcousticMap

PITCH = 3.0


def sound(*spots):
    """A map with a spot at each pixel, of a height: (u, v, height)."""
    values = np.zeros((96, 120), np.float32)
    for u, v, height in spots:
        values[round(v / PITCH), round(u / PITCH)] = height
    return AcousticMap(0, 0, 'vggcf', values, PITCH, 2.0, 1.0)


@pytest.mark.parametrize('height', [16, 24, 60])
def test_a_face_of_any_size_is_as_high_in_the_crop(height):
    image = np.zeros((288, 360, 3), np.uint8)
    box = np.array([170.0, 120.0, 0.75 * height, height])
    left, top, right, bottom = np.rint([*box[:2], box[0] + box[2], box[1] + box[3]]).astype(int)
    image[top:bottom, left:right] = 255
    crop = template_crop(image, box)
    assert crop.shape == (TEMPLATE_SIZE, TEMPLATE_SIZE, 3)
    white = np.flatnonzero(crop[:, TEMPLATE_SIZE // 2, 0] > 127)
    assert len(white) == pytest.approx(FACE_PIXELS, abs=2)
    # The mouth, a quarter of the face from its lower edge, is in the middle.
    assert white[-1] - TEMPLATE_SIZE / 2 == pytest.approx(FACE_PIXELS / 4, abs=2)


def test_maps_are_chosen_by_what_is_inside_the_face():
    box = np.array([150.0, 100.0, 30.0, 40.0])
    u, v = box[:2] + box[2:] / 2
    history = [
        sound((u, v, 0.2)),
        sound((u, v, 0.6), (300.0, 50.0, 0.9)),
        sound((300.0, 50.0, 1.0)),
        sound((u, v, 0.4)),
        sound(),
    ]
    maps = guided_maps(history, box)
    assert maps.shape == (SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE)
    peaks = maps.max(axis=(1, 2))
    assert peaks[0] > peaks[1] > peaks[2] > 0
    np.testing.assert_allclose(peaks[:2] / peaks[0], [1.0, 2 / 3], rtol=0.01)


def test_a_sound_lies_in_the_map_where_it_lies_in_the_search_crop():
    box = np.array([150.0, 100.0, 30.0, 40.0])
    offset = np.array([0.5, -0.75])
    u, v = found_pixel(box, offset)
    row, column = np.unravel_index(guided_maps([sound((u, v, 1.0))], box)[0].argmax(), (24, 24))
    points_a_face = SOUND_MAP_SIZE / (SEARCH_SIZE / FACE_PIXELS)
    middle = (SOUND_MAP_SIZE - 1) / 2
    assert column - middle == pytest.approx(points_a_face * offset[0], abs=1)
    assert row - middle == pytest.approx(points_a_face * offset[1], abs=1)


def test_few_or_silent_maps_leave_zeros():
    box = np.array([150.0, 100.0, 30.0, 40.0])
    assert (guided_maps([sound()], box) == 0).all()
    empty = AcousticMap(0, 0, 'vggcf', np.zeros((0, 0), np.float32), PITCH, 2.0, 0.0)
    assert (guided_maps([empty, empty], box) == 0).all()


def test_no_offset_is_the_mouth():
    box = np.array([150.0, 100.0, 30.0, 40.0])
    np.testing.assert_allclose(found_pixel(box, np.zeros(2)), mouth_pixel(box))
