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

from av_tracker_nodes.geometry.crops import face_crop, square_crop


@pytest.fixture
def ramp():
    """Blue tells the column, green the row."""
    rows, columns = np.mgrid[0:100, 0:120]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def test_crop_without_scaling_is_the_image(ramp):
    crop = square_crop(ramp, np.array([50.0, 40.0]), side=21, size=21)
    np.testing.assert_array_equal(crop, ramp[30:51, 40:61])


def test_half_pixels_are_interpolated(ramp):
    crop = square_crop(ramp, np.array([50.5, 40.0]), side=3, size=3).astype(int)
    assert set(crop[:, 1, 0].tolist()) <= {50, 51}
    assert (crop[:, 1, 1] == [39, 40, 41]).all()


@pytest.mark.parametrize('size', [16, 64])
def test_scaling_keeps_the_middle(ramp, size):
    crop = square_crop(ramp, np.array([60.0, 50.0]), side=32, size=size).astype(float)
    assert crop.shape == (size, size, 3)
    np.testing.assert_allclose(crop[..., 0].mean(), 60, atol=1)
    np.testing.assert_allclose(crop[..., 1].mean(), 50, atol=1)


def test_border_is_repeated(ramp):
    crop = square_crop(ramp, np.array([0.0, 99.0]), side=21, size=21)
    assert (crop[:, :11, 0] == 0).all()
    assert (crop[10:, :, 1] == 99).all()
    far = square_crop(ramp, np.array([500.0, 500.0]), side=21, size=21)
    assert (far[..., 0] == 119).all()


def test_face(ramp):
    box = np.array([50, 30, 10, 12])
    np.testing.assert_array_equal(
        face_crop(ramp, box, size=18), square_crop(ramp, np.array([55, 36]), 18, 18)
    )
