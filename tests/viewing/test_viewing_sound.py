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

"""The acoustic map over the image."""

import numpy as np
import pytest

from av_tracker_nodes.types import AcousticMap
from av_tracker_nodes.viewing.sound import draw_overlay, heat, map_layer

IMAGE = np.full((288, 360, 3), 100, np.uint8)


def make_map(peak=0.5):
    values = np.zeros((96, 120), np.float32)
    values[40, 60] = peak
    return AcousticMap(0, 0, 'gcf', values, 3.0, 2.0, 1.0)


def test_overlay_colours_the_pixel_of_the_peak():
    changed = np.abs(draw_overlay(IMAGE, make_map()).astype(int) - IMAGE).sum(axis=-1)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    assert (row, column) == (121, 181)
    assert changed[200:, 300:].max() == 0


def test_overlay_of_an_enlarged_image_colours_the_same_place():
    sound = make_map()
    layer = map_layer(AcousticMap(0, 0, 'gcf', sound.values, 6.0, 2.0, 1.0), (720, 576))
    rows, columns = np.nonzero(layer[..., 3] == layer[..., 3].max())
    # Pixel (181, 121) of the image is the four pixels around (362.5, 242.5).
    np.testing.assert_allclose([columns.mean(), rows.mean()], [362.5, 242.5], atol=0.5)


@pytest.mark.parametrize('peak', [0.0, 0.05])
def test_noise_leaves_the_image_as_it_is(peak):
    np.testing.assert_array_equal(draw_overlay(IMAGE, make_map(peak)), IMAGE)


def test_no_map_leaves_the_image_as_it_is():
    nothing = AcousticMap(0, 0, 'gcf', np.zeros((0, 0), np.float32), 3.0, 2.0, 0.0)
    np.testing.assert_array_equal(draw_overlay(IMAGE, nothing), IMAGE)


def test_heat_is_full_where_sound_stands_out():
    shares = heat(make_map(0.5))
    assert shares[40, 60] == 1
    assert np.count_nonzero(shares) == 1
